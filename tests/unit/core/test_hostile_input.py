"""Input from outside never ends in an internal error, and its work is bounded."""

import json
import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from avtool.cli import main
from avtool.core.errors import BadInputError
from avtool.core.files import csv_cell, csv_text, csv_value, without_passwords
from avtool.core.recipe import read_recipe_file
from avtool.core.reporter import Silent
from avtool.data.clip_audio import read_clip_audio
from avtool.data.inputs.settings import AudioSettings
from avtool.data.manifest import Clip, read_manifest, write_manifest
from avtool.data.media_files import Media
from avtool.media.audio_decode import iter_audio
from avtool.media.fetch.fetch import fetch
from avtool.media.fetch.recipe import FetchRecipe
from avtool.models.build import build_seeded
from tests.harness import (
    AVTOOL,
    REPOSITORY,
    call,
    make_manifest,
    run_avtool,
    run_avtool_apart,
    write_sine,
)


@pytest.mark.parametrize("channels", [3, 9, 64, 65, 255])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_audio_of_many_channels_is_their_mean(tmp_path: Path, channels: int, subtype: str) -> None:
    path = tmp_path / "many.wav"
    soundfile.write(path, np.full((800, channels), 0.5), 16000, subtype=subtype)
    samples = np.concatenate(list(iter_audio(path)))
    assert len(samples) == 800
    if channels > 8:  # fewer may have names, and weights
        np.testing.assert_allclose(samples / 32768, 0.5, atol=0.01)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = " + "[" * 100_000, "is not TOML"),
        ("a = " + "{a=" * 100_000, "is not TOML"),
        ("seed = " + "9" * 5000, "is not TOML"),
        ('extends = "/dev/zero"', "no regular file"),
        ('extends = "a\\u0000b"', "no file's name"),
        ('extends = "' + "a" * 300 + '.toml"', "cannot read recipe"),
        ('extends = "."', "no regular file"),
        ("extends = 3", "`extends` is 3"),
    ],
)
def test_recipes_without_bounds_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "r.toml").write_text(text)
    begin = time.monotonic()
    with pytest.raises(BadInputError, match=message):
        read_recipe_file(tmp_path / "r.toml")
    result = run_avtool("recipes", "check", tmp_path / "r.toml")
    assert (result.code, result.stderr.count("error:")) == (2, 1)
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize("key", ["hop_ms", "window_ms"])
@pytest.mark.parametrize("value", [1e-9, 0.0, -1.0, 1e9])
def test_spectrograms_have_a_step(key: str, value: float) -> None:
    with pytest.raises(ValueError, match=key):
        AudioSettings(**{key: value})


@pytest.mark.parametrize("value", ["1e-9", "0", "-1", "nan"])
@pytest.mark.parametrize("verb", [["predict", "--model"], ["embed", "--encoder"]])
def test_windows_have_a_step(tmp_path: Path, verb: list[str], value: str) -> None:
    sound = write_sine(tmp_path / "a.wav")
    assert call(verb[0], sound, verb[1], tmp_path, "--out", tmp_path / "o", f"--hop={value}") == 2


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ast_tiny", {"depth": 10**9}),
        ("ast_tiny", {"embed_dim": 10**12}),
        ("ast_tiny", {"embed_dim": 190_000, "num_heads": 1}),
        ("mae_vit_tiny", {"depth": 100_000}),
        ("cnn_tiny", {"widths": [10**9, 10**9]}),
        ("cnn_tiny", {"widths": [64] * 10**6}),
    ],
)
def test_absurd_networks_are_refused_before_they_are_built(name: str, arguments: dict) -> None:
    begin = time.monotonic()
    with pytest.raises(BadInputError):
        build_seeded(name, arguments, 0)
    assert time.monotonic() - begin < 60  # most of it the import of torch, where tests run in parallel


def test_a_clip_far_beyond_its_file_is_refused(tmp_path: Path) -> None:
    write_sine(tmp_path / "a.wav")
    manifest = make_manifest(tmp_path, [Clip("a", "a.wav", 0.0, 9e5)])
    with pytest.raises(BadInputError, match=r"ends 9\d+ s before its clip"):
        read_clip_audio(manifest, Media("a.wav", 0.0, 9e5))
    assert read_clip_audio(manifest, Media("a.wav", 0.0, 10.0)).shape == (160_000,)
    write_manifest(tmp_path, [Clip("a", "a.wav", 0.0, 1e12)])
    with pytest.raises(BadInputError, match="no time of a medium"):
        read_manifest(tmp_path / "manifest.parquet")


def test_a_damaged_table_in_an_artifact_is_one_line(tmp_path: Path) -> None:
    write_sine(tmp_path / "s" / "x" / "a.wav")
    assert call("prepare", tmp_path / "s", "--out", tmp_path / "data", "-q") == 0
    (tmp_path / "data" / "manifest.parquet").write_bytes(b"PAR1 nothing PAR1")
    for verb in (["show"], ["stats"]):
        result = run_avtool(*verb, tmp_path / "data")
        assert result.code == 4
        assert result.stderr.count("error:") == 1
    (tmp_path / "data" / "artifact.json").write_text("[" * 200_000)
    assert run_avtool("show", tmp_path / "data").code == 4


