"""Cached features: right, found again, resumable, and made anew when a file changes."""

import numpy as np
import pytest
import torch

from avtool.core.artifact import verify
from avtool.core.artifact_folder import partial_folder
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.reporter import Silent
from avtool.data.inputs import feature_cache
from avtool.data.inputs.fbank import Fbank
from avtool.data.inputs.feature_cache import FeatureCache, cached_features
from avtool.data.inputs.settings import AudioSettings
from avtool.data.manifest import Clip
from tests.harness import chirp_clips, make_manifest, write_chirp

SMALL = AudioSettings(num_mel_bins=16)


pytestmark = pytest.mark.usefixtures("cache")


def test_features_are_the_filter_bank_in_half_precision(tmp_path):
    manifest = chirp_clips(tmp_path / "d", 3, seconds=0.5)
    features = cached_features(manifest, SMALL, Silent())
    assert len(features) == 3
    for index, clip in enumerate(manifest):
        from avtool.data.clip_audio import read_clip_audio

        expected = Fbank(num_mel_bins=16)(torch.from_numpy(read_clip_audio(manifest, clip.audio))[None])[0]
        assert features[index].dtype == np.float16
        np.testing.assert_array_equal(features[index], expected.numpy().astype(np.float16))
    assert features.num_steps(0) == SMALL.num_steps(0.5) == 48
    np.testing.assert_allclose(features.times(0)[:2], [0.0125, 0.0225])


def test_waveforms_are_kept_too(tmp_path):
    manifest = chirp_clips(tmp_path / "d", 2, seconds=0.1)
    features = cached_features(manifest, AudioSettings(kind="waveform"), Silent())
    assert features[1].shape == (1600,)
    assert features.times(1)[-1] == pytest.approx(1599 / 16000)


def test_the_second_call_computes_nothing_and_content_decides(tmp_path, cache):
    first = cached_features(chirp_clips(tmp_path / "d"), SMALL, Silent())
    before = {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")}
    again = cached_features(chirp_clips(tmp_path / "elsewhere"), SMALL, Silent())
    assert again.folder == first.folder
    assert {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")} == before
    write_chirp(tmp_path / "d" / "0.wav", 1.0, gain=0.123)
    changed = cached_features(sound_clips_manifest(tmp_path / "d"), SMALL, Silent())
    assert changed.folder != first.folder
    assert cached_features(
        chirp_clips(tmp_path / "d"), AudioSettings(num_mel_bins=8), Silent()
    ).folder not in {
        first.folder,
        changed.folder,
    }
    assert verify(first.folder) == []


def sound_clips_manifest(folder):
    clips = [Clip(f"c{n}", f"{n}.wav", 0.0, 1.0) for n in range(4)]
    return make_manifest(folder, clips)


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupted_run_goes_on_and_gives_the_same(tmp_path, monkeypatch, jobs):
    monkeypatch.setattr(feature_cache, "_SHARD", 2)
    manifest = chirp_clips(tmp_path / "d", 5, seconds=0.2)
    write_chirp(tmp_path / "d" / "4.wav", 0.2).rename(tmp_path / "kept.wav")
    (tmp_path / "d" / "4.wav").write_bytes(b"RIFF....")
    with pytest.raises(BadInputError, match="clip `c4`"):
        cached_features(manifest, SMALL, Silent(), folder=tmp_path / "f")
    (tmp_path / "kept.wav").rename(tmp_path / "d" / "4.wav")
    whole = cached_features(manifest, SMALL, Silent(), folder=tmp_path / "whole", jobs=jobs)
    assert [whole[n].shape for n in range(5)] == [(18, 16)] * 5
    assert len(list((whole.folder / "values").iterdir())) == 3
    assert len(list((partial_folder(tmp_path / "f") / "values").iterdir())) == 2


def test_features_of_some_clips(tmp_path):
    manifest = chirp_clips(tmp_path / "d", 4, seconds=0.2)
    features = cached_features(manifest, SMALL, Silent())
    part = features.of(["c3", "c1"])
    assert part.clip_ids == ["c3", "c1"]
    np.testing.assert_array_equal(part[0], features[3])
    np.testing.assert_array_equal(part[1], features[1])
    assert len(features) == 4
    with pytest.raises(BadInputError, match=r"1 clips have no features in .*, `x` among them"):
        features.of(["c1", "x"])


def test_a_folder_of_ones_own_is_opened_again(tmp_path):
    manifest = chirp_clips(tmp_path / "d", 2, seconds=0.2)
    for _ in range(2):
        assert len(cached_features(manifest, SMALL, Silent(), folder=tmp_path / "f")) == 2
    assert not partial_folder(tmp_path / "f").exists()
    with pytest.raises(BadInputError, match="made with other settings"):
        cached_features(manifest, AudioSettings(num_mel_bins=8), Silent(), folder=tmp_path / "f")


def test_a_missing_clip_and_a_damaged_cache_are_told(tmp_path):
    manifest = make_manifest(tmp_path, [Clip("a", "none.wav", 0.0, 1.0)])
    with pytest.raises(BadInputError, match=r"clip `a`: .* does not exist"):
        cached_features(manifest, SMALL, Silent())
    features = cached_features(chirp_clips(tmp_path / "d"), SMALL, Silent())
    (features.folder / "values" / "00000.npy").write_bytes(b"no")
    with pytest.raises(CorruptArtifactError, match="is damaged"):
        FeatureCache(features.folder)[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"low_frequency": 9000.0}, "mel bands must rise"), ({"high_frequency": 9000.0}, "mel bands must rise")],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(ValueError, match=message):
        AudioSettings(**settings)
