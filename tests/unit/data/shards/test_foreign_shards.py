"""Shards as other tools write them: which files are a clip, and their use by every command."""

import json
from pathlib import Path

import pytest

from avtool.core.errors import BadInputError
from avtool.core.reporter import Silent
from avtool.data.dataset import open_dataset
from avtool.data.items import find_items
from avtool.data.shards.source import open_shards
from avtool.data.statistics import StatsRecipe, stats
from avtool.media.waveforms import read_waveform
from tests.harness import RATE, call
from tests.layouts import wav_bytes, write_tar

DOG = b'{"label": "dog"}'
WAV = wav_bytes(0.5)


def keys(path: Path) -> list[str]:
    manifest, _ = open_shards(path)
    assert [clip.clip_id for clip in open_dataset(path)] == manifest.column("clip_id")
    return [name.partition("/")[2] for name in manifest.column("clip_id")]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([("a.wav", WAV), ("a.json", DOG), ("b.wav", WAV)], ["a", "b"]),
        ([("a.wav", WAV), ("b.wav", WAV), ("a.json", DOG), ("b.json", DOG)], ["a", "b"]),
        ([("a.0 (x).wav", WAV), ("a.0 (x).json", DOG), ("b.0.wav", WAV)], ["a", "b"]),
        (
            [("t.1.wav", WAV), ("t.1.json", DOG), ("t.2.wav", WAV), ("t.2.json", DOG)],
            ["t.1", "t.2"],
        ),
        ([("t.1.wav", WAV), ("t.2.wav", WAV), ("t.1.cls", b"0"), ("t.2.cls", b"1")], ["t.1", "t.2"]),
        ([("a.speech.wav", WAV), ("a.json", DOG)], ["a"]),
        ([("a.wav", WAV), ("a.speech.wav", WAV), ("a.json", DOG)], ["a"]),
        ([("._a.wav", b"x"), ("a.wav", WAV), (".DS_Store", b"x"), ("__MACOSX/a.wav", b"x")], ["a"]),
        ([("./v1.0/a.WAV", WAV), ("./v1.0/a.JSON", DOG)], ["v1.0/a"]),
        ([("a.wav", b"old"), ("a.wav", WAV)], ["a"]),
    ],
)
def test_which_files_are_a_clip(tmp_path: Path, files: list, expected: list[str]) -> None:
    path = write_tar(tmp_path / "s.tar", files)
    assert keys(path) == expected
    for clip in open_dataset(path):
        assert clip.duration == pytest.approx(0.5)
        assert len(read_waveform(open_dataset(path).local(clip.audio), 0, 9)) == RATE // 2


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([("a.x.wav", WAV), ("a.y.wav", WAV)], r"`a` in .* has several media: `a\.x\.wav`, `a\.y\.wav`"),
        ([("a.wav", WAV), ("a.json", b"{")], r"`a.json` in `.*s\.tar` is no JSON"),
        ([("a.wav", WAV), ("a.json", b"[" * 200_000)], r"`a.json` in `.*s\.tar` is no JSON"),
        ([("a.wav", b"no audio")], r"a-?\w*\.wav` (is not a readable|cannot)"),
        ([("a.json", DOG)], r"hold annotations without media|`end` is not after"),
    ],
)  # fmt: skip
def test_what_is_not_plain_is_one_line(tmp_path: Path, files: list, message: str) -> None:
    path = write_tar(tmp_path / "s.tar", files)
    for read in (open_shards, open_dataset):
        with pytest.raises(BadInputError, match=message):
            read(path)


@pytest.mark.parametrize(
    ("facts", "labels"),
    [
        ({"label": "dog"}, ("dog",)),
        ({"labels": ["dog", "cat"]}, ("dog", "cat")),
        ({"category": "dog"}, ("dog",)),
        ({"tags": ["dog"]}, ("dog",)),
        ({"cls": 3}, ("3",)),
        ({"label": "", "class": "dog"}, ("dog",)),
        ({"label": {"x": 1}}, ()),
        ({}, ()),
    ],
)
def test_labels_by_whichever_name(tmp_path: Path, facts: dict, labels: tuple) -> None:
    path = write_tar(tmp_path / "s.tar", {"a.wav": WAV, "a.json": json.dumps(facts).encode()})
    assert open_dataset(path)[0].labels == labels


def test_splits_by_the_names_of_shards_and_folders(tmp_path: Path) -> None:
    for name in ("esc-train-000.tar", "valid/000.tar", "x/000.tar"):
        write_tar(tmp_path / name, {"a.wav": WAV})
    assert sorted(open_dataset(tmp_path).column("split")) == ["", "train", "val"]


def test_streamed_wavs_in_shards_have_their_length(tmp_path: Path) -> None:
    content = bytearray(WAV)
    place = content.index(b"data") + 4
    content[place : place + 4] = bytes(4)
    path = write_tar(tmp_path / "s.tar", {"a.wav": bytes(content)})
    assert open_dataset(path)[0].duration == pytest.approx(0.5)
    manifest, source = open_shards(path)
    assert abs(source.audio(manifest, manifest[0], 0, RATE // 2)).max() > 0.1


def test_every_command_uses_them(tmp_path: Path) -> None:
    samples = {}
    for number, label in enumerate(["dog", "cat"] * 3):
        samples |= {f"{number}.wav": WAV, f"{number}.json": json.dumps({"label": label}).encode()}
    shards = tmp_path / "shards"
    write_tar(shards / "a-000.tar", samples)
    found = stats(shards, StatsRecipe(), Silent())
    assert found.labels == [("cat", 3), ("dog", 3)]
    assert len(find_items([str(shards)])) == 6
    run, out = tmp_path / "run", tmp_path / "out"
    assert call("prepare", shards, "--out", tmp_path / "data") == 0
    assert (
        call("finetune", shards, "--model", "cnn_tiny", "--epochs", 1, "--device", "cpu", "--out", run) == 0
    )
    assert call("predict", shards, "--model", run, "--device", "cpu", "--out", out) == 0
    assert call("embed", shards, "--encoder", run, "--device", "cpu", "--out", tmp_path / "e.parquet") == 0
    header, *rows = (out / "scores.csv").read_text().splitlines()
    assert header == "file,cat,dog"
    assert [row.partition(",")[0] for row in rows] == [f"a-000/{number}" for number in range(6)]
