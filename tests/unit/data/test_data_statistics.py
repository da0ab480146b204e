"""Statistics are exact, whoever computes which part of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avtool.core.errors import BadInputError
from avtool.core.reporter import Silent
from avtool.data import spectrogram_statistics
from avtool.data.folds import parse_folds
from avtool.data.inputs.feature_cache import cached_features
from avtool.data.inputs.settings import AudioSettings
from avtool.data.inputs.spectrogram import compute_features
from avtool.data.manifest import Clip
from avtool.data.spectrogram_statistics import Moments, fbank_statistics
from avtool.data.statistics import duration_histogram, label_counts, leaking_groups
from tests.harness import chirp_clips, make_manifest, write_chirp

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
