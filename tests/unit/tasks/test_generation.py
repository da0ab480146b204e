"""Samples of PVDM's trainings: videos held out, where clips begin, latents of pairs, the coin, caches."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder, Silent
from avtool.data.clip_cache import cache_clips
from avtool.data.frame_cache import cache_videos
from avtool.data.frame_clips import FrameSource, find_frame_sources, fit, iter_source, read_last
from avtool.inference.generation.pixels import as_clips, as_video
from avtool.media.encode import FilmSettings, write_film
from avtool.media.video_frames import iter_frames
from avtool.models.registry import create
from avtool.tasks.generation.latents import AFTER, ANY, BEFORE, LatentSamples, pair_latents
from avtool.tasks.generation.recipe import VideoAutoencoderRecipe, VideosRecipe, sides
from avtool.tasks.generation.samples import ClipSamples
from avtool.tasks.generation.task import VideoAutoencoderTask
from avtool.tasks.generation.videos import FrameSpan, TrainingVideos
from tests.harness import write_video_clips

torch.set_num_threads(1)


def film(path: Path, count: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [np.full((32, 32, 3), 5 * number % 256, np.uint8) for number in range(count)]
    write_film(path, FilmSettings(fps=10), frames=frames)
    return path


def span(count: int, name: str = "a", side: int = 16) -> FrameSpan:
    frames = np.random.default_rng(count).integers(0, 256, (count, side, side, 3)).astype(np.uint8)
    frames[:, 0, 0, 0] = np.arange(count)
    return FrameSpan(name, f"{name}-{count}", frames)


def first_frame(video: torch.Tensor) -> int:
    return round((float(video[0, 0, 0, 0]) + 1) * 127.5)


def test_frames_are_decoded_once_and_short_videos_are_named(cache, tmp_path: Path) -> None:
    film(tmp_path / "v" / "long.mp4", 12)
    film(tmp_path / "v" / "short.mp4", 3)
    (tmp_path / "v" / "bad.mp4").write_bytes(b"no film")
    sources = find_frame_sources(tmp_path / "v")
    videos, skipped = cache_videos(sources, (16, 24), 5, Silent())
    assert [video.frames.shape for video in videos] == [(12, 16, 24, 3)]
    assert [round(float(frame.mean()) / 5) for frame in videos[0].frames] == list(range(12))
    assert {one.clip_id: one.reason for one in skipped}["short.mp4"] == "it has 3 frames, needs 5"
    assert {one.clip_id for one in skipped} == {"short.mp4", "bad.mp4"}
    files = {file: file.stat().st_mtime_ns for file in cache.rglob("*.npy")}
    assert len(files) == 2
    again, _ = cache_videos(sources, (16, 24), 5, Silent())
    assert {file: file.stat().st_mtime_ns for file in cache.rglob("*.npy")} == files
    assert np.array_equal(again[0].frames, videos[0].frames)
    with pytest.raises(BadInputError, match="0 of 3 videos have 13 or more"):
        cache_videos(sources, (16, 24), 13, Silent())


def test_a_cache_of_smaller_frames_is_named(cache, tmp_path: Path) -> None:
    film(tmp_path / "v" / "long.mp4", 12)
    film(tmp_path / "v" / "short.mp4", 3)
    recorder = Recorder()
    cache_clips(tmp_path / "v", tmp_path / "kept", (16, 16), 2, recorder)
    assert recorder.warnings == []
    values = VideoAutoencoderRecipe(data={"val_share": 0})
    task = VideoAutoencoderTask(tmp_path / "kept", values, recorder)
    task.decode((16, 16), 2)
    assert recorder.warnings == []
    task.decode((32, 32), 2)
    (warning,) = recorder.warnings
    assert "scaled up to 32 x 32 pixels: `long.mp4` has 16 x 16 (and 1 more)" in warning
    task.decode((16, 16), 4)
    assert recorder.warnings[1:] == ["`short.mp4` is skipped: it has 3 frames, needs 4"]


def test_a_film_with_other_frames_than_it_states(
    cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film(tmp_path / "a.mp4", 9)
    monkeypatch.setattr(FrameSource, "num_frames", lambda self: 123_456)
    videos, _ = cache_videos(find_frame_sources(tmp_path / "a.mp4"), (8, 8), 2, Silent())
    assert videos[0].frames.shape == (9, 8, 8, 3)
    assert [round(float(frame.mean()) / 5) for frame in videos[0].frames] == list(range(9))


def test_the_last_frames_are_read(tmp_path: Path) -> None:
    source = FrameSource("a", film(tmp_path / "a.mp4", 9))
    last = read_last(source, 4, (8, 8))
    assert last is not None
    assert [round(float(frame.mean()) / 5) for frame in last] == [5, 6, 7, 8]
    assert read_last(source, 10, (8, 8)) is None


def test_the_end_of_a_film_is_decoded_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, starts = FrameSource("b", film(tmp_path / "b.mp4", 200)), []

    def counted(path: Path, *, start: float, **options: Any) -> Any:
        starts.append(start)
        return iter_frames(path, start=start, **options)

    monkeypatch.setattr("avtool.data.frame_clips.iter_frames", counted)
    near = read_last(source, 4, (8, 8))
    assert starts == [pytest.approx(19.15)]
    np.testing.assert_array_equal(near, np.stack([fit(frame, (8, 8)) for frame in iter_source(source)][-4:]))
    monkeypatch.setattr(FrameSource, "num_frames", lambda self: 9000)
    np.testing.assert_array_equal(read_last(source, 4, (8, 8)), near)


def test_videos_are_held_out(cache, tmp_path: Path) -> None:
    dataset = TrainingVideos(write_video_clips(tmp_path / "d", 5, val=2, seconds=1.0), VideosRecipe(), 0)
    assert [[one.name for one in part] for part in dataset.split] == [["0", "1", "2"], ["3", "4"]]
    ((manifest, use),) = dataset.learned_from
    assert (list(manifest.column("clip_id")), use) == (["0", "1", "2"], "no labels")
    for number in range(10):
        film(tmp_path / "films" / f"{number}.mp4", 2)
    folder = TrainingVideos(tmp_path / "films", VideosRecipe(val_share=0.3), 1)
    train, val = folder.split
    assert (len(train), len(val)) == (7, 3)
    assert not {one.name for one in train} & {one.name for one in val}
    assert folder.learned_from == ()
    assert TrainingVideos(tmp_path / "films", VideosRecipe(val_share=0), 1).split[1] == []


def test_a_single_video_is_divided(cache, tmp_path: Path) -> None:
    videos = TrainingVideos(film(tmp_path / "a.mp4", 40), VideosRecipe(), 0)
    assert videos.is_single
    train, val, skipped = videos.decode((8, 8), 5, Recorder())
    assert [len(train[0].frames), len(val[0].frames), skipped] == [35, 5, []]
    assert train[0].content != val[0].content
    train, val, _ = videos.decode((8, 8), 30, Recorder())
    assert [len(train[0].frames), val] == [40, []]


def test_clips_begin_anywhere_in_training_and_evenly_in_validation() -> None:
    spans = [span(20, "a"), span(7, "b")]
    samples = ClipSamples(spans, 5, 0, train=True)
    assert samples.names == ["a"] * 4 + ["b"]
    starts = set()
    for seed in range(200):
        torch.manual_seed(seed)
        sample = samples[0]
        starts.add(first_frame(sample["video"]))
        assert sample["video"].shape == (3, 5, 16, 16)
    assert starts == set(range(16))
    torch.manual_seed(3)
    one = samples[2]["video"]
    torch.manual_seed(3)
    assert torch.equal(one, samples[2]["video"])
    evenly = ClipSamples(spans, 5, 3, train=False)
    assert [first_frame(evenly[number]["video"]) for number in range(6)] == [2, 8, 12, 0, 1, 2]
    assert as_video(np.array([[[[0, 255, 51]]]], np.uint8)).flatten().tolist() == pytest.approx([-1, 1, -0.6])
    np.testing.assert_array_equal(as_clips(as_video(spans[0].frames[None])), spans[0].frames[None])


def test_chance_follows_from_the_sample_alone() -> None:
    """The frame of a clip, and noise and time of latents: not from the batch, nor from the process."""
    clips = ClipSamples([span(20)], 5, 0, train=True)
    torch.manual_seed(3)
    frames = [int(clips[0]["frame"]) for _ in range(200)]
    assert set(frames) == set(range(5))
    assert {int(ClipSamples([span(20)], 5, 2, train=False)[place]["frame"]) for place in range(2)} == {2}
    latents = np.zeros((3, 3, 4, 6), np.float16)
    training, held_out = (
        LatentSamples(latents, np.ones(3, np.bool_), 0.5, train=train) for train in (True, False)
    )
    drawn = [training[0] for _ in range(500)]
    assert 0 <= min(int(one["timestep"]) for one in drawn) < 20
    assert 980 < max(int(one["timestep"]) for one in drawn) <= 999
    noise = torch.stack([one["noise"] for one in drawn])
    assert abs(float(noise.mean())) < 0.03
    assert float(noise.std()) == pytest.approx(1, abs=0.03)
    torch.manual_seed(1)
    first = held_out[1]
    torch.manual_seed(2)
    again = held_out[1]
    assert torch.equal(first["noise"], again["noise"])
    assert first["timestep"] == again["timestep"]
    assert not torch.equal(first["noise"], held_out[2]["noise"])


def test_latents_of_pairs_are_those_of_their_clips(cache) -> None:
    torch.manual_seed(0)
    model = create("pvdm_autoencoder_tiny", frames=4, height=16, width=16).eval()
    spans = [span(30), span(6)]
    given = (spans, model, "content", 5, 0, torch.device("cpu"), Silent())
    latents, paired = pair_latents(*given)
    assert paired.tolist() == [True] * 5 + [False] * 3
    assert latents.shape == (8, 3, 4, model.grid.length)
    with torch.no_grad():
        for pair, start in ((0, 0), (4, 22)):
            for place, first in ((BEFORE, start), (AFTER, start + 4)):
                video = as_video(spans[0].frames[first : first + 4])[None]
                np.testing.assert_allclose(latents[pair, place], model.encode(video)[0].numpy(), atol=1e-3)
        anywhere = [model.encode(as_video(spans[0].frames[k : k + 4])[None])[0].numpy() for k in range(27)]
    for pair, start in enumerate((0, 6, 11, 16, 22)):
        near = [k for k in range(27) if np.abs(anywhere[k] - latents[pair, ANY]).max() < 2e-3]
        assert any(start <= k <= start + 4 for k in near)
    again, _ = pair_latents(*given)
    assert np.array_equal(again, latents)
    assert len(list(cache.rglob("*.npz"))) == 1
    pair_latents(spans, model, "other content", *given[3:])
    assert len(list(cache.rglob("*.npz"))) == 2


@pytest.mark.parametrize(("probability", "draws"), [(0.0, 100), (0.3, 2000), (1.0, 100)])
def test_the_coin_is_tossed_for_each_sample(probability: float, draws: int) -> None:
    latents = np.ones((2, 3, 4, 6), np.float16) * np.array([0.25, 0.5, 0.75], np.float16)[:, None, None]
    samples = LatentSamples(latents, np.array([True, False]), probability, train=True)
    counts = 0
    for seed in range(draws):
        torch.manual_seed(seed)
        sample = samples[0]
        is_next = bool(sample["latents_condition"].any())
        counts += is_next
        assert float(sample["latents"][0, 0]) == (0.5 if is_next else 0.75)
        assert float(sample["latents_condition"][0, 0]) == (0.25 if is_next else 0.0)
        torch.manual_seed(seed)
        assert not samples[1]["latents_condition"].any(), "a first clip has no clip before"
    deviation = math.sqrt(draws * probability * (1 - probability))
    assert abs(counts - draws * probability) <= 3 * deviation


def test_sizes_are_heights_and_widths() -> None:
    assert sides("64") == (64, 64)
    assert sides("48x80") == (48, 80)
