import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from avtool.core.errors import BadInputError
from avtool.core.reporter import Silent
from avtool.data.decode_cache.settings import SpanSettings
from avtool.data.decode_cache.source import FilmSource
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.collate import collate
from avtool.data.inputs.feature_cache import cached_features
from avtool.data.inputs.image import ImageInput
from avtool.data.inputs.settings import AudioSettings, VideoSettings
from avtool.data.inputs.spec_augment import RollAndGain
from avtool.data.inputs.video import VideoInput
from avtool.data.manifest import Clip
from avtool.tasks.masked.samples import MaskedClipDataset
from tests.harness import chirp_clips, make_manifest, write_grey_film

SOUND = AudioSettings(num_mel_bins=16)
STILL = VideoSettings(
    num_frames=4, seconds=0.4, size=16, short_side=16, flip=0, colour_jitter=0, colour_drop=0
)
NOISE = {"audio": 12, "video": 8}
SPANS = SpanSettings(fps=10, short_side=48, part_seconds=1, cache_mib=16)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Two films of 4 s and one of 2 s whose pictures get lighter while the tone rises."""
    folder = tmp_path_factory.mktemp("films")
    clips = []
    for number, seconds in enumerate((4.0, 4.0, 2.0)):
        write_grey_film(folder / f"{number}.mkv", seconds)
        clips.append(Clip(f"c{number}", f"{number}.mkv", 0.0, seconds))
    return make_manifest(folder, clips)


def picture_of(video) -> int:
    """The number of a window's first picture."""
    return round((float((video[:, 0].mean() + 1) * 127.5) - 20) / 5)


def band_of(audio) -> float:
    """The mel band where the first frames are loudest."""
    return float(audio[:3].mean(dim=0).argmax())


def test_samples_hold_inputs_and_their_noise(films):
    dataset = MaskedClipDataset(
        films, [AudioInput(SOUND, 40), VideoInput(STILL)], noise=NOISE, second_view=True
    )
    batch = collate([dataset[n] for n in range(3)])
    shapes = {name: tuple(value.shape) for name, value in batch.items()}
    assert shapes == {
        "index": (3,), "audio": (3, 40, 16), "audio_frames": (3,), "video": (3, 3, 4, 16, 16),
        "audio_noise": (3, 12), "video_noise": (3, 8), "audio_noise2": (3, 12), "video_noise2": (3, 8),
    }  # fmt: skip
    assert batch["index"].tolist() == [0, 1, 2]
    assert not torch.equal(batch["audio_noise"], batch["audio_noise2"])
    assert 0 <= float(batch["audio_noise"].min()) <= float(batch["audio_noise"].max()) < 1


def test_noise_depends_on_seed_epoch_and_number_alone(films):
    settings = {"noise": NOISE, "second_view": True, "seed": 3}
    both = MaskedClipDataset(films, [AudioInput(SOUND, 40), VideoInput(STILL)], **settings)
    alone = MaskedClipDataset(
        films, [AudioInput(SOUND, 40)], **(settings | {"noise": {"audio": 12}, "second_view": False})
    )
    assert torch.equal(both[1, 5]["audio_noise"], alone[1, 5]["audio_noise"])
    assert not torch.equal(both[1, 5]["audio_noise"], both[1, 6]["audio_noise"])
    assert not torch.equal(both[1, 5]["audio_noise"], both[2, 5]["audio_noise"])
    other = MaskedClipDataset(
        films, [AudioInput(SOUND, 40)], **(settings | {"noise": {"audio": 12}, "seed": 4})
    )
    assert not torch.equal(alone[1, 5]["audio_noise"], other[1, 5]["audio_noise"])


def test_noise_is_uniform(tmp_path):
    manifest = chirp_clips(tmp_path, 1, 0.2)
    noise = MaskedClipDataset(manifest, [AudioInput(SOUND, 8)], noise={"audio": 8000})[0]["audio_noise"]
    assert noise.histc(8, 0, 1).sub(1000).abs().max() < 130


def test_worker_processes_give_the_same_samples(films):
    dataset = MaskedClipDataset(films, [AudioInput(SOUND, 40)], noise={"audio": 12})
    alone = [dataset[n] for n in range(3)]
    loaded = list(DataLoader(dataset, batch_size=None, num_workers=2))
    for one, other in zip(alone, loaded, strict=True):
        assert torch.equal(one["audio_noise"], other["audio_noise"])
        assert torch.equal(one["audio"], other["audio"])


def test_the_epoch_is_that_told_and_moves_the_stretch(films):
    dataset = MaskedClipDataset(films, [VideoInput(STILL)], noise={"video": 8})
    first = dataset[0]
    dataset.set_epoch(1)
    assert picture_of(dataset[0]["video"]) != picture_of(first["video"])
    assert torch.equal(dataset[0]["video"], dataset[0, 1]["video"])


