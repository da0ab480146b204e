"""Artifacts at addresses: written by one command and read by the next, through refusals, faults and kills."""

import json
import sys
from pathlib import Path
from typing import ClassVar

import pyarrow.parquet as parquet
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry

from avtool.benchmarks.settings import EvalRecipe
from avtool.cli.addresses import with_copies
from avtool.cli.session import Session
from avtool.core.artifact import verify
from avtool.core.console import ConsoleReporter
from avtool.core.errors import BadInputError
from avtool.core.recipe import validate
from tests.harness import differences, prepare_tones, run_avtool, save_encoder, write_sine, write_tones


class Bucket(MemoryFileSystem):
    """A bucket in memory, which can refuse."""

    protocol = "s3"
    store: ClassVar[dict] = {}
    pseudo_dirs: ClassVar[list] = [""]
    puts: ClassVar[list] = []
    """Names of the files that were sent."""
    fails_after: ClassVar[int | None] = None
    no_credentials: ClassVar[bool] = False

    def _refuse(self) -> None:
        if type(self).no_credentials:
            raise RuntimeError("Unable to locate credentials")  # as botocore does, by an error of its own

    def exists(self, path, **options):
        self._refuse()
        return super().exists(path, **options)

    def isfile(self, path):
        self._refuse()
        return super().isfile(path)

    def put_file(self, lpath, rpath, **options):
        if type(self).fails_after is not None and len(self.puts) >= type(self).fails_after:
            raise ConnectionError("the connection was closed")
        super().put_file(lpath, rpath, **options)
        self.puts.append(Path(rpath).name)


@pytest.fixture
def bucket(cache, monkeypatch) -> type[Bucket]:
    monkeypatch.setitem(_registry, "s3", Bucket)
    for name, value in {
        "store": {}, "pseudo_dirs": [""], "puts": [], "fails_after": None, "no_credentials": False
    }.items():  # fmt: skip
        monkeypatch.setattr(Bucket, name, value)
    return Bucket


@pytest.fixture
def tones(tmp_path) -> Path:
    return write_tones(tmp_path / "tones", train=4, val=1)


def fetched(address: str, folder: Path) -> Path:
    """A copy of what stands at an address."""
    system = Bucket()
    for name in system.find(address):
        target = folder / name.removeprefix(system._strip_protocol(address)).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(system.cat_file(name))
    return folder


def staged(cache: Path) -> list[Path]:
    return [path for path in cache.glob("outputs/*/*") if path.name != "sent.jsonl"]


def test_a_dataset_at_an_address_is_that_of_a_folder(bucket, cache, tones, tmp_path):
    assert run_avtool("prepare", tones, "--out", tmp_path / "here", "-q").code == 0
    done = run_avtool("prepare", tones, "--out", "s3://bucket/sets/there", "-q", "--json")
    assert done.code == 0, done.stderr
    assert done.json["out"] == "s3://bucket/sets/there"
    assert bucket.puts[-1] == "artifact.json", "the card comes last"
    copy = fetched("s3://bucket/sets/there", tmp_path / "there")
    assert differences(tmp_path / "here", copy) == []
    assert verify(copy) == []
    assert str(cache) not in (copy / "artifact.json").read_text()
    assert not Bucket().exists("s3://bucket/sets/there.unfinished")
    assert not staged(cache)


def test_commands_read_what_stands_at_an_address(bucket, cache, tones, tmp_path):
    data, encoder = "s3://bucket/data", "s3://bucket/encoder"
    assert run_avtool("prepare", tones, "--out", data, "-q").code == 0
    Bucket().put(str(save_encoder(tmp_path / "encoder")), encoder, recursive=True)
    counted = run_avtool("stats", data, "--no-fbank", "-q", "--json", "--split", "val")
    assert counted.json["clips"] == 2, counted.stderr
    for source, name in ((data, "there"), (prepare_tones(tmp_path, train=4, val=1), "here")):
        table = tmp_path / f"{name}.parquet"
        done = run_avtool("embed", source, "--encoder", encoder, "--out", table, "--device", "cpu", "-q")
        assert done.code == 0, done.stderr
    there, here = (parquet.read_table(tmp_path / f"{name}.parquet") for name in ("there", "here"))
    assert there.equals(here)
    quick = ("--epochs", 1, "--workers", 0, "--device", "cpu", "-q", "--model", "cnn_tiny")
    trained = run_avtool("finetune", data, *quick, "--out", tmp_path / "run")
    assert trained.code == 0, trained.stderr
    assert len(list(cache.glob("artifacts/*/data"))) == 1, "one copy for all"
    card = json.loads(Bucket().cat_file("s3://bucket/data/artifact.json"))
    Bucket().pipe_file("s3://bucket/data/artifact.json", json.dumps(card | {"files": {"../x": "0"}}).encode())
    hostile = run_avtool("stats", data, "-q")
    assert hostile.code == 4
    assert "points outside" in hostile.stderr


