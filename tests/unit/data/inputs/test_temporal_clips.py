from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from pydantic import ValidationError

from avtool.core.errors import BadInputError
from avtool.core.reporter import Silent
from avtool.data.decode_cache.settings import SpanSettings
from avtool.data.decode_cache.source import FilmSource
from avtool.data.inputs.collate import collate
from avtool.data.inputs.fbank import Fbank
from avtool.data.inputs.feature_cache import cached_features
from avtool.data.inputs.settings import AudioSettings
from avtool.data.inputs.video_augment import as_float
from avtool.data.manifest import Clip
from avtool.media.encode import FilmSettings, write_film
from avtool.tasks.temporal.pair_settings import PairSettings
from avtool.tasks.temporal.readers import VideoReader
from avtool.tasks.temporal.samples import TemporalClipDataset
from tests.harness import chirp_clips, make_manifest, write_grey_film

FPS, RATE, SECONDS = 16, 16000, 9.0
SOUND = AudioSettings(num_mel_bins=16)
PAIRS = PairSettings(num_frames=8, size=16, audio_frames=40, gap=1.0)
SPANS = SpanSettings(fps=FPS, short_side=48, part_seconds=2, cache_mib=64)
PLAIN = {"source": FilmSource(SPANS), "audio": SOUND, "train": False}


def clicks(seconds: float) -> np.ndarray:
    """Clicks at random moments: no two seconds of them sound alike."""
    rng = np.random.default_rng(5)
    sound = 0.02 * rng.standard_normal(round(seconds * RATE))
    for place in np.cumsum(rng.integers(400, 4000, 400)):
        if place < len(sound) - 80:
            sound[place : place + 80] += 0.5 * rng.standard_normal(80)
    return np.clip(sound, -1, 1).astype(np.float32)


