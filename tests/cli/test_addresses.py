"""Media at addresses: `file://` is a path, other protocols are copied, and a missing library is named."""

import csv
import json
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow.parquet as parquet
import pytest
import soundfile
import torch
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry

from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.settings import AudioSettings
from avtool.data.inputs.spec import InputSpec
from avtool.inference.outputs import OutputSpec
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import create
from avtool.synthetic.make_film import FilmFiles, make_film
from tests.harness import call

RATE = 16000
MINING = ["--vad", "none", "--sync", "none", "-q"]


class Bucket(MemoryFileSystem):
    """A bucket in memory, in the place of one on the web."""

    protocol = "s3"
    store: ClassVar[dict] = {}


@pytest.fixture
def bucket(cache, monkeypatch) -> Bucket:
    monkeypatch.setitem(_registry, "s3", Bucket)
    monkeypatch.setattr(Bucket, "store", {})
    return Bucket()


@pytest.fixture
def sound(tmp_path) -> Path:
    path = tmp_path / "a sound.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(2 * RATE), RATE)
    return path


@pytest.fixture
def model(tmp_path) -> Path:
    """A model of random weights."""
    torch.manual_seed(0)
    inputs = InputSpec((AudioInput(AudioSettings(), 98, -5.0, 4.0),))
    preprocess = {**OutputSpec("single-label", ("a", "b"), (2,)).to_json(), **inputs.to_json()}
    network = create("cnn_tiny", num_classes=2)
    description = ModelDescription("cnn_tiny", {"num_classes": 2}, preprocess)
    save_model(tmp_path / "model", network.state_dict(), description)
    return tmp_path / "model"


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> FilmFiles:
    return make_film(tmp_path_factory.mktemp("made"), seed=1, minutes=1, video="static")


def table(path: Path, *rows: tuple[object, ...]) -> Path:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path


def media_of(dataset: Path, column: str = "media") -> set[str]:
    return set(parquet.read_table(dataset / "manifest.parquet")[column].to_pylist())


def test_prepare_reads_file_addresses(sound, tmp_path):
    address = sound.as_uri()
    listed = table(tmp_path / "clips.csv", ("media", "label"), (address, "a"))
    assert call("prepare", listed.as_uri(), "--out", tmp_path / "data", "-q") == 0
    assert media_of(tmp_path / "data") == {address}


def test_prepare_and_predict_fetch_media(bucket, sound, model, tmp_path):
    bucket.pipe("s3://sounds/one.wav", sound.read_bytes())
    bucket.pipe("s3://lists/clips.csv", b"media,label\ns3://sounds/one.wav,a\n")
    assert call("prepare", "s3://lists/clips.csv", "--out", tmp_path / "data", "-q") == 0
    assert media_of(tmp_path / "data") == {"s3://sounds/one.wav"}
    predict = ["predict", "--model", model, "--device", "cpu", "-q", "--out"]
    assert call(*predict, tmp_path / "clips", tmp_path / "data") == 0
    names = ["s3://sounds/one.wav", sound.as_uri()]
    assert call(*predict, tmp_path / "files", *names) == 0
    rows = list(csv.DictReader((tmp_path / "files" / "scores.csv").read_text().splitlines()))
    assert [row["file"] for row in rows] == ["s3://sounds/one.wav", str(sound)]
    assert rows[0]["a"] == rows[1]["a"]


def test_one_address_that_is_gone_does_not_stop_the_others(bucket, sound, model, tmp_path, capsys):
    names = ["s3://sounds/gone.wav", sound.as_uri()]
    assert call("predict", *names, "--model", model, "--out", tmp_path / "out", "--json", "-q") == 1
    files = json.loads(capsys.readouterr().out)["files"]
    assert [file["status"] for file in files] == ["failed", "predicted"]
    assert "does not exist" in files[0]["error"]["message"]


def test_mining_fetches_films_and_captions(bucket, film, tmp_path):
    bucket.pipe("s3://films/one.mkv", film.film.read_bytes())
    bucket.pipe("s3://films/one.srt", film.captions.read_bytes())
    listed = table(tmp_path / "films.csv", ("film", "captions"), ("s3://films/one.mkv", "s3://films/one.srt"))
    for name, source in {"far": listed, "near": film.film.as_uri()}.items():
        assert call("mine-subtitles", source, "--out", tmp_path / name, *MINING) == 0
    assert media_of(tmp_path / "far", "film") == {"s3://films/one.mkv"}
    assert media_of(tmp_path / "near", "film") == {str(film.film)}
    assert media_of(tmp_path / "far", "group") == {"one"}
    far, near = (parquet.read_table(tmp_path / name / "manifest.parquet") for name in ("far", "near"))
    assert far["labels"] == near["labels"]
    assert far["film_start"] == near["film_start"]


@pytest.mark.parametrize("verb", ["prepare", "predict", "mine-subtitles"])
@pytest.mark.parametrize("listed", [True, False])
def test_a_missing_library_ends_the_command_with_its_pip_line(
    verb, listed, sound, model, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    rows = [("media" if verb == "prepare" else "film",), (str(sound),), ("s3://bucket/film.mkv",)]
    sources = [table(tmp_path / "list.csv", *rows)] if listed else ["s3://bucket/film.mkv"]
    if verb == "predict":
        sources = [sound, "s3://bucket/film.mkv"] if listed else sources
    more = ["--model", model] if verb == "predict" else []
    assert call(verb, *sources, "--out", tmp_path / "out", *more, "-q") == 3
    assert "hint: pip install s3fs" in capsys.readouterr().err


def test_addresses_are_stored_without_passwords(
    bucket: Bucket, sound: Path, model: Path, tmp_path: Path
) -> None:
    class Store(Bucket):
        @classmethod
        def _strip_protocol(cls, path: str) -> str:
            return "/" + path.rpartition("@")[2].removeprefix("s3://").lstrip("/")

    _registry["s3"] = Store
    Store().pipe("/box/a.wav", sound.read_bytes())
    address, plain = "s3://me:secret@box/a.wav", "s3://box/a.wav"
    (tmp_path / "list.csv").write_text(f"media,label\n{address},dog\n")
    assert call("prepare", tmp_path / "list.csv", "--out", tmp_path / "data", "-q") == 0
    assert parquet.read_table(tmp_path / "data" / "manifest.parquet")["media"].to_pylist() == [plain]
    assert call("predict", address, "--model", model, "--out", tmp_path / "out", "--device", "cpu", "-q") == 0
    stored = [path for folder in ("data", "out") for path in (tmp_path / folder).rglob("*") if path.is_file()]
    assert not [path for path in stored if b"secret" in path.read_bytes()]