def test_recipe_keys_are_read_from_addresses(bucket, tones, tmp_path):
    encoder, data = save_encoder(tmp_path / "encoder"), prepare_tones(tmp_path, train=4, val=1)
    MemoryFileSystem().put(str(encoder), "memory://models/encoder", recursive=True)
    Bucket().put(str(encoder), "s3://bucket/encoder", recursive=True)
    quick = ("--epochs", 1, "--workers", 0, "--device", "cpu", "-q", "--model", "cnn_tiny", "--json")
    losses = {}
    for name, given in {
        "here": ("--init", encoder),
        "file": ("--init", encoder.as_uri()),
        "memory": ("--init", "memory://models/encoder"),
        "s3": ("--set", 'model.init="s3://bucket/encoder"'),
    }.items():
        done = run_avtool("finetune", data, *quick, *given, "--out", tmp_path / name)
        assert done.code == 0, done.stderr
        losses[name] = (tmp_path / name / "model" / "model.safetensors").read_bytes()
    assert len(set(losses.values())) == 1
    absent = run_avtool("finetune", data, *quick, "--init", "s3://bucket/none", "--out", tmp_path / "none")
    assert absent.code == 2
    assert absent.stderr.splitlines() == [
        "error: `s3://bucket/none` is neither an artifact nor a file",
        "hint: check the address; folders without a card are not copied",
    ]


def test_names_and_paths_in_settings_are_read_from_addresses(bucket, tmp_path):
    encoder = save_encoder(tmp_path / "encoder")
    Bucket().put(str(encoder), "s3://bucket/encoder", recursive=True)
    session = Session(ConsoleReporter(-2, progress=False), json=False)

    def copied(**values: str) -> EvalRecipe:
        return with_copies({"recipe": validate(EvalRecipe, values, "test")}, session)["recipe"]

    found = copied(encoder="s3://bucket/encoder", data=encoder.as_uri(), name="s3://bucket/encoder")
    assert found.name == "s3://bucket/encoder", "a text of no path"
    assert isinstance(found.encoder, str)
    assert found.data == encoder
    assert verify(Path(found.encoder)) == []
    assert copied(encoder="facebook/encoder", runs="runs").runs == Path("runs")
    with pytest.raises(BadInputError, match="`runs` is the address `s3://bucket/runs`, and is written on"):
        copied(runs="s3://bucket/runs")


def test_a_file_is_written_at_an_address(bucket, tmp_path):
    wav, encoder = write_sine(tmp_path / "a.wav"), save_encoder(tmp_path / "encoder")
    command = ("embed", wav, "--encoder", encoder, "--device", "cpu", "-q", "--out")
    for out in (tmp_path / "here.parquet", "s3://bucket/there.parquet"):
        done = run_avtool(*command, out)
        assert done.code == 0, done.stderr
        assert done.stdout.splitlines()[-1] == str(out)
    assert Bucket().cat_file("s3://bucket/there.parquet") == (tmp_path / "here.parquet").read_bytes()
    again = run_avtool(*command, "s3://bucket/there.parquet")
    assert again.code == 2
    assert "`s3://bucket/there.parquet` exists" in again.stderr
    assert run_avtool(*command, "s3://bucket/there.parquet", "--overwrite").code == 0


def test_addresses_of_files_are_paths(tones, tmp_path):
    (tmp_path / "a b").mkdir()
    out = tmp_path / "a b" / "data"
    assert run_avtool("prepare", tones, "--out", out.as_uri(), "-q").code == 0
    assert verify(out) == []
    assert run_avtool("stats", out.as_uri(), "--no-fbank", "-q", "--json").json["clips"] == 8