def numbered_film(path: Path, seconds: float = SECONDS) -> Path:
    """Pictures whose halves are the two digits of their number to the base 16, and a click track."""
    pictures = np.zeros((round(seconds * FPS), 48, 64, 3), np.uint8)
    numbers = np.arange(len(pictures))[:, None, None, None]
    pictures[:, :, :32] = 16 * (numbers % 16)
    pictures[:, :, 32:] = 16 * (numbers // 16)
    settings = FilmSettings(fps=FPS, sample_rate=RATE, audio_codec="pcm_s16le")
    write_film(path, settings, frames=pictures, audio=[clicks(seconds)])
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    folder = tmp_path_factory.mktemp("numbered")
    numbered_film(folder / "film.mkv")
    return make_manifest(folder, [Clip("a", "film.mkv", 0.0, SECONDS)])


def numbers_of(video) -> list[int]:
    """The numbers of pictures (3, T, 16, 16)."""
    grey = (video.mean(dim=0) + 1) * 127.5 / 16
    left, right = grey[:, 4:12, 2:6].mean(dim=(1, 2)), grey[:, 4:12, 10:14].mean(dim=(1, 2))
    return [round(float(low)) + 16 * round(float(high)) for low, high in zip(left, right, strict=True)]


def test_pictures_are_those_that_the_labels_tell_of(film):
    dataset = TemporalClipDataset(film, PAIRS, crops=20, **PLAIN)
    for number in range(20):
        sample = dataset[number]
        spans = []
        for clip in (0, 1):
            numbers = numbers_of(as_float(sample, "video")[clip])
            step = numbers[1] - numbers[0]
            assert numbers == list(range(numbers[0], numbers[0] + 8 * step, step))
            assert abs(step) == 2 ** int(sample["video_speed"][clip])
            assert (step < 0) == bool(sample["video_direction"][clip])
            spans.append((min(numbers), min(numbers) + 8 * abs(step)))
        if sample["order_vv_weight"]:
            (begin, end), (other_begin, other_end) = spans
            overlap = min(end, other_end) > max(begin, other_begin)
            assert int(sample["order_vv"]) == (0 if overlap else 1 if begin < other_begin else 2)


def test_the_sound_is_that_at_the_middle_of_the_pictures(film):
    whole = Fbank(num_mel_bins=16)(torch.from_numpy(clicks(SECONDS))[None])[0]
    dataset = TemporalClipDataset(film, PAIRS, crops=6, **PLAIN)
    for number in range(6):
        sample = dataset[number]
        for clip in (0, 1):
            frames, step = sample["audio"][clip], 2 ** int(sample["audio_speed"][clip])
            if sample["audio_direction"][clip]:
                frames = frames.flip(0)
            places = range(len(whole) - 39 * step)
            errors = torch.stack(
                [(whole[p : p + 39 * step + 1 : step] - frames).abs().mean() for p in places]
            )
            first = int(errors.argmin())
            assert float(errors[first]) < 0.5 * float(errors.sort().values[1]) + 0.01
            heard = 0.0125 + 0.01 * (first + 39 * step / 2)
            numbers = numbers_of(as_float(sample, "video")[clip])
            seen = (min(numbers) + 4 * abs(numbers[1] - numbers[0])) / FPS
            assert abs(heard - seen) <= 0.005 + 1e-6


def test_a_sample_of_sight_and_sound_has_all_that_is_asked(film):
    dataset = TemporalClipDataset(film, PAIRS, **(PLAIN | {"train": True}))
    batch = collate([dataset[0, epoch] for epoch in range(3)])
    shapes = {name: tuple(value.shape) for name, value in batch.items()}
    pairs = ["video_speed", "video_direction", "audio_speed", "audio_direction"]
    orders = ["order_vv", "order_aa", "order_va"]
    assert shapes.pop("video") == (3, 2, 8, 16, 16, 3)
    assert shapes.pop("video_colours") == (3, 2, 4)
    assert shapes.pop("audio") == (3, 2, 40, 16)
    for name in ("index", "video_id", "video_present", "audio_present"):
        assert shapes.pop(name) == (3,)
    assert shapes == (
        dict.fromkeys(pairs, (3, 2))
        | {f"{name}_weight": (3, 2) for name in pairs}
        | dict.fromkeys(orders, (3,))
        | {f"{name}_weight": (3,) for name in orders}
    )
    assert all(batch[name].dtype == torch.int64 for name in pairs + orders)
    assert all(batch[f"{name}_weight"].dtype == torch.float32 for name in pairs + orders)
    assert as_float(batch, "video").abs().max() <= 1
    assert not torch.equal(batch["video"][0], batch["video"][1])


def test_a_sample_depends_on_seed_epoch_and_number_alone(film):
    one = TemporalClipDataset(film, PAIRS, FilmSource(SPANS), audio=SOUND, seed=3, crops=3)
    other = TemporalClipDataset(film, PAIRS, FilmSource(SPANS), audio=SOUND, seed=3, crops=3)
    other[0], other[1, 4]
    other.set_epoch(2)
    for name, value in one[2, 2].items():
        assert torch.equal(value, other[2][name]), name


def test_features_of_the_cache_are_those_of_the_sound(film):
    features = cached_features(film, SOUND, Silent())
    read = TemporalClipDataset(film, PAIRS, **PLAIN)[0]["audio"]
    cached = TemporalClipDataset(film, PAIRS, features=features, **PLAIN)[0]["audio"]
    assert torch.allclose(read, cached, atol=0.02)


def test_resampling_raises_the_pitch_and_leaving_out_frames_does_not(tmp_path):
    tone = 0.5 * np.sin(2 * np.pi * 500 * np.arange(10 * RATE) / RATE)
    soundfile.write(tmp_path / "tone.wav", tone, RATE)
    manifest = make_manifest(tmp_path, [Clip("a", "tone.wav", 0.0, 10.0)])
    sound = AudioSettings(num_mel_bins=64)
    bands = {}
    for kind in ("stride", "resample"):
        pairs = PAIRS.model_copy(update={"audio_speed": kind})
        dataset = TemporalClipDataset(
            manifest, pairs, FilmSource(SPANS), audio=sound, video=False, train=False, crops=12
        )
        samples = [dataset[number] for number in range(12)]
        bands[kind] = {
            int(speed): int(frames.mean(dim=0).argmax())
            for sample in samples
            for speed, frames in zip(sample["audio_speed"], sample["audio"], strict=True)
        }
    assert set(bands["stride"]) == set(bands["resample"]) == {0, 1, 2, 3}
    assert len(set(bands["stride"].values())) == 1
    rising = [bands["resample"][speed] for speed in range(4)]
    assert rising == sorted(set(rising))
    assert rising[0] == bands["stride"][0]


def test_faster_sound_is_as_rough_as_slow_sound(tmp_path):
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "noise.wav", 0.1 * rng.standard_normal(20 * RATE), RATE)
    manifest = make_manifest(tmp_path, [Clip("a", "noise.wav", 0.0, 20.0)])
    dataset = TemporalClipDataset(manifest, PAIRS, video=False, crops=30, **PLAIN)
    spread: dict[int, list[float]] = {}
    for number in range(30):
        sample = dataset[number]
        for speed, frames in zip(sample["audio_speed"], sample["audio"], strict=True):
            spread.setdefault(int(speed), []).append(float(frames.std(dim=0).mean()))
    means = [np.mean(spread[speed]) for speed in range(4)]
    assert max(means) < 1.15 * min(means)