@pytest.mark.parametrize("name", ["a" * 300, "a\0b", "\udcff\udcfe", "..", "."])
@pytest.mark.parametrize("verb", ["prepare", "show", "stats", "mine-subtitles"])
def test_names_that_no_file_has_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, name: str
) -> None:
    (tmp_path / "empty" / "here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "empty" / "here")
    out = [] if verb in {"show", "stats"} else ["--out", "data"]
    for arguments in ([verb, name, *out], [verb, "x.wav", "--out", name] if out else [verb, name]):
        result = run_avtool(*arguments)
        assert result.code in {2, 4}, result.stderr
        assert "internal error" not in result.stderr


def test_files_with_names_that_are_not_in_utf8(tmp_path: Path) -> None:
    write_sine(tmp_path / "s" / "x" / "good.wav")
    bad = os.fsencode(tmp_path / "s" / "x") + b"/\xff\xfe.wav"
    with open(bad, "wb") as stream:  # noqa: PTH123 - a name of bytes
        stream.write((tmp_path / "s" / "x" / "good.wav").read_bytes())
    done = subprocess.run(
        [*AVTOOL, "prepare", str(tmp_path / "s"), "--out", str(tmp_path / "data"), "-q"],
        capture_output=True, cwd=REPOSITORY, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert b"not in UTF-8" in done.stderr
    assert [clip.clip_id for clip in read_manifest(tmp_path / "data")] == ["x/good"]


def test_one_bad_address_does_not_stop_the_others(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    bad = [
        "https://[::1",
        "http://a:b:c/",
        "http://h:99999/x",
        "http:///x",
        "ftp://h/x",
        f"http://{9000 * 'h'}",
    ]
    listed.write_text("\n".join([*bad, "http://127.0.0.1:9/v.mp4"]))
    result = run_avtool("fetch", listed, "--out", tmp_path / "out")
    assert result.code in {1, 3}, result.stderr
    assert "internal error" not in result.stderr
    assert "127.0.0.1:9" in result.stderr
    listed.write_text("\n".join(bad))
    with pytest.raises(BadInputError):
        fetch([str(listed)], tmp_path / "out", FetchRecipe(), Silent())


def test_the_crash_handler_cannot_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    class Unprintable(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise ValueError("\udcff")

    monkeypatch.setenv("AVTOOL_CACHE_DIR", str(tmp_path / "file"))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AVTOOL_DEBUG", "1")
    for error in (Unprintable(), RuntimeError("\udcff"), KeyError("x\n" * 5)):
        assert main._our_fault(error) == 70
        assert "internal error" in capsys.readouterr().err


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1+1", "-2+3", "@SUM(A1)", "\tx", "\rx", "\uff1d1+1", "=cmd|' /C calc'!A0", "-", "+"]
)
def test_formulas_are_escaped_in_tables_and_read_back(cell: str) -> None:
    assert csv_cell(cell) == f"'{cell}"
    assert csv_value(f"'{cell}") == cell
    assert csv_text(["label"], [[cell]]).splitlines()[1].lstrip('"').startswith("'")


@pytest.mark.parametrize("cell", ["-1.5", "+3", "1e-5", "-2E+7", "dog", "'quoted'", "a=b", "", 3, -1.5, None])
def test_what_is_no_formula_stays(cell: object) -> None:
    assert csv_cell(cell) == cell
    if isinstance(cell, str):
        assert csv_value(cell) == cell


def test_a_class_that_looks_like_a_formula_is_learned_and_read_back(tmp_path: Path) -> None:
    for label in ("=1+1", "dog"):
        write_sine(tmp_path / "s" / label / "a.wav")
    assert call("prepare", tmp_path / "s", "--out", tmp_path / "data", "-q") == 0
    assert "'=1+1" in (tmp_path / "data" / "labels" / "classes.csv").read_text()
    cpu = ("--model", "cnn_tiny", "--epochs", 1, "--device", "cpu", "-q")
    assert call("finetune", tmp_path / "data", *cpu, "--out", tmp_path / "run") == 0
    labels = json.loads((tmp_path / "run" / "model" / "preprocess.json").read_text())
    assert "=1+1" in json.dumps(labels)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://me:secret@h.org/a?b=c@d", "https://h.org/a?b=c@d"),
        ("ftp://me@h/x and s3://k:v@b/y", "ftp://h/x and s3://b/y"),
        ("https://a:p@ss@h/x", "https://h/x"),
        ("https://h.org/a@b", "https://h.org/a@b"),
        ("me@h.org", "me@h.org"),
    ],
)
def test_addresses_lose_their_passwords(text: str, expected: str) -> None:
    assert without_passwords(text) == expected


def test_many_problems_of_a_recipe_are_a_short_line(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text('command = "prepare"\n' + "\n".join(f"x{n} = 1" for n in range(20_000)))
    result = run_avtool("recipes", "check", tmp_path / "r.toml")
    assert result.code == 2
    assert "and 19980 more" in result.stderr
    assert len(result.stderr) < 3000


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "film.mkv")
    result = run_avtool_apart("show", tmp_path / "film.mkv", timeout=30)
    assert (result.code, "is no regular file" in result.stderr) == (2, True)


def test_an_endless_word_of_a_tag_costs_no_time() -> None:
    begin = time.monotonic()
    assert run_avtool("tag", "x" * 500_000).code == 0
    assert time.monotonic() - begin < 5
