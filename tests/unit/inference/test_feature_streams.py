"""Streams of features: the grid in time, files of others, encoders and their cache, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avtool.core.errors import BadInputError
from avtool.core.reporter import Silent
from avtool.core.runtime import RuntimeRecipe
from avtool.data.items import Item
from avtool.inference.dense_captioning.film_features import FilmFeatures
from avtool.inference.dense_captioning.streams import (
    EncodedStream,
    FilmStreams,
    SpectrogramStream,
    Stream,
    open_stream,
)
from tests.harness import write_wav

FILM = Item("films/v_a.mp4", Path("films/v_a.mp4"))


def at(times: list[float], width: int = 1) -> FilmFeatures:
    """Features whose values are their times."""
    values = np.repeat(np.array(times, np.float16)[:, None], width, axis=1)
    return FilmFeatures(values, np.array(times), "x")


def read(stream: Stream) -> FilmFeatures:
    return stream.of(FILM, Silent())


def test_a_step_has_the_mean_of_what_is_inside_or_else_the_nearest() -> None:
    found = at([0.1, 0.2, 0.75, 3.0]).on_grid(0, 8, 0.5)[:, 0]
    assert found == pytest.approx([0.15, 0.75, 0.75, 0.75, 3, 3, 3, 3], abs=1e-3)


@pytest.mark.parametrize("first", [0, 3, 7, 19])
def test_a_part_of_the_grid_is_that_part_of_the_whole(first: int) -> None:
    rng = np.random.default_rng(0)
    features = at(sorted(rng.uniform(0, 10, 25).tolist()), width=3)
    whole = features.on_grid(0, 40, 0.25)
    assert features.on_grid(first, 11, 0.25) == pytest.approx(whole[first : first + 11], abs=1e-6)


def test_streams_lie_side_by_side_and_end_with_the_shortest() -> None:
    streams = FilmStreams([at([0.25, 0.75, 1.25]), at([0.5, 1.5, 2.5], width=2)], 0.5)
    values, there = streams.window(1, 4)
    assert streams.steps == 3
    assert there.tolist() == [True, True, False, False]
    assert values.shape == (4, 3)
    assert values[:2] == pytest.approx(np.array([[0.75, 0.5, 0.5], [1.25, 1.5, 1.5]]))
    assert not values[2:].any()


def test_files_of_others_have_steps_or_times(tmp_path: Path) -> None:
    np.save(tmp_path / "v_a.npy", np.ones((4, 2), np.float32))
    assert read(open_stream("clip", tmp_path, 0.5)).times.tolist() == [0.25, 0.75, 1.25, 1.75]
    (tmp_path / "v_a.npy").unlink()
    np.savez(tmp_path / "v_a.npz", values=np.ones((2, 2)), times=[0.3, 0.8])
    assert read(open_stream("clip", tmp_path, 0.5)).times.tolist() == [0.3, 0.8]


def _nan(values: Any) -> Any:
    values[2, 1] = np.nan
    return values


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"b.npy": np.ones((4, 2))}, "no features for `v_a` \\(stream clip\\)"),
        ({"v_a.npy": np.ones((4, 3))}, "has 3 columns, the model expects 2"),
        ({"v_a.npy": _nan(np.ones((4, 2)))}, "not finite at step 2"),
        ({"v_a.npy": np.ones(4)}, "does not hold \\(steps, width\\)"),
        ({"v_a.npy": np.ones((0, 2))}, "does not hold"),
        ({"v_a.npy": b"nonsense"}, "holds no features"),
        (
            {"v_a.npz": {"values": np.ones((3, 2)), "times": [0.0, 0.4, 0.8]}},
            "a step of 0.4 s, the model's is 0.5",
        ),
        ({"v_a.npz": {"values": np.ones((3, 2)), "times": [0.5, 0.0, 1.0]}}, "step|ascending"),
        ({"v_a.npz": {"feats": np.ones((3, 2))}}, "holds no features"),
    ],
)
def test_features_that_do_not_fit_are_refused_in_a_line(tmp_path: Path, content: Any, words: str) -> None:
    for name, value in content.items():
        if isinstance(value, bytes):
            (tmp_path / name).write_bytes(value)
        elif isinstance(value, dict):
            np.savez(tmp_path / name, **value)
        else:
            np.save(tmp_path / name, value)
    with pytest.raises(BadInputError, match=words) as caught:
        read(open_stream("clip", tmp_path, 0.5, 2))
    assert "\n" not in str(caught.value)


def test_an_encoder_is_applied_once_to_a_content(
    encoder: Path, media: Path, cache: Path, tmp_path: Path
) -> None:
    stream = EncodedStream("sound", encoder, 0.25, runtime=RuntimeRecipe(device="cpu"))
    item = Item(str(media / "sound.wav"), media / "sound.wav")
    found = stream.of(item, Silent())
    assert stream.width(item) == found.values.shape[1] == 32
    assert found.times == pytest.approx(0.4875 + 0.25 * np.arange(len(found.times)), abs=0.01)
    made = sorted(cache.glob("streams-*"))
    assert len(made) == 1
    copy = tmp_path / "copy.wav"
    copy.write_bytes((media / "sound.wav").read_bytes())
    assert np.array_equal(stream.of(Item(str(copy), copy), Silent()).values, found.values)
    assert sorted(cache.glob("streams-*")) == made
    EncodedStream("sound", encoder, 0.5, runtime=RuntimeRecipe(device="cpu")).of(item, Silent())
    assert len([*cache.glob("streams-*")]) == 2


def test_an_encoder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="nowhere"):
        open_stream("clip", tmp_path / "nowhere", 0.5).width(FILM)


def test_spectrograms_are_a_stream_without_an_encoder(tmp_path: Path, cache: Path) -> None:
    """A tone of 1 kHz from 2 s to 4 s: the loudest mel bin is its own, and its steps are those."""
    rate = 16_000
    time = np.arange(6 * rate) / rate
    tone = 0.5 * np.sin(2 * np.pi * 1000 * time) * ((time >= 2) & (time < 4))
    path = write_wav(tmp_path / "tone.wav", (tone + 1e-4 * np.sin(2 * np.pi * 300 * time)).astype(np.float32))
    stream = open_stream("mel", Path("log-mel"), 0.25)
    assert isinstance(stream, SpectrogramStream)
    item = Item(str(path), path)
    found = stream.of(item, Silent())
    assert found.values.shape == (24, stream.width(item))
    means, largest = found.values[:, :64].astype(np.float32), found.values[:, 64:].astype(np.float32)
    assert (largest >= means).all()
    edges = np.linspace(*(2595 * np.log10(1 + np.array([60, 7800]) / 700)), 66)
    own = int(np.abs(edges[1:-1] - 2595 * np.log10(1 + 1000 / 700)).argmin())
    loud = largest[:, own] > np.log(0.1)
    assert found.times[loud] == pytest.approx(2.125 + 0.25 * np.arange(8), abs=0.14)
    assert set(largest[loud].argmax(axis=1).tolist()) <= {own - 1, own, own + 1}
    assert len([*cache.glob("streams-*")]) == 1
    assert np.array_equal(stream.of(item, Silent()).values, found.values)