def test_silence_is_not_asked_about(tmp_path):
    soundfile.write(tmp_path / "hush.wav", np.zeros(10 * RATE), RATE)
    manifest = make_manifest(tmp_path, [Clip("a", "hush.wav", 0.0, 10.0)])
    sample = TemporalClipDataset(manifest, PAIRS, video=False, **PLAIN)[0]
    assert not sample["audio_speed_weight"].any()
    assert not sample["audio_direction_weight"].any()
    assert not sample["order_aa_weight"]
    assert sample["audio_present"]


def test_what_does_not_move_is_not_asked_about(tmp_path):
    pictures = (np.full((48, 64, 3), 90, np.uint8) for _ in range(10 * FPS))
    write_film(tmp_path / "still.mkv", FilmSettings(fps=FPS, sample_rate=RATE), frames=pictures,
               audio=[clicks(10)])  # fmt: skip
    manifest = make_manifest(tmp_path, [Clip("a", "still.mkv", 0.0, 10.0)])
    sample = TemporalClipDataset(manifest, PAIRS, **PLAIN)[0]
    assert not sample["video_speed_weight"].any()
    assert not sample["order_vv_weight"] + sample["order_va_weight"]
    assert sample["audio_speed_weight"].all()


@pytest.mark.parametrize("question", ["speed", "direction", "order"])
def test_only_what_is_wanted_is_asked(film, question):
    pairs = PAIRS.model_copy(update={"tasks": (question,)})
    dataset = TemporalClipDataset(film, pairs, crops=30, **PLAIN)
    batch = collate([dataset[number] for number in range(30)])
    weights = {name: float(value.sum()) for name, value in batch.items() if name.endswith("_weight")}
    assert all((total > 0) == (question in name) for name, total in weights.items())


def test_clips_without_sound_or_pictures_answer_what_they_can(film, tmp_path):
    write_grey_film(tmp_path / "mute.mkv", 4.0, sound=False)
    soundfile.write(tmp_path / "clicks.wav", clicks(8), RATE)
    manifest = make_manifest(
        tmp_path,
        [
            Clip("film", str(film.folder / "film.mkv"), 0.0, SECONDS),
            Clip("mute", "mute.mkv", 0.0, 4.0),
            Clip("clicks", "clicks.wav", 0.0, 8.0),
        ],
    )
    dataset = TemporalClipDataset(manifest, PAIRS, **PLAIN)
    batch = collate([dataset[number] for number in range(3)])
    assert batch["video_present"].tolist() == [True, True, False]
    assert batch["audio_present"].tolist() == [True, False, True]
    assert not batch["video_speed_weight"][2].any()
    assert not batch["audio_speed_weight"][1].any()
    assert not batch["order_va_weight"][1:].any()
    assert batch["audio_speed_weight"][2].all()
    assert dataset.report.present == {"video": 2, "audio": 2}
    assert "1 of 3 clips have no audio" in dataset.report.lines()


