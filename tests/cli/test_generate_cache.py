"""`avtool generate cache`: videos decoded and encoded once, and trainings that take them from there."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from avtool.core.reporter import Silent
from avtool.data import frame_cache
from avtool.data.dataset import open_dataset
from avtool.data.frame_cache import cache_videos
from avtool.data.frame_clips import FrameSource, find_frame_sources, iter_source, read_clip_at, read_last
from tests.harness import differences, in_child, run_avtool, save_autoencoder, write_video_clips

QUICK = ("--device", "cpu", "--precision", "fp32", "--no-progress", "--json")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video_clips(tmp_path_factory.mktemp("films") / "d", 4, seconds=1.0, val=1)


def make(films: Path, out: Path, *options: object):
    return run_avtool("generate", "cache", films, "--out", out, "--no-progress", "--json", *options)


def test_frames_are_those_of_the_films_and_read_in_place(films: Path, cache: Path, tmp_path: Path) -> None:
    done = make(films, tmp_path / "kept", "--size", "24x32", "--frames", 8)
    assert done.code == 0, done.stderr
    found = done.json["result"]["cache"]
    assert (found["videos"], found["frames"], found["clips"]) == (4, 64, 8)
    assert found["short"] == found["failed"] == []
    videos, _ = cache_videos(find_frame_sources(films), (24, 32), 8, Silent())
    shutil.rmtree(cache)
    kept, _ = cache_videos(find_frame_sources(tmp_path / "kept"), (24, 32), 8, Silent())
    assert not list(cache.rglob("*.npy")), "nothing is decoded again"
    for one, other in zip(videos, kept, strict=True):
        np.testing.assert_array_equal(one.frames, other.frames)
        assert other.source.split == one.source.split
    (source, *_) = find_frame_sources(tmp_path / "kept")
    clip = read_clip_at(source, 3, 5, (24, 32))
    np.testing.assert_array_equal(clip, kept[0].frames[3:8])
    np.testing.assert_array_equal(read_last(source, 4, (24, 32)), kept[0].frames[-4:])
    assert read_clip_at(source, 14, 5, (24, 32)) is None
    assert read_clip_at(source, 0, 2, (12, 16)).shape == (2, 12, 16, 3)


def test_every_third_frame_is_kept(films: Path, tmp_path: Path) -> None:
    options = ("--size", "24x32", "--frames", 5)
    done = make(films, tmp_path / "third", *options, "--set", "every=3")
    assert done.code == 0, done.stderr
    assert done.json["result"]["cache"]["frames"] == 4 * 6, "the first of 16 frames, and each third one"
    whole, _ = cache_videos(find_frame_sources(films), (24, 32), 5, Silent())
    third, _ = cache_videos(find_frame_sources(tmp_path / "third"), (24, 32), 5, Silent())
    for one, other in zip(whole, third, strict=True):
        np.testing.assert_array_equal(other.frames, one.frames[::3])
    assert make(films, tmp_path / "whole", *options).json["result"]["cache"]["frames"] == 64
    assert make(films, tmp_path / "third", *options).code == 2, "another cache stands there"
    few = make(films, tmp_path / "few", "--size", 24, "--frames", 7, "--set", "every=3")
    assert "it has 6 frames, needs 7" in few.stderr or "0 of 4 videos have 7" in few.stderr


def test_a_killed_cache_is_resumed(films: Path, cache: Path, tmp_path: Path) -> None:
    """Films that were done stay, and what was half written is not in the artifact."""
    options = ("--size", 16, "--frames", 8)
    assert make(films, tmp_path / "whole", *options).code == 0

    def die() -> None:
        def dying(source: FrameSource) -> Iterator[np.ndarray]:
            for number, frame in enumerate(iter_source(source)):
                if source.name == "2" and number == 5:
                    os.kill(os.getpid(), signal.SIGKILL)
                yield frame

        frame_cache.iter_source = dying
        make(films, tmp_path / "broken", *options)

    assert in_child(die) == -signal.SIGKILL
    frames = tmp_path / "broken.partial" / "frames"
    kept = {path.name: path.stat().st_mtime_ns for path in frames.glob("*.npy")}
    assert sorted(kept) == ["00000.npy", "00001.npy"]
    assert len(list(frames.glob(".*.partial"))) == 1
    assert make(films, tmp_path / "broken", *options).code == 0
    frames = tmp_path / "broken" / "frames"
    assert {name: (frames / name).stat().st_mtime_ns for name in kept} == kept
    assert differences(tmp_path / "broken", tmp_path / "whole") == []


@pytest.mark.parametrize("verb", ["cache", "train-autoencoder"])
def test_ctrl_c_while_decoding_is_a_line(
    films: Path, cache: Path, verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(source: FrameSource) -> Iterator[np.ndarray]:
        signal.raise_signal(signal.SIGINT)
        return iter_source(source)

    monkeypatch.setattr(frame_cache, "iter_source", interrupted)
    done = run_avtool(
        "generate", verb, films, "--size", 16, "--frames", 4, "--out", tmp_path / "out", "-q", "--no-progress"
    )
    assert done.code == 130
    assert [line for line in done.stderr.splitlines() if line] == [
        "warning: interrupted: finished work is kept, repeat the command to resume it"
    ]
    assert not (tmp_path / "out").exists()


def test_short_and_damaged_videos_are_counted(films: Path, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    write_video_clips(folder / "long", 1, seconds=1.0)
    write_video_clips(folder / "short", 2, seconds=0.3)
    (folder / "damaged.mp4").write_bytes(b"no film")
    done = make(folder, tmp_path / "kept", "--size", 16, "--frames", 8)
    assert done.code == 1, "some inputs failed"
    found = done.json["result"]["cache"]
    assert found["videos"] == 1
    assert found["short"] == ["short/0.mp4", "short/1.mp4"]
    assert found["failed"] == ["damaged.mp4"]
    rows = (tmp_path / "kept" / "skipped.csv").read_text().splitlines()
    assert any("it has 5 frames, needs 8" in row for row in rows)
    assert len(list((tmp_path / "kept" / "frames").glob("*.npy"))) == 1
    assert len(open_dataset(tmp_path / "kept")) == 1
    none = make(folder, tmp_path / "none", "--size", 16, "--frames", 200)
    assert none.code == 2
    assert "0 of 4 videos have 200 or more readable frames" in none.stderr
    assert not (tmp_path / "none").exists()


def test_training_takes_latents_from_the_cache(films: Path, cache: Path, tmp_path: Path) -> None:
    autoencoder = save_autoencoder(tmp_path / "ae")
    options = ("--autoencoder", autoencoder, "--latent-cache", 3, "--device", "cpu")
    done = make(films, tmp_path / "kept", *options)
    assert done.code == 0, done.stderr
    assert done.json["result"]["pairs"] == 3 * 3 + 2
    again = make(films, tmp_path / "kept", *options)
    assert again.json == done.json
    shutil.rmtree(cache, ignore_errors=True)
    losses = []
    for source in (tmp_path / "kept", films):
        trained = run_avtool(
            "generate", "train", source, "--recipe", "generate/diffusion-tiny", "--autoencoder", autoencoder,
            "--latent-cache", 3, "--max-steps", 2, "--batch-size", 4, *QUICK,
            "--out", tmp_path / f"run-{source.name}",
        )  # fmt: skip
        assert trained.code == 0, trained.stderr
        losses.append(trained.json["result"]["metrics"]["loss"])
        expected = 0 if source.name == "kept" else 2
        assert len(list(cache.rglob("video-latents/*.npz"))) == expected
    assert losses[0] == losses[1]
    other = run_avtool(
        "generate", "train", tmp_path / "kept", "--recipe", "generate/diffusion-tiny", "--autoencoder",
        autoencoder, "--latent-cache", 2, "--max-steps", 1, "--batch-size", 4, *QUICK,
        "--out", tmp_path / "other",
    )  # fmt: skip
    assert other.code == 0, other.stderr
    assert len(list((tmp_path / "kept" / "latents").glob("*.npz"))) == 2, "the artifact stays as it is"


def test_bad_input(films: Path, tmp_path: Path) -> None:
    autoencoder = save_autoencoder(tmp_path / "ae")
    assert (
        "is not the 32x32" in make(films, tmp_path / "x", "--autoencoder", autoencoder, "--size", 64).stderr
    )
    assert "a clip of" in make(films, tmp_path / "x", "--autoencoder", autoencoder, "--frames", 2).stderr
    bad = tmp_path / "bad.npy"
    np.save(bad, np.zeros((2, 4, 4)))
    done = make(bad, tmp_path / "y", "--size", 16, "--frames", 1)
    assert done.code == 2
    assert "holds float64 values" in done.stderr
    assert make(films, tmp_path / "z", "--size", 16, "--frames", 4).code == 0
    changed = make(films, tmp_path / "z", "--size", 24, "--frames", 4)
    assert changed.code == 2
    assert "other settings" in changed.stderr