def test_validation_is_the_same_in_each_epoch(films):
    dataset = MaskedClipDataset(films, [AudioInput(SOUND, 40)], noise={"audio": 12}, train=False)
    assert torch.equal(dataset[0, 0]["audio_noise"], dataset[0, 7]["audio_noise"])
    assert torch.equal(dataset[0, 0]["audio"], dataset[0, 7]["audio"])


@pytest.mark.parametrize("source", [None, FilmSource(SPANS)])
def test_sound_and_pictures_begin_together_where_asked(films, source):
    long = AudioInput(SOUND, 198, source=source)  # 2 s; pictures 0.4 s
    dataset = MaskedClipDataset(
        films[:2], [long, VideoInput(STILL, source=source)], noise={}, align=True, seed=1
    )
    audio = MaskedClipDataset(films[:2], [long], noise={}, seed=1)
    for epoch in range(6):
        sample = dataset[0, epoch]
        assert torch.equal(sample["audio"], audio[0, epoch]["audio"])
        begin = float(np.random.default_rng([1, epoch, 0]).random()) * (4 - dataset.window_seconds)
        assert picture_of(sample["video"]) / 10 == pytest.approx(begin, abs=0.06)


def test_the_shorter_stretch_lies_in_the_longer_otherwise(films):
    dataset = MaskedClipDataset(films[:2], [AudioInput(SOUND, 198), VideoInput(STILL)], noise={}, seed=1)
    audio = MaskedClipDataset(films[:2], [AudioInput(SOUND, 198)], noise={}, seed=1)
    for epoch in range(6):
        second = picture_of(dataset[0, epoch]["video"]) / 10
        assert torch.equal(dataset[0, epoch]["audio"], audio[0, epoch]["audio"])
        place = float(np.random.default_rng([1, epoch, 0]).random())
        assert 2 * place - 0.1 <= second <= 2 * place + 2


def test_several_crops_are_spread_over_a_film(films):
    dataset = MaskedClipDataset(films, [VideoInput(STILL)], noise={}, crops=4)
    assert len(dataset) == 12
    samples = [dataset[n] for n in range(4)]
    assert [int(sample["index"]) for sample in samples] == [0] * 4
    places = [picture_of(sample["video"]) / 36 for sample in samples]
    assert [int(4 * min(place, 0.999)) for place in places] == pytest.approx([0, 1, 2, 3], abs=1)
    assert places == sorted(places)


def test_long_films_give_more_crops_than_short_ones(films):
    dataset = MaskedClipDataset(films, [AudioInput(SOUND, 98)], noise={}, crops=None)
    assert [int(dataset[n]["index"]) for n in range(len(dataset))] == [0] * 4 + [1] * 4 + [2] * 2
    assert len(dataset.groups) == len(dataset)
    assert dataset.groups[3] == dataset.groups[0] != dataset.groups[4]
    with pytest.raises(IndexError):
        dataset[len(dataset)]


def test_features_from_the_cache_are_those_of_the_sound(tmp_path):
    manifest = chirp_clips(tmp_path, 3, 2.0)
    features = cached_features(manifest, SOUND, Silent())
    source = FilmSource(SPANS)
    views = [
        AudioInput(SOUND, 60),
        AudioInput(SOUND, 60, features=features),
        AudioInput(SOUND, 60, source=source),
    ]
    direct, cached, spans = (MaskedClipDataset(manifest, [view], noise={})[2, 1]["audio"] for view in views)
    assert torch.allclose(direct, cached, atol=0.02)
    assert torch.allclose(direct, spans, atol=1e-4)
    with pytest.raises(BadInputError, match="not those of the clips"):
        MaskedClipDataset(manifest[:2], [views[1]], noise={})


def test_rolling_keeps_what_is_heard_and_changes_the_level(tmp_path):
    manifest = chirp_clips(tmp_path, 1, 1.0)
    view = AudioInput(SOUND, 98)
    plain = MaskedClipDataset(manifest, [view], noise={})[0]["audio"]
    rolled = MaskedClipDataset(manifest, [replace(view, augment=RollAndGain())], noise={})[0]["audio"]
    levels = rolled.sort(dim=0).values - plain.sort(dim=0).values
    assert float(levels.std()) == pytest.approx(0, abs=1e-4)
    assert 2 * math.log(0.5) < float(levels.mean()) < 2 * math.log(1.5)
    assert not torch.equal(rolled - levels.mean(), plain)


def test_spectrograms_are_scaled(tmp_path):
    manifest = chirp_clips(tmp_path, 1, 1.0)
    plain = MaskedClipDataset(manifest, [AudioInput(SOUND, 98)], noise={})[0]["audio"]
    scaled_input = AudioInput(SOUND, 98, -4.0, 2.0, scaled=True)
    scaled = MaskedClipDataset(manifest, [scaled_input], noise={})[0]["audio"]
    assert torch.allclose(scaled, (plain + 4) / 4)


def test_pictures_alone(films):
    sample = MaskedClipDataset(
        films, [ImageInput(VideoSettings(num_frames=1, size=16, short_side=16))], noise={"image": 4}
    )[0]
    assert sample["image"].shape == (3, 16, 16)
    assert sample["image_noise"].shape == (4,)