def test_clips_of_one_recording_have_one_number(tmp_path):
    manifest = chirp_clips(tmp_path, 3, 4.0)
    rows = [manifest[n] for n in range(3)]
    clips = [Clip(c.clip_id, c.media, c.start, c.end, group=g) for c, g in zip(rows, "aba", strict=True)]
    dataset = TemporalClipDataset(make_manifest(tmp_path, clips), PAIRS, video=False, **PLAIN)
    ids = [int(dataset[number]["video_id"]) for number in range(3)]
    assert ids[0] == ids[2] != ids[1]


def test_cuts_are_avoided_where_asked(tmp_path):
    tints = np.repeat(np.random.default_rng(1).integers(0, 255, 20), 12)  # a new shot every 12 pictures
    pictures = (np.full((48, 64, 3), tint, np.uint8) for tint in tints)
    write_film(tmp_path / "cuts.mkv", FilmSettings(fps=FPS, sample_rate=RATE), frames=pictures)
    manifest = make_manifest(tmp_path, [Clip("a", "cuts.mkv", 0.0, 15.0)])
    cuts = {}
    for respect in (False, True):
        pairs = PairSettings(
            num_frames=4, size=16, speeds=(1, 2), audio_frames=40, respect_shots=respect, least_motion=0
        )
        settings = PLAIN | {"audio": None}
        dataset = TemporalClipDataset(manifest, pairs, crops=60, **settings)
        steps = [as_float(dataset[n], "video").diff(dim=2).abs().amax(dim=(1, 2, 3, 4)) for n in range(60)]
        cuts[respect] = int((torch.stack(steps) > 0.3).sum())
    assert cuts[True] < 0.6 * cuts[False]


def test_the_bottom_is_cut_off_where_asked():
    pictures = np.zeros((8, 48, 64, 3), np.uint8)
    pictures[:, :40] = 255
    for share, lowest in ((0.0, -1), (0.2, 1)):
        reader = VideoReader(PAIRS.model_copy(update={"bottom_crop": share}), FilmSource(SPANS))
        windows, _ = reader.windows((pictures, pictures), None)
        assert windows.min() == (0 if lowest < 0 else 255)


@pytest.mark.parametrize(
    ("seconds", "settings", "message"),
    [
        (0.3, {}, "0 of 2 clips reach 0.5 s; the shortest has 0.3 s"),
        (0.8, {"tasks": ("order",)}, "no video of .* has room for both, the longest has 0.8 s"),
        (0.6, {"tasks": ("speed",)}, "no clip is long enough for speed 2: the longest has 0.6 s"),
    ],
)
def test_clips_that_are_too_short_are_refused(tmp_path, seconds, settings, message):
    pairs = PAIRS.model_copy(update={"audio_frames": 48, **settings})
    with pytest.raises(BadInputError, match=message):
        TemporalClipDataset(chirp_clips(tmp_path, 2, seconds), pairs, video=False, **PLAIN)


def test_what_no_clip_has_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="has video"):
        TemporalClipDataset(chirp_clips(tmp_path, 2, 4.0), PAIRS, **PLAIN)


@pytest.mark.parametrize("speeds", [(1, 3), (1, 1, 2), (2, 1), (0, 1), ()])
def test_speeds_are_powers_of_two_that_rise(speeds):
    with pytest.raises(ValidationError):
        PairSettings(speeds=speeds)