def test_what_stands_there_is_replaced_only_on_demand(bucket, tones, tmp_path):
    out = "s3://bucket/data"
    assert run_avtool("prepare", tones, "--out", out, "-q").code == 0
    refused = run_avtool("prepare", tones, "--out", out, "-q")
    assert refused.code == 2
    assert refused.stderr.splitlines()[0] == "error: `s3://bucket/data` exists"
    Bucket().pipe_file("s3://bucket/data/notes.txt", b"mine")
    Bucket().pipe_file("s3://bucket/data/labels/old.csv", b"")
    card = json.loads(Bucket().cat_file("s3://bucket/data/artifact.json"))
    card["files"]["labels/old.csv"] = "0"
    Bucket().pipe_file("s3://bucket/data/artifact.json", json.dumps(card).encode())
    bucket.puts.clear()
    done = run_avtool("prepare", tones, "--out", out, "-q", "--overwrite")
    assert done.code == 0, done.stderr
    names = {name.partition("/data/")[2] for name in Bucket().find(out)}
    assert "notes.txt" in names, "files of others stay"
    assert "labels/old.csv" not in names, "those of the artifact that was replaced do not"
    other = run_avtool("stats", out, "--no-fbank", "-q")
    assert other.code == 0
    Bucket().pipe_file("s3://bucket/films/film.mkv", b"film")
    foreign = run_avtool("prepare", tones, "--out", "s3://bucket/films", "-q", "--overwrite")
    assert foreign.code == 2
    assert "is not an avtool artifact" in foreign.stderr


def test_an_interrupted_upload_is_resumed(bucket, cache, tones, tmp_path, monkeypatch):
    import avtool.core.stored_output as module

    monkeypatch.setattr(module, "_TOGETHER", 1)
    out, command = "s3://bucket/data", ("prepare", tones, "-q", "--json", "--out")
    bucket.fails_after = 2
    broken = run_avtool(*command, out)
    assert broken.code == 2
    assert broken.stderr.count("\n") == 2
    assert "the connection was closed" in broken.stderr
    assert "repeat the command to send what was made" in broken.stderr
    assert broken.stdout == ""
    assert run_avtool("stats", out, "-q").code == 2, "no card: no artifact yet"
    sent, bucket.fails_after = list(bucket.puts), None
    assert len(sent) == 2
    monkeypatch.setattr("avtool.data.prepare.dataset.prepare", None)  # it is not called again
    done = run_avtool(*command, out)
    assert done.code == 0, done.stderr
    assert done.json["out"] == out
    assert len(bucket.puts) == len(set(bucket.puts)), "no file is sent twice"
    assert verify(fetched(out, tmp_path / "copy")) == []
    assert not staged(cache)


def test_what_cannot_be_written_is_refused_before_the_work(bucket, cache, tones, tmp_path, monkeypatch):
    bucket.no_credentials = True
    monkeypatch.setattr("avtool.data.prepare.dataset.prepare", None)
    refused = run_avtool("prepare", tones, "--out", "s3://me:secret@bucket/data", "-q")
    assert refused.code == 2
    assert refused.stderr == (
        "error: `s3://bucket/data` cannot be written: Unable to locate credentials\n"
        "hint: check the address, the credentials and the network\n"
    )
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(_registry, "s3")
    missing = run_avtool("prepare", tones, "--out", "s3://bucket/data", "-q")
    assert missing.code == 3
    assert "pip install s3fs" in missing.stderr
    unknown = run_avtool("prepare", tones, "--out", "ftp://host/data", "-q")
    assert unknown.code == 2
    assert "unknown protocol" in unknown.stderr
    assert not Path("ftp:").exists()


