"""Inputs that were once read wrongly, or ended in an internal error, each with what is right."""

import csv
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from avtool.data.dataset import open_dataset
from avtool.data.manifest import Clip, read_manifest
from avtool.media.waveforms import read_waveform
from tests.harness import Result, run_avtool

CPU = ("--device", "cpu", "--no-progress")


@pytest.fixture(scope="module")
def faults(test_data: Path) -> Path:
    folder = test_data / "faults"
    if not folder.is_dir():
        pytest.skip("needs the folder `faults` in AVTOOL_TEST_DATA")
    return folder


def prepared(source: Path, out: Path, *options: object) -> tuple[Result, dict[str, Clip]]:
    result = run_avtool("prepare", source, "--out", out, *options)
    return result, {clip.clip_id: clip for clip in read_manifest(out)} if out.exists() else {}


def finetune(data: Path, out: Path, *options: object) -> Result:
    return run_avtool("finetune", data, "--model", "cnn_tiny", "--epochs", 1, "--out", out, *CPU, *options)


def nan_sample(source: Path, out: Path) -> None:
    result, clips = prepared(source, out / "data")
    assert result.code == 1
    assert "nan.wav` holds samples that are no finite numbers" in result.stderr
    assert set(clips) == {"a/0", "a/1", "b/0", "b/1"}
    found = run_avtool("stats", out / "data", "--json").json["fbank"]
    assert np.isfinite([found["mean"], found["std"]]).all()
    assert finetune(out / "data", out / "run").code == 0
    refused = run_avtool(
        "predict", source / "b" / "nan.wav", "--model", out / "run", "--out", out / "p", *CPU
    )
    assert refused.code == 2
    assert "no finite numbers" in refused.stderr


def wav_size_zero(source: Path, out: Path) -> None:
    result, clips = prepared(source, out / "data")
    assert (result.code, clips["b/streamed"].duration) == (0, 0.5)
    assert len(read_waveform(source / "b" / "streamed.wav", 0.0, 9.0)) == 8000
    assert run_avtool("stats", out / "data").code == 0
    assert finetune(out / "data", out / "run").code == 0


def same_name(source: Path, out: Path) -> None:
    result, clips = prepared(source / "list.csv", out / "data")
    assert result.code != 0
    assert "`1.wav` is in `cat/` and in `dog/`" in result.stderr
    assert {clip.labels for clip in clips.values()} == {("cat",)}


def urbansound8k(source: Path, out: Path) -> None:
    for number, path in enumerate((source, source / "metadata" / "UrbanSound8K.csv")):
        result, clips = prepared(path, out / str(number))
        assert result.code == 0
        assert {clip.labels for clip in clips.values()} == {("dog_bark",), ("siren",)}
        assert {clip.fold for clip in clips.values()} == {1, 2}
        assert {(clip.start, clip.end) for clip in clips.values()} == {(0.0, 0.5)}


def hf_audiofolder(source: Path, out: Path) -> None:
    result, clips = prepared(source, out / "data")
    assert result.code == 0
    assert {name: clip.labels for name, clip in clips.items()} == {"audio/a": ("dog",), "audio/b": ("cat",)}


def windows_paths(source: Path, out: Path) -> None:
    result, clips = prepared(source, out / "data")
    assert (result.code, len(clips)) == (0, 2)


def dotted_paths(source: Path, out: Path) -> None:
    result, clips = prepared(source, out / "data", "--media", source.parent / "root")
    assert (result.code, len(clips)) == (0, 1)


def end_beyond_file(source: Path, out: Path) -> None:
    result, _ = prepared(source, out / "data")
    assert result.code == 1
    assert "0.25 to 2 s of a file of 0.5 s" in result.stderr


