"""Samples of clips: what is in them, that chance depends on seed, epoch and index alone, and windows."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from avtool.core.errors import BadInputError
from avtool.core.reporter import Silent
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.collate import collate
from avtool.data.inputs.feature_cache import cached_features
from avtool.data.inputs.features import FeaturesInput
from avtool.data.inputs.settings import AudioSettings, VideoSettings
from avtool.data.inputs.spectrogram import compute_features
from avtool.data.inputs.video import VideoInput
from avtool.data.labels import encode_labels
from avtool.data.manifest import Clip, Manifest
from avtool.tasks.classification.samples import ClipDataset
from tests.harness import chirp_clips, make_manifest, write_chirp, write_grey_film

SMALL = AudioSettings(num_mel_bins=16)
TINY_VIDEO = VideoSettings(num_frames=4, seconds=1.0, size=16, short_side=24)


pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """A film with sound and pictures, one without pictures, one without sound."""
    folder = tmp_path_factory.mktemp("films")
    write_grey_film(folder / "both.mp4", 4.0)
    write_chirp(folder / "sound.wav", 2.0)
    write_grey_film(folder / "mute.mp4", 2.0, sound=False)
    flags = [(True, True), (True, False), (False, True)]
    clips = [
        Clip(name, name, 0.0, seconds, extras={"has_audio": audio, "has_video": video})
        for (name, seconds), (audio, video) in zip(
            [("both.mp4", 4.0), ("sound.wav", 2.0), ("mute.mp4", 2.0)], flags, strict=True
        )
    ]
    return make_manifest(folder, clips)


def equal(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_short_sound_is_padded_and_long_sound_is_cut(tmp_path):
    manifest = chirp_clips(tmp_path, 1, seconds=1.0)
    whole = compute_features(manifest, manifest[0].audio, SMALL)
    long = ClipDataset(manifest, [AudioInput(SMALL, 128)])[0]["audio"]
    assert long.shape == (128, 16)
    assert torch.equal(long[:98], whole)
    assert not long[98:].any()
    for cut, first in (("start", 0), ("centre", 24)):
        short = ClipDataset(manifest, [AudioInput(SMALL, 50)], cut=cut)[0]["audio"]
        assert torch.equal(short, whole[first : first + 50])


def test_cached_and_decoded_sound_agree_wherever_it_is_cut(tmp_path):
    manifest = chirp_clips(tmp_path, 3, seconds=1.0)
    features = cached_features(manifest, SMALL, Silent())
    for epoch in range(3):
        decoded, cached = (
            ClipDataset(manifest, [AudioInput(SMALL, 40, features=source)], cut="random")[1, epoch]["audio"]
            for source in (None, features)
        )
        torch.testing.assert_close(cached, decoded, atol=8e-3, rtol=0)  # half precision of values up to 16


def test_waveforms(tmp_path):
    manifest = chirp_clips(tmp_path, 1, seconds=0.5)
    settings = AudioSettings(kind="waveform")
    sample = ClipDataset(manifest, [AudioInput(settings, 16000)])[0]
    assert sample["audio"].shape == (16000,)
    assert not sample["audio"][8000:].any()


def test_chance_depends_on_seed_epoch_and_index_alone(films):
    def dataset(seed=0):
        audio, video = AudioInput(SMALL, 30), VideoInput(TINY_VIDEO)
        return ClipDataset(films, [audio, video], train=True, cut="random", seed=seed)

    one = dataset()
    first = one[0, 3]
    others = [one[0, 4], one[2, 3]]
    assert equal(one[0, 3], first)
    assert not any(equal(other, first) for other in others)
    assert not equal(dataset(seed=1)[0, 3], first)
    one.set_epoch(3)
    assert equal(one[0], first)


def test_workers_and_batch_sizes_change_nothing(films):
    dataset = ClipDataset(films[:2], [AudioInput(SMALL, 30)], cut="random")
    keys = [(0, 1), (1, 1), (0, 2), (1, 2)]
    alone = [dataset[key] for key in keys]
    loader = DataLoader(dataset, batch_size=2, sampler=keys, num_workers=1, collate_fn=collate)
    batches = list(loader)
    assert equal(collate(alone[:2]), batches[0])
    assert equal(collate(alone[2:]), batches[1])


def test_sound_and_pictures_are_cut_at_the_same_place(films):
    dataset = ClipDataset(films, [AudioInput(SMALL, 98), VideoInput(TINY_VIDEO)], cut="random")
    manifest = films[:1]
    whole = compute_features(manifest, manifest[0].audio, SMALL)
    for epoch in range(4):
        sample = dataset[0, epoch]
        distances = [
            float((whole[first : first + 98] - sample["audio"]).abs().mean()) for first in range(300)
        ]
        start_of_sound = int(np.argmin(distances)) / 100
        grey = (float(sample["video"][:, 0].mean()) + 1) / 2 * 255  # the first of four frames, 0.125 s in
        middle_of_picture = (grey - 20) / 5 / 10 + 0.05  # a picture lasts 0.1 s
        assert middle_of_picture == pytest.approx(start_of_sound + 0.125, abs=0.1)


def test_what_a_clip_lacks_is_marked(films):
    batch = collate(list(ClipDataset(films, [AudioInput(SMALL, 30), VideoInput(TINY_VIDEO)])))
    assert batch["audio_present"].tolist() == [True, True, False]
    assert batch["video_present"].tolist() == [True, False, True]
    assert not batch["audio"][2].any()
    assert not batch["video"][1].any()
    assert batch["video"].shape == (3, 3, 4, 16, 16)


def test_without_flags_the_files_are_asked(films):
    plain = films.table.drop_columns(["has_audio", "has_video"])
    manifest = Manifest(plain, films.folder, films.origin)
    dataset = ClipDataset(manifest, [AudioInput(SMALL, 30), VideoInput(TINY_VIDEO)])
    assert [bool(dataset[n]["audio_present"]) for n in range(3)] == [True, True, False]
    assert [bool(dataset[n]["video_present"]) for n in range(3)] == [True, False, True]


def test_a_mined_clip_shows_its_film(films):
    film = {"film": str(films.folder / "both.mp4"), "film_start": 2.0, "film_end": 3.0}
    clips = [Clip("a", "sound.wav", 0.0, 1.0, extras={**film, "has_audio": True, "has_video": False})]
    manifest = Manifest(make_manifest(films.folder / "mined", clips).table, films.folder, "mined")
    sample = ClipDataset(manifest, [AudioInput(SMALL, 30), VideoInput(TINY_VIDEO)])[0]
    assert bool(sample["video_present"])
    grey = (float(sample["video"].mean()) + 1) / 2 * 255
    assert 20 + 5 * 20 <= grey <= 20 + 5 * 30


@pytest.mark.parametrize(
    ("views", "message"),
    [
        ([AudioInput(SMALL, 30)], "1 of the 3 clips of .* have no audio"),
        ([VideoInput(TINY_VIDEO)], "1 of the 3 clips of .* have no video"),
    ],
)
def test_one_modality_alone_must_be_there(films, views, message):
    with pytest.raises(BadInputError, match=message):
        ClipDataset(films, views)


def test_a_modality_that_no_clip_has_is_refused(films):
    with pytest.raises(BadInputError, match=r"1 of the 1 clips of .* have no video"):
        ClipDataset(films[1:2], [AudioInput(SMALL, 30), VideoInput(TINY_VIDEO)])


def test_windows_go_from_start_to_end(films):
    manifest = films[:1]
    dataset = ClipDataset(manifest, [AudioInput(SMALL, 98), VideoInput(TINY_VIDEO)], windows=4)
    whole = compute_features(manifest, manifest[0].audio, SMALL)
    assert len(dataset) == 4
    for window, first in enumerate([0, 100, 200, 300]):
        assert torch.equal(dataset[window]["audio"], whole[first : first + 98])
        assert int(dataset[window]["index"]) == 0
    view = VideoInput(TINY_VIDEO)
    assert view.times(manifest[0], 1.0).tolist() == [3.125, 3.375, 3.625, 3.875]


def test_labels_come_with_the_samples(tmp_path):
    manifest = chirp_clips(tmp_path, 3, seconds=0.1)
    targets = encode_labels(manifest, "single-label", [("l0", "l1")])
    dataset = ClipDataset(manifest, [AudioInput(SMALL, 8)], targets=targets)
    batch = collate([dataset[n] for n in range(3)])
    assert batch["label"].tolist() == [0, 1, 0]
    assert set(batch) == {"index", "audio", "audio_frames", "label"}


def test_frame_features_are_cut_in_the_middle_or_masked(tmp_path):
    manifest = chirp_clips(tmp_path, 1, seconds=0.1)
    features = cached_features(manifest, SMALL, Silent())  # eight steps
    for steps, mask in ((4, [True] * 4), (10, [True] * 8 + [False] * 2)):
        sample = ClipDataset(manifest, [FeaturesInput(steps, features=features)])[0]
        assert sample["clip"].shape == (steps, 16)
        assert sample["clip_mask"].tolist() == mask
    expected = features[0][2:6].astype(np.float32)
    np.testing.assert_array_equal(
        ClipDataset(manifest, [FeaturesInput(4, features=features)])[0]["clip"], expected
    )


def test_features_of_other_clips_are_refused(tmp_path):
    features = cached_features(chirp_clips(tmp_path / "a", 3, 0.1), SMALL, Silent())
    with pytest.raises(BadInputError, match="not those of the clips"):
        ClipDataset(chirp_clips(tmp_path / "b", 2, 0.1), [AudioInput(SMALL, 8, features=features)])