def test_a_command_that_fails_leaves_nothing(bucket, tmp_path):
    (tmp_path / "empty").mkdir()
    assert run_avtool("prepare", tmp_path / "empty", "--out", "s3://bucket/data", "-q").code == 2
    assert Bucket().find("s3://bucket") == []


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("s3://", "`s3://` names no place"),
        ("s3:///data", "`s3:///data` names no place"),
        ("memory://", "`memory://` names no place"),
        ("http://", "`http://` names no place"),
        ("file://", "`file://` names no place"),
        ("file:///", "`file:///` names no place"),
        ("file://of2/zz", "`file://of2/zz` is a file of another machine, `of2`"),
    ],
)
@pytest.mark.parametrize("flag", ["--out ", "--out="])
def test_an_address_without_a_place_is_refused_before_the_work(
    out, message, flag, bucket, tones, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("avtool.data.prepare.dataset.prepare", None)
    before = sorted(tmp_path.rglob("*"))
    refused = run_avtool("prepare", tones, *f"{flag}{out}".split(), "-q")
    assert refused.code == 2
    assert refused.stderr.splitlines()[0] == f"error: {message}"
    assert sorted(tmp_path.rglob("*")) == before
    assert not Path("/of2").exists()


def test_a_file_of_the_name_of_a_protocol_is_in_nobodys_way(bucket, tones, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("s3:").write_text("a stray file")
    done = run_avtool("prepare", tones, "--out", "s3://bucket/data", "-q")
    assert done.code == 0, done.stderr
    assert Bucket().exists("s3://bucket/data/artifact.json")


def test_a_mark_of_others_is_refused_and_left_alone(bucket, tones, monkeypatch):
    monkeypatch.setattr("avtool.data.prepare.dataset.prepare", None)
    for name, content in (
        ("data.unfinished", b"a poem"),
        ("data.unfinished", b"AVTOOL\n"),
        ("data/a.wav", b"mine"),
    ):
        Bucket().pipe_file(f"s3://bucket/{name}", content)
        refused = run_avtool("prepare", tones, "--out", "s3://bucket/data", "--overwrite", "-q")
        assert refused.code == 2
        assert refused.stderr.splitlines()[0] == (
            "error: `s3://bucket/data.unfinished` exists and is not avtool's"
        )
        assert Bucket().cat_file(f"s3://bucket/{name}") == content
    Bucket().rm_file("s3://bucket/data.unfinished")
    Bucket().pipe_file("s3://bucket/data.unfinished/a.wav", b"mine")
    assert run_avtool("prepare", tones, "--out", "s3://bucket/data", "-q").code == 2
    assert Bucket().cat_file("s3://bucket/data.unfinished/a.wav") == b"mine"


def test_another_kind_of_artifact_is_found_before_the_work(bucket, cache, tones):
    data = "s3://bucket/data"
    assert run_avtool("prepare", tones, "--out", data, "-q").code == 0
    card = json.loads(Bucket().cat_file(f"{data}/artifact.json"))
    for changed, code, message in (
        (json.dumps(card | {"kind": "report"}), 2, "`s3://bucket/data` is a report artifact, and no dataset"),
        ("[]", 4, "`s3://bucket/data/artifact.json` does not hold an object"),
    ):
        Bucket().pipe_file(f"{data}/artifact.json", changed.encode())
        refused = run_avtool("prepare", tones, "--out", data, "-q", "--overwrite")
        assert refused.code == code
        assert refused.stderr.splitlines()[0] == f"error: {message}"
        assert not staged(cache), "nothing was made"
        assert Bucket().cat_file(f"{data}/artifact.json") == changed.encode()
        assert not Bucket().exists(f"{data}.unfinished")


def test_an_artifact_that_lacks_a_file_or_has_a_bad_card_is_damaged(bucket, cache, tones):
    data = "s3://bucket/data"
    assert run_avtool("prepare", tones, "--out", data, "-q").code == 0
    Bucket().rm_file(f"{data}/labels/classes.csv")
    damaged = run_avtool("stats", data, "-q")
    assert damaged.code == 4
    assert damaged.stderr.splitlines()[0] == (
        "error: `s3://bucket/data` lacks `labels/classes.csv`, which its card lists"
    )
    for card in (b"{", b"[]", b"{}"):
        Bucket().pipe_file(f"{data}/artifact.json", card)
        damaged = run_avtool("stats", data, "-q")
        assert damaged.code == 4
        assert "`s3://bucket/data" in damaged.stderr
        assert str(cache) not in damaged.stderr


@pytest.mark.parametrize("verb", ["finetune", "watch"])
def test_commands_that_write_step_by_step_take_no_address(verb, bucket, tmp_path):
    words = {
        "finetune": ("finetune", tmp_path, "--model", "cnn_tiny"),
        "watch": ("mine-subtitles", "--watch", tmp_path),
    }[verb]
    refused = run_avtool(*words, "--out", "s3://bucket/run", "-q")
    assert refused.code == 2
    assert "is an address, and this command writes to a folder" in refused.stderr
