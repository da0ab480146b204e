"""Zero-shot classification by phrases: the logits that the library's own whole models give."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from avtool.core.errors import BadInputError
from avtool.core.reporter import Silent
from avtool.core.runtime import RuntimeRecipe
from avtool.inference.predictor import Predictor
from avtool.models.hub.phrases import read_phrases
from avtool.models.hub.text_tower import embed_texts
from tests.harness import _word_tokenizer, noise, run_avtool, write_wav
from tests.parity.test_transformers_encoder import PE_FRAMES, PERCEPTION, made

transformers = pytest.importorskip("transformers")
PHRASES = ("a dog barks", "rain on a roof", "a man speaks")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVTOOL_CACHE_DIR", str(tmp_path / "cache"))


def saved(name: str, folder: Path) -> tuple[Any, Any, Any]:
    """A tiny model with a tokenizer of words, its random scale and bias, and its processor."""
    model, processor = made(name, true=False)
    scored = model.audio_model if name == "pe_av" else model
    for key in ("logit_scale", "logit_scale_a", "text_audio_logit_scale"):
        if hasattr(scored, key):
            getattr(scored, key).data.fill_(1.3)
    for key in ("logit_bias", "text_audio_logit_bias"):
        if hasattr(scored, key):
            getattr(scored, key).data.fill_(-0.4)
    tokenizer = _word_tokenizer([*PHRASES, "0 1 2"])
    tokenizer.model_max_length = 16
    videos = [transformers.PeVideoVideoProcessor(**PE_FRAMES)] if name == "pe_av" else []
    for part in (model.eval(), processor, tokenizer, *videos):
        part.save_pretrained(folder)
    return model, processor, tokenizer


def theirs(name: str, model: Any, processor: Any, tokenizer: Any, given: Any) -> torch.Tensor:
    padding = "max_length" if name == "siglip" else "longest"
    tokens = tokenizer(list(PHRASES), padding=padding, return_tensors="pt")
    taken = {key: tokens[key] for key in ("input_ids", "attention_mask")}
    with torch.no_grad():
        if name in ("clip", "siglip"):
            pixels = processor(images=[Image.fromarray(given)], return_tensors="pt")["pixel_values"]
            return model(**taken, pixel_values=pixels).logits_per_image
        found = processor([given], sampling_rate=processor.sampling_rate, return_tensors="pt")
        if name == "clap":
            return model(
                **taken, input_features=found["input_features"], is_longer=found["is_longer"]
            ).logits_per_audio
        model = model.audio_model if name == "pe_av" else model
        logits = model(**taken, input_values=found["input_values"]).logits_audio_text
        return logits.mean(dim=-1) if name == "pe_audio_frame" else logits


@pytest.mark.parametrize("name", ["clip", "siglip", "clap", *PERCEPTION])
def test_logits_are_those_of_the_whole_model(name: str, tmp_path: Path) -> None:
    model, processor, tokenizer = saved(name, tmp_path / "hub")
    (tmp_path / "phrases.txt").write_text("\n".join(PHRASES) + "\n\n", encoding="utf-8")
    plain = Predictor(tmp_path / "hub", RuntimeRecipe(device="cpu", precision="fp32"), Silent())
    scorer = plain.with_phrases(tmp_path / "phrases.txt")
    one = scorer.inputs["image" if "image" in scorer.inputs else "audio"]
    if one.name == "image":
        given: Any = np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8)
        batch = {"image": one.process(given)[None]}
    else:
        given = np.random.default_rng(0).normal(0, 0.1, one.num_frames).astype(np.float32)
        batch = one.batch([given], torch.device("cpu"))
    with torch.no_grad():
        ours = scorer.model(**batch).logits
    torch.testing.assert_close(ours, theirs(name, model, processor, tokenizer, given), atol=1e-5, rtol=1e-5)
    assert scorer.outputs.labels == PHRASES
    assert scorer.outputs.task == ("single-label" if name in ("clip", "clap") else "multi-label")


@pytest.mark.parametrize(
    ("name", "given"), [("pe_video", "video"), ("pe_av", "video"), ("pe_av", "audio"), ("pe_av", "both")]
)
def test_logits_of_pe_av_are_those_of_what_is_given(name: str, given: str, tmp_path: Path) -> None:
    """Each of audio, video and both has a head, a scale and a bias of its own for texts."""
    model, _, tokenizer = saved(name, tmp_path / "hub")
    with torch.no_grad():
        for number, (key, value) in enumerate(sorted(model.named_parameters())):
            if key.endswith(("logit_scale", "logit_bias")):
                value.fill_(0.3 + 0.1 * number)
    model.save_pretrained(tmp_path / "hub")
    (tmp_path / "phrases.txt").write_text("\n".join(PHRASES), encoding="utf-8")
    plain = Predictor(tmp_path / "hub", RuntimeRecipe(device="cpu", precision="fp32"), Silent())
    scorer = plain.with_phrases(tmp_path / "phrases.txt")
    tokens = tokenizer(list(PHRASES), padding="longest", return_tensors="pt")
    taken = {key: tokens[key] for key in ("input_ids", "attention_mask")}
    draw = torch.Generator().manual_seed(0)
    video, audio = torch.randn(1, 3, 5, 32, 32, generator=draw), torch.randn(1, 1, 48000, generator=draw)
    ours = {"audio": {"audio": audio}, "video": {"video": video}, "both": {"audio": audio, "video": video}}
    frames = video.transpose(1, 2).contiguous()
    with torch.no_grad():
        logits = scorer.model(**ours[given]).logits
        if given == "both":
            many = {
                "input_values": audio,
                "pixel_values_videos": frames,
            }  # the library takes as many as texts
            many = {key: value.repeat(len(PHRASES), *[1] * (value.dim() - 1)) for key, value in many.items()}
            wanted = model(**taken, **many).logits_audio_video_text[:1]
        elif given == "audio":
            wanted = model.audio_model(**taken, input_values=audio).logits_audio_text
        else:
            part = model.video_model if name == "pe_av" else model
            wanted = part(**taken, pixel_values_videos=frames).logits_video_text
    torch.testing.assert_close(logits, wanted, atol=1e-5, rtol=1e-5)
    assert scorer.outputs.task == "multi-label"


def test_predict_scores_a_recording_by_phrases(tmp_path: Path) -> None:
    saved("pe_audio", tmp_path / "hub")
    (tmp_path / "phrases.txt").write_text("\n".join(PHRASES), encoding="utf-8")
    sound = write_wav(tmp_path / "sound.wav", noise(1))
    line = ["predict", sound, "--model", tmp_path / "hub", "--device", "cpu", "--json", "-q"]
    done = run_avtool(*line, "--phrases", tmp_path / "phrases.txt", "--events", "--out", tmp_path / "out")
    assert done.code == 0, done.stderr
    assert done.json["files"][0]["label"] in PHRASES
    head = (tmp_path / "out" / "scores.csv").read_text().splitlines()[0]
    assert head == "file," + ",".join(PHRASES)
    without = run_avtool(*line, "--out", tmp_path / "none")
    assert without.code == 4
    (tmp_path / "hub" / "tokenizer.json").unlink()
    for file in tmp_path.glob("hub/*token*"):
        file.unlink()
    lacking = run_avtool(*line, "--phrases", tmp_path / "phrases.txt", "--out", tmp_path / "more")
    assert lacking.code == 2
    assert "no text tower with a tokenizer" in lacking.stderr


@pytest.mark.parametrize(
    ("text", "words"), [("", "holds no phrase"), ("rain\nrain\n", "holds a phrase twice")]
)
def test_files_without_distinct_phrases_are_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "phrases.txt").write_text(text)
    with pytest.raises(BadInputError, match=words):
        read_phrases(tmp_path / "phrases.txt")
    with pytest.raises(BadInputError, match="cannot read the phrases"):
        read_phrases(tmp_path / "none.txt")


def test_an_encoder_without_texts_takes_no_phrases(tmp_path: Path) -> None:
    model, processor = made("ast", true=False)
    for part in (model, processor):
        part.save_pretrained(tmp_path)
    with pytest.raises(BadInputError, match="compares no texts with images, audio or video"):
        embed_texts(tmp_path, PHRASES, torch.device("cpu"))
