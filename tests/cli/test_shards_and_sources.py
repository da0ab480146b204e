"""`avtool moving-sources` and `avtool shards` as a user runs them."""

import json
from pathlib import Path

import numpy as np
import pytest

from avtool.core.artifact import read_artifact
from avtool.data.manifest import read_manifest
from avtool.data.shards.source import open_shards
from tests.harness import call, write_sine

pytest.importorskip("webdataset")

SMALL = ["--count", 4, "--seconds", 1, "--size", 32, "--fps", 8]


@pytest.fixture(scope="module")
def sounds(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    for label in ("bell", "horn"):
        write_sine(folder / label / "1.wav", 1.0)
    return folder


@pytest.fixture(scope="module")
def clips(sounds, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("out") / "clips"
    assert call("moving-sources", sounds, "--out", out, *SMALL, "-q") == 0
    return out


def test_films_of_sounds_are_a_data_set(clips):
    manifest = read_manifest(clips)
    assert len(manifest) == 4
    assert {clip.labels for clip in manifest} == {("bell",), ("horn",)}
    assert read_artifact(clips, "dataset").seed == 0


def test_films_with_queries_are_a_data_set(tmp_path, capsys):
    for label in ("bell", "horn"):
        for take in range(3):
            write_sine(tmp_path / "sounds" / label / f"{take}.wav", 1.0 + take)
    counts = ["--films", 1, "--val", 0, "--test", 1, "--minutes", 0.5, "--size", 36]
    where = [tmp_path / "sounds", "--out", tmp_path / "asked"]
    assert call("queried-films", *where, *counts, "--json", "-q") == 0
    result = json.loads(capsys.readouterr().out)["result"]
    assert result["films"] == {"train": 1, "test": 1}
    assert result["kinds"]["image"] == 10
    assert Path(result["queries"]).is_file()
    assert len(read_manifest(tmp_path / "asked")) == 2


def test_a_data_set_becomes_shards(clips, tmp_path, capsys):
    shards = tmp_path / "shards"
    assert call("shards", clips, "--out", shards, "--fps", 8, "--short-side", 32, "--json", "-q") == 0
    result = json.loads(capsys.readouterr().out)["result"]
    assert (result["shards"], result["clips"]) == (1, 4)
    manifest, source = open_shards(shards)
    assert source.frames(manifest, manifest[0], np.arange(8)).shape == (8, 32, 32, 3)


def test_clips_that_cannot_be_read_make_exit_code_1(clips, tmp_path, capsys):
    broken = tmp_path / "broken"
    assert call("moving-sources", clips, "--out", broken, *SMALL, "-q") == 0
    (broken / "clips" / "00000.mp4").write_bytes(b"no film")
    assert call("shards", broken, "--out", tmp_path / "shards", "-q") == 1
    assert "`00000` is skipped" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["moving-sources", "{folder}", "--out", "{folder}/x"], "no audio files"),
        (["moving-sources", "{folder}", "--out", "{folder}/x", "--size", "33"], "33 pixels"),
        (["queried-films", "{folder}", "--out", "{folder}/x"], "no audio files"),
        (["queried-films", "{folder}", "--out", "{folder}/x", "--minutes", "0.1"], "6 s is too short"),
        (["shards", "{folder}", "--out", "{folder}/x"], "is not an avtool artifact"),
    ],
)
def test_bad_input_is_one_line(tmp_path, capsys, arguments, message):
    assert call(*(text.format(folder=tmp_path) for text in arguments)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not (tmp_path / "x").exists()
