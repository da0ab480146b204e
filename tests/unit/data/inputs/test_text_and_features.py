"""Text and frame features as inputs: tokens with a tokenizer beside the weights, features by time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avtool.core.artifact import verify
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.reporter import Silent
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.collate import collate
from avtool.data.inputs.feature_cache import FeatureCache, cached_features
from avtool.data.inputs.features import FeaturesInput
from avtool.data.inputs.settings import AudioSettings, TextSettings
from avtool.data.inputs.spec import InputSpec, read_inputs
from avtool.data.inputs.text import TextInput
from avtool.data.items import Item, clip_items
from avtool.data.manifest import Clip, Manifest, make_table
from avtool.inference.windows import iter_windows
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import create
from avtool.tasks.classification.samples import ClipDataset
from tests.harness import chirp_clips, save_encoder

CPU = torch.device("cpu")
WORDS = ("[PAD]", "[UNK]", "rain", "falls", "a", "dog", "barks")


def captioned(*texts: str) -> Manifest:
    """Clips with a caption, and no media."""
    clips = [Clip(f"c{number}", "none.wav", 0.0, 1.0, text=text) for number, text in enumerate(texts)]
    return Manifest(make_table(clips), Path(), "captions")


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    """A tokenizer of seven words, as transformers saves it."""
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    model = tokenizers.models.WordLevel({word: number for number, word in enumerate(WORDS)}, "[UNK]")
    plain = tokenizers.Tokenizer(model)
    plain.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="[PAD]", unk_token="[UNK]")
    fast.save_pretrained(tmp_path / "words")
    return tmp_path / "words"


def test_bytes_with_start_and_end_are_padded_and_cut() -> None:
    text = TextInput(TextSettings(max_tokens=6))
    sample = text.sample(captioned("abc"), 0, 0.5, None)
    assert sample["text"].tolist() == [1, 100, 101, 102, 2, 0]
    assert sample["text_mask"].tolist() == [True] * 5 + [False]
    assert text.encode("abcdefgh")["text"].tolist() == [1, 100, 101, 102, 103, 2]
    assert text.encode("é")["text"].tolist() == [1, 0xC3 + 3, 0xA9 + 3, 2, 0, 0]
    assert not text.absent()["text_mask"].any()


def test_clips_without_a_caption_lack_text() -> None:
    clips = captioned("rain", "")
    assert [TextInput().is_present(clips, clip) for clip in clips] == [True, False]


def test_a_text_is_one_window_of_a_file_or_a_clip(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("rain", encoding="utf-8")
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe")
    spec = InputSpec((TextInput(TextSettings(max_tokens=8)),))
    (of_file,) = iter_windows(Item("a", tmp_path / "a.txt"), spec, 1.0)
    (of_clip,) = iter_windows(clip_items(captioned("rain"))[0], spec, 1.0)
    batch = spec.batch([of_file, of_clip], CPU)
    assert batch["text"].shape == batch["text_mask"].shape == (2, 8)
    assert torch.equal(batch["text"][0], batch["text"][1])
    with pytest.raises(BadInputError, match="is no UTF-8 text"):
        list(iter_windows(Item("b", tmp_path / "b.txt"), spec, 1.0))


def test_a_tokenizer_lies_in_the_model_folder(tokenizer: Path, tmp_path: Path) -> None:
    spec = InputSpec((TextInput(TextSettings(max_tokens=5, tokenizer="hub"), folder=tokenizer),))
    description = ModelDescription("cnn_tiny", {}, spec.to_json(), assets=spec.assets())
    save_model(tmp_path / "model", create("cnn_tiny").state_dict(), description)
    assert verify(tmp_path / "model") == []
    tokens = {"text": [4, 5, 6, 1, 0], "text_mask": [True] * 4 + [False]}
    text = read_inputs(tmp_path / "model", spec.to_json()).get(TextInput)
    assert text is not None
    assert text.folder == tmp_path / "model" / "tokenizer"
    assert {name: value.tolist() for name, value in text.encode("a dog barks loudly").items()} == tokens
    assert text.tokenizer.vocab_size == len(WORDS)
    with pytest.raises(CorruptArtifactError, match="holds no tokenizer"):
        _ = replace(text, folder=tmp_path).tokenizer


@pytest.fixture
def framed(tmp_path: Path) -> tuple[Manifest, FeatureCache]:
    """Two clips of a second, with 98 features of each."""
    clips = chirp_clips(tmp_path, 2, seconds=1.0)
    return clips, cached_features(clips, AudioSettings(num_mel_bins=16), Silent())


def test_features_of_a_window_are_those_of_its_times(framed: tuple[Manifest, FeatureCache]) -> None:
    clips, cache = framed
    frames = FeaturesInput(100, features=cache)
    window = frames.window(clip_items(clips)[1], 0.25, 0.5)
    times = cache.times(1)
    inside = (times >= 0.25) & (times < 0.5)
    assert int(window["clip_mask"].sum()) == inside.sum() == 25
    np.testing.assert_array_equal(window["clip"][:25], cache[1][inside].astype(np.float32))
    assert not frames.absent()["clip_mask"].any()


def test_features_go_with_the_windows_of_audio(framed: tuple[Manifest, FeatureCache]) -> None:
    clips, cache = framed
    audio = AudioInput(AudioSettings(num_mel_bins=16), 48)
    spec = InputSpec((audio, FeaturesInput(60, dim=16)))
    item = clip_items(clips)[0]
    with pytest.raises(BadInputError, match="no frame features"):
        list(iter_windows(item, spec, 0.5))
    windows = list(iter_windows(item, spec.with_features(cache.folder, "model"), 0.5))
    batch = spec.batch(windows, CPU)
    assert batch["audio"].shape == (len(windows), 48, 16)
    assert batch["clip"].shape == (len(windows), 60, 16)
    assert batch["clip_mask"].sum(dim=1).tolist() == [
        int(((cache.times(0) >= one.start) & (cache.times(0) < one.end)).sum()) for one in windows
    ]
    with pytest.raises(BadInputError, match="takes no frame features"):
        spec.only(["audio"], "model").with_features(cache.folder, "model")
    with pytest.raises(BadInputError, match="has no features"):
        list(iter_windows(Item("else", item.path), spec.with_features(cache.folder, "m"), 0.5))


def test_samples_take_the_steps_of_the_crop_of_audio(framed: tuple[Manifest, FeatureCache]) -> None:
    clips, cache = framed
    frames = FeaturesInput(50, dim=16, features=cache, crop_seconds=0.4)
    for place in (0.0, 0.5, 1.0):
        start = place * 0.6
        times = cache.times(1)
        inside = (times >= start) & (times < start + 0.4)
        sample = frames.sample(clips, 1, place, None)
        assert int(sample["clip_mask"].sum()) == inside.sum()
        np.testing.assert_array_equal(sample["clip"][: inside.sum()], cache[1][inside].astype(np.float32))


def test_features_of_another_width_are_refused(framed: tuple[Manifest, FeatureCache]) -> None:
    spec = InputSpec((FeaturesInput(60, dim=8),))
    with pytest.raises(BadInputError, match=r"takes frame features of 8 numbers, and .* has 16"):
        spec.with_features(framed[1].folder, "model")


def test_captions_are_samples_of_training() -> None:
    dataset = ClipDataset(captioned("rain", "a dog"), [TextInput(TextSettings(max_tokens=8))], train=True)
    batch = collate([dataset[0], dataset[1]])
    assert batch["text"].shape == (2, 8)
    assert batch["text_mask"].sum(dim=1).tolist() == [6, 7]


def test_an_encoder_of_audio_takes_no_features(tmp_path: Path) -> None:
    from avtool.core.runtime import RuntimeRecipe
    from avtool.inference.predictor import Predictor

    predictor = Predictor(save_encoder(tmp_path / "m"), RuntimeRecipe(device="cpu"), Silent())
    with pytest.raises(BadInputError, match="takes no frame features"):
        predictor.with_features(tmp_path)
