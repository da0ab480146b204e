"""Captions by models of transformers with random weights: their logits, and their frames if there are any."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from avtool.core.reporter import Silent
from avtool.core.runtime import RuntimeRecipe
from avtool.data.inputs.spec import Window
from avtool.data.items import Item
from avtool.inference.captioner import ModelOptions, open_captioner
from avtool.inference.predictor import Predictor
from avtool.inference.sound_tagger.captioner import SoundTagger
from avtool.media.captions.reading import read_captions
from tests.harness import noise, run_avtool, write_wav
from tests.parity.test_phrases import PHRASES, saved
from tests.parity.test_transformers_encoder import SMALL

transformers = pytest.importorskip("transformers")
CPU = RuntimeRecipe(device="cpu", precision="fp32")
RATE = 48_000
CLASSES = ("Speech", "Bark", "Music")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVTOOL_CACHE_DIR", str(tmp_path / "cache"))


def ast_classifier(folder: Path, **config: Any) -> tuple[Any, Any]:
    """A tiny AST of three sounds over windows of 2.56 s, which always detects a bark."""
    torch.manual_seed(0)
    names = {"id2label": dict(enumerate(CLASSES)), "label2id": {name: n for n, name in enumerate(CLASSES)}}
    settings = transformers.ASTConfig(**SMALL, max_length=256, **names, **config)
    model = transformers.ASTForAudioClassification(settings).eval()
    model.classifier.dense.bias.data = torch.tensor([-9.0, 9.0, -9.0])
    extractor = transformers.ASTFeatureExtractor(max_length=256)
    for part in (model, extractor):
        part.save_pretrained(folder)
    return model, extractor


@pytest.mark.parametrize(
    ("problem", "task"),
    [("multi_label_classification", "multi-label"), ("single_label_classification", "single-label")],
)
def test_an_ast_classifier_gives_the_library_s_logits(problem: str, task: str, tmp_path: Path) -> None:
    model, extractor = ast_classifier(tmp_path / "hub", problem_type=problem)
    predictor = Predictor(tmp_path / "hub", CPU, Silent())
    (audio,) = predictor.inputs
    assert audio.seconds == pytest.approx(2.56)
    given = np.random.default_rng(0).normal(0, 0.1, audio.num_frames).astype(np.float32)
    with torch.no_grad():
        ours = predictor.model(**audio.batch([given], torch.device("cpu"))).logits
        values = extractor(given, sampling_rate=16_000, return_tensors="pt")["input_values"]
        wanted = model(values).logits
        feature = model.audio_spectrogram_transformer(values).pooler_output
    torch.testing.assert_close(ours, wanted, atol=1e-5, rtol=0)
    embedded = predictor.model.embed(audio=values)["audio"]
    torch.testing.assert_close(embedded, feature, atol=1e-5, rtol=0)
    assert (predictor.outputs.labels, predictor.outputs.task) == (CLASSES, task)


def test_an_ast_classifier_captions_a_film_and_predicts(tmp_path: Path) -> None:
    ast_classifier(tmp_path / "hub", problem_type="multi_label_classification")
    film = write_wav(tmp_path / "film.wav", noise(6.0, 0.1))
    line = [film, "--model", tmp_path / "hub", "--device", "cpu", "-q"]
    done = run_avtool("caption", *line, "--out", tmp_path / "out")
    assert done.code == 0, done.stderr
    assert [cue.text for cue in read_captions(tmp_path / "out" / "film.en-sdh.vtt").cues] == ["[dog barks]"]
    assert (
        run_avtool("predict", *line, "--out", tmp_path / "scores", "--json").json["files"][0]["label"]
        == "Bark"
    )


def test_frames_have_the_logits_of_the_whole_model(tmp_path: Path) -> None:
    model, processor, tokenizer = saved("pe_audio_frame", tmp_path / "hub")
    predictor = Predictor(tmp_path / "hub", CPU, Silent()).with_texts(PHRASES)
    given = np.random.default_rng(0).normal(0, 0.1, 10 * RATE).astype(np.float32)
    tokens = tokenizer(list(PHRASES), padding="longest", return_tensors="pt")
    found = processor([given], sampling_rate=RATE, return_tensors="pt")
    with torch.no_grad():
        wanted = model(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"],
            input_values=found["input_values"],
        ).logits_audio_text  # fmt: skip
    ours = predictor.frame_logits([Window(0.0, 10.0, {"audio": given})])
    assert ours.shape == (1, 250, 3)
    torch.testing.assert_close(torch.from_numpy(ours).transpose(1, 2), wanted, atol=1e-5, rtol=1e-5)


def listens_for_a_bell(folder: Path) -> None:
    """A tiny PE-A-Frame whose texts all point from its frames of a hum to those of a loud bell."""
    model, *_ = saved("pe_audio_frame", folder)
    for name, weight in model.audio_encoder.named_parameters():
        if "dac_encoder" in name and weight.dim() == 3:  # else it hardly depends on the audio
            torch.nn.init.kaiming_normal_(weight)
    with torch.no_grad():
        frames = model.get_audio_embeds(torch.from_numpy(film_with_bells(10.0, 4.0))[None, None])[0]
    loud, quiet = frames[105:120].mean(dim=0), torch.cat([frames[5:95], frames[130:245]]).mean(dim=0)
    towards = (loud - quiet) / (loud - quiet).norm()
    head = model.text_audio_head
    head.layer_norm.weight.data.zero_()
    head.layer_norm.bias.data.zero_()[0] = 1.0
    head.proj.weight.data.zero_()[:, 0] = towards
    middle, half = float((loud + quiet) @ towards / 2), float((loud - quiet) @ towards / 2)
    model.text_audio_logit_scale.data.fill_(6 / half)
    model.text_audio_logit_bias.data.fill_(-6 * middle / half)
    model.save_pretrained(folder)


def film_with_bells(seconds: float, *starts: float) -> np.ndarray:
    """A soft hum, and bells of a second; frames of 40 ms hold whole periods of both."""
    time = np.arange(round(seconds * RATE)) / RATE
    film = 0.01 * np.sin(2 * np.pi * 100 * time)
    for start in starts:
        film += np.where((time >= start) & (time < start + 1), 0.5 * np.sin(2 * np.pi * 875 * time), 0)
    return film.astype(np.float32)


def test_sounds_are_placed_by_frames_not_by_windows(tmp_path: Path) -> None:
    listens_for_a_bell(tmp_path / "hub")
    path = write_wav(tmp_path / "film.wav", film_with_bells(31.0, 3.2, 13.9, 27.5), rate=RATE)
    options = ModelOptions(texts=("bell rings",), runtime=CPU)
    tagger = open_captioner(tmp_path / "hub", options, Silent())
    assert isinstance(tagger, SoundTagger)
    assert tagger.hop == pytest.approx(0.04)
    frames = [window for windows, _ in tagger.scores(Item(str(path), path), Silent()) for window in windows]
    starts = np.array([frame.start for frame in frames])
    np.testing.assert_allclose(starts, np.arange(775) * 0.04, atol=1e-6)  # each frame once
    assert frames[-1].end == pytest.approx(31.0)
    sounds = tagger.listen(Item(str(path), path), Silent()).events
    assert [one.phrase for one in sounds] == ["bell rings"] * 3
    np.testing.assert_allclose([one.start for one in sounds], (3.2, 13.9, 27.5), atol=0.15)
    np.testing.assert_allclose([one.end for one in sounds], (4.2, 14.9, 28.5), atol=0.3)


@pytest.mark.parametrize("name", ["clap", "pe_audio", "pe_audio_frame"])
def test_phrases_of_a_file_or_a_table_are_the_classes(name: str, tmp_path: Path) -> None:
    saved(name, tmp_path / "hub")
    (tmp_path / "lines.txt").write_text("\n".join(PHRASES), encoding="utf-8")
    (tmp_path / "table.csv").write_text(
        "label,phrase\na dog barks,Hund bellt\nrain on a roof,Regen\n", encoding="utf-8"
    )
    film = write_wav(tmp_path / "film.wav", noise(3.0, 0.1))
    line = [
        "caption",
        film,
        "--model",
        tmp_path / "hub",
        "--device",
        "cpu",
        "--threshold",
        0,
        "--no-preview",
        "-q",
    ]
    for phrases, allowed in (("lines.txt", set(PHRASES)), ("table.csv", {"Hund bellt", "Regen"})):
        out = tmp_path / phrases.partition(".")[0]
        done = run_avtool(*line, "--phrases", tmp_path / phrases, "--out", out, "--json")
        assert done.code == 0, done.stderr
        (one,) = json.loads((out / "events.json").read_text(encoding="utf-8"))["films"]
        assert one["events"]
        assert {event["phrase"] for event in one["events"]} <= allowed


def test_without_phrases_the_texts_are_those_of_audioset(tmp_path: Path) -> None:
    saved("pe_audio", tmp_path / "hub")
    tagger = open_captioner(tmp_path / "hub", ModelOptions(runtime=CPU), Silent())
    assert isinstance(tagger, SoundTagger)
    kinds = {one.label: one.kind for one in tagger.classes}
    assert (kinds["Speech"], kinds["Music"], kinds["Dog"]) == ("speech", "music", "event")
    assert len(kinds) > 400


def test_an_encoder_without_texts_and_classes_captions_nothing(tmp_path: Path) -> None:
    model = transformers.ASTModel(transformers.ASTConfig(**SMALL)).eval()
    for part in (model, transformers.ASTFeatureExtractor()):
        part.save_pretrained(tmp_path / "hub")
    film = write_wav(tmp_path / "film.wav", noise(1.0, 0.1))
    done = run_avtool("caption", film, "--model", tmp_path / "hub", "--out", tmp_path / "out")
    assert done.code == 2
    assert "captions no films" in done.stderr
    ast_classifier(tmp_path / "ast")
    line = ["caption", film, "--model", tmp_path / "ast", "--set", "texts=['rain']", "--out", tmp_path / "o"]
    done = run_avtool(*line)
    assert (done.code, "no text tower" in done.stderr) == (2, True)