def shards(source: Path, out: Path) -> None:
    plan = run_avtool("pretrain", "audio-mae", source, "--dry-run", "--json")
    assert (plan.code, plan.json["plan"]["train_clips"]) == (0, 3)
    assert open_dataset(source).column("labels") == [["dog"]] * 3
    assert run_avtool("stats", source).code == 0
    assert finetune(source, out / "run").code == 0
    for verb, model, name in (("predict", "--model", "p"), ("embed", "--encoder", "e.parquet")):
        assert run_avtool(verb, source, model, out / "run", "--out", out / name, *CPU).code == 0


def checkpoint(source: Path, out: Path) -> None:
    result, _ = prepared(source.parent / "data", out / "data")
    assert result.code == 0
    result = finetune(out / "data", out / "run", "--init", source)
    assert result.code == 0
    assert f"started from `{source}`" in result.stderr


CHECKS: dict[str, Callable[[Path, Path], None]] = {
    "20_nan_sample": nan_sample,
    "21_wav_size_zero": wav_size_zero,
    "22_same_name": same_name,
    "23_urbansound8k": urbansound8k,
    "24_hf_audiofolder": hf_audiofolder,
    "25_list_paths/windows.csv": windows_paths,
    "25_list_paths/dot.csv": dotted_paths,
    "26_end_beyond_file/list.csv": end_beyond_file,
    **{f"27_shards/{name}": shards for name in ("dots", "two_sounds", "apart", "macos")},
    **{
        f"28_checkpoints/{name}.pt": checkpoint
        for name in ("orig_mod", "module_orig_mod", "lightning", "model_state_dict", "with_args_namespace")
    },
}


def inputs_of(folder: Path) -> set[str]:
    """The inputs of the rows from 20 on; a row may name several files of one folder."""
    with (folder / "EXPECTED.tsv").open(newline="", encoding="utf-8") as stream:
        rows = [row["input"] for row in csv.DictReader(stream, delimiter="\t") if row["input"][:2] >= "20"]
    found = set()
    for row in rows:
        first, *others = row.split(", ")
        parent = first.rpartition("/")[0]
        found |= {first, *(f"{parent}/{name}" for name in others)}
    return found


def test_every_row_has_a_check(faults: Path) -> None:
    assert inputs_of(faults) == set(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_row(faults: Path, tmp_path: Path, name: str) -> None:
    CHECKS[name](faults / name, tmp_path)


def hostile(path: Path, out: Path) -> list[list[object]]:
    """The commands that read a hostile input."""
    if path.suffix == ".toml":
        return [["recipes", "check", path], ["finetune", out, "--recipe", path, "--out", out / "run"]]
    if path.suffix == ".txt":
        return [["fetch", path, "--out", out / "films"]]
    if path.suffix == ".csv":
        return [["prepare", path, "--out", out / "data"]]
    shutil.copytree(path.parent, out / "media" / "x", ignore=lambda _, names: set(names) - {path.name})
    return [["show", path], ["prepare", out / "media", "--out", out / "data"]]


@pytest.mark.parametrize(
    "name",
    [
        "255-channels.wav", "gif-8000.gif", "fetch-list.txt",
        *(f"csv/{name}.csv" for name in ("fold-5000-digits", "fold-too-big", "long-name")),
        *(f"recipes/{name}.toml" for name in ("bignum", "deep", "extends-dev-zero", "extends-nul")),
        "recipes/tiny-hop.toml",
    ],
)  # fmt: skip
def test_hostile_input_is_read_or_refused_in_one_line(faults: Path, tmp_path: Path, name: str) -> None:
    run_avtool("show", faults / "20_nan_sample" / "a" / "0.wav")  # imports are not its time
    for command in hostile(faults / "hostile" / name, tmp_path):
        begin = time.process_time()
        result = run_avtool(*command, "-q")
        assert time.process_time() - begin < 2
        assert result.code in {0, 1, 2, 3, 4}, result.stderr
        assert result.stderr.count("error:") <= 1
        assert "internal error" not in result.stderr + result.stdout
