"""Statistics are exact, whoever computes which part of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from avtool.core.errors import BadInputError
from avtool.core.reporter import Silent
from avtool.data import spectrogram_statistics
from avtool.data.folds import parse_folds
from avtool.data.image_statistics import ImageSizes
from avtool.data.inputs.feature_cache import cached_features
from avtool.data.inputs.settings import AudioSettings
from avtool.data.inputs.spectrogram import compute_features
from avtool.data.manifest import Clip, write_manifest
from avtool.data.spectrogram_statistics import Moments, fbank_statistics
from avtool.data.statistics import StatsRecipe, duration_histogram, label_counts, leaking_groups, stats
from avtool.media.still_images import image_size, read_image
from tests.harness import chirp_clips, make_manifest, run_avtool, write_chirp, write_images

SMALL = AudioSettings(num_mel_bins=16)


@given(st.lists(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20), min_size=1, max_size=6))
def test_joined_moments_are_those_of_all_numbers(parts):
    total = Moments()
    for part in parts:
        total = total.joined(Moments.of(np.array(part)))
    numbers = np.concatenate(parts)
    assert total.count == numbers.size
    np.testing.assert_allclose([total.mean, total.std], [numbers.mean(), numbers.std()], atol=1e-9)


def test_statistics_of_spectrograms(tmp_path, monkeypatch):
    monkeypatch.setattr(spectrogram_statistics, "_BLOCK", 2)
    manifest = chirp_clips(tmp_path / "d", 5, seconds=0.3)
    values = np.concatenate([compute_features(manifest, clip.audio, SMALL).numpy() for clip in manifest])
    found = fbank_statistics(manifest, SMALL, Silent())
    np.testing.assert_allclose([found.mean, found.std], [values.mean(), values.std()], rtol=1e-6)
    assert (found.clips, found.frames) == (5, 5 * SMALL.num_steps(0.3))
    assert fbank_statistics(manifest, SMALL, Silent(), jobs=2) == found
    cached = fbank_statistics(manifest, SMALL, Silent(), features=cached_features(manifest, SMALL, Silent()))
    np.testing.assert_allclose([cached.mean, cached.std], [found.mean, found.std], atol=1e-3)


def test_silence_has_no_statistics(tmp_path):
    write_chirp(tmp_path / "a.wav", gain=0.0)
    manifest = make_manifest(tmp_path, [Clip("a", "a.wav", 0.0, 1.0)])
    with pytest.raises(BadInputError, match="is silent"):
        fbank_statistics(manifest, SMALL, Silent())
    with pytest.raises(BadInputError, match="has no clips"):
        fbank_statistics(manifest[:0], SMALL, Silent())


def test_lengths_labels_and_leaks(tmp_path):
    clips = [
        Clip("a", "m", 0.0, 1.0, "train", None, ("x",), group="f1"),
        Clip("b", "m", 0.0, 2.0, "test", None, ("x", "y"), group="f1"),
        Clip("c", "m", 0.0, 3.0, "test", None, (), group="f2"),
    ]
    manifest = make_manifest(tmp_path, clips)
    assert [(b.start, b.end, b.clips) for b in duration_histogram(manifest, 2)] == [
        (1.0, 2.0, 1),
        (2.0, 3.0, 2),
    ]
    assert [(b.start, b.end, b.clips) for b in duration_histogram(manifest[:1])] == [(1.0, 1.0, 1)]
    assert label_counts(manifest) == [("x", 2), ("y", 1)]
    assert leaking_groups(manifest) == ["f1"]


@pytest.mark.parametrize(
    ("given", "folds"),
    [
        (1, (1,)),
        ("1", (1,)),
        ("1,2,2", (1, 2)),
        ("1-3,5", (1, 2, 3, 5)),
        ([1, "3-4"], (1, 3, 4)),
        ((2,), (2,)),
    ],
)
def test_folds_as_people_write_them(given, folds):
    assert parse_folds(given) == folds


@pytest.mark.parametrize("wrong", ["", "a", "3-1", "1-", "-1", "1-99999999"])
def test_folds_that_are_none(wrong):
    with pytest.raises(ValueError, match="folds"):
        parse_folds(wrong)


def test_images_have_sizes_upright_and_no_spectrograms(tmp_path: Path) -> None:
    shapes = [(40, 60)] * 3 + [(30, 20), (60, 40)]  # height, width
    for number, (height, width) in enumerate(shapes):
        pixels = Image.fromarray(np.zeros((height, width, 3), np.uint8))
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 6 if number == 4 else 1  # the last is turned: 40 x 60
        pixels.save(tmp_path / f"{number}.jpg", exif=exif)
        assert image_size(tmp_path / f"{number}.jpg") == read_image(tmp_path / f"{number}.jpg").shape[:2]
    clips = [Clip(f"{n}", f"{n}.jpg", 0, 1, "train", labels=("a" if n < 3 else "b",)) for n in range(5)]
    write_chirp(tmp_path / "chirp.wav")
    for extra in ((), (Clip("c", "chirp.wav", 0, 1, "train", labels=("c",)),)):
        folder = tmp_path / f"data{len(extra)}"
        folder.mkdir()
        write_manifest(folder, [replace(one, media=str(tmp_path / one.media)) for one in (*clips, *extra)])
        found = stats(folder, StatsRecipe(audio=SMALL), Silent())
        assert found.labels[:2] == [("a", 3), ("b", 2)]
        assert found.sizes == ImageSizes(5, (30, 40.0, 40), (20, 60.0, 60), [(40, 60, 4), (30, 20, 1)])
        assert (found.fbank is None, found.still) == ((True, True) if not extra else (False, False))
        assert found.fbank is None or found.fbank.clips == 1


def test_the_command_prints_sizes_of_images_and_no_lengths(tmp_path: Path) -> None:
    data = write_images(tmp_path / "data", 4)
    done = run_avtool("stats", data)
    assert done.code == 0, done.stderr
    assert "most frequent sizes" in done.stdout
    assert "lengths" not in done.stdout
    alone = run_avtool("stats", data, "--no-fbank", "--json")
    assert alone.json["sizes"] is None
    assert alone.json["clips"] == 4
