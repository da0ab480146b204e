"""The command line's frame: speed, exit codes, one-line errors, what goes to stdout."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from avtool.cli.main import run
from avtool.cli.verbs import VERBS
from tests.harness import AVTOOL


def avtool(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*AVTOOL, *arguments], capture_output=True, text=True, timeout=60, check=False, **options
    )


def test_help_shows_every_verb():
    text = avtool("--help").stdout
    assert all(f"  {verb} " in text for verb in VERBS)


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["doctr"], "no such command 'doctr'. Did you mean 'doctor'?", "`avtool --help` shows how"),
        (
            ["doctor", "--jsn"],
            "no such option: --jsn (Possible options: --json)",
            "`avtool doctor --help` shows how",
        ),
        (["-q", "doctor"], "no such option: -q", "write it after the command: avtool COMMAND -q"),
        (["recipes", "show", "xyz"], "no recipe is called `xyz`", "`avtool recipes list` shows them all"),
        (["show", "nowhere"], "`nowhere` does not exist", None),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments, error, hint, tmp_path):
    done = avtool(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [f"error: {error}"] + ([f"hint: {hint}"] if hint else [])


def test_json_is_one_object_on_stdout_with_the_schema_version_first():
    done = avtool("recipes", "list", "--json")
    assert done.returncode == 0
    assert next(iter(json.loads(done.stdout))) == "schema_version"
    assert done.stdout.count("\n") == 1


def test_every_shipped_recipe_is_valid():
    names = json.loads(avtool("recipes", "list", "--json").stdout)["recipes"]
    assert names
    for name in names:
        assert run(["recipes", "check", name, "-q"]) == 0


def test_recipes_can_be_copied_once(tmp_path):
    target = tmp_path / "mine.toml"
    assert run(["recipes", "copy", "mine-subtitles/fast", str(target)]) == 0
    assert target.read_text().startswith("#")
    assert run(["recipes", "copy", "mine-subtitles/fast", str(target)]) == 2


@pytest.mark.parametrize("command", ["recipes list", "models list --json", "zoo tree", "--help"])
def test_a_closed_pipe_ends_quietly_with_141(command):
    process = subprocess.Popen([*AVTOOL, *command.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.wait(timeout=60) == 141
    assert process.stderr.read() == b""
    process.stderr.close()


def test_an_internal_error_is_one_line_and_leaves_a_log(cache, monkeypatch, capsys):
    monkeypatch.setattr("avtool.core.paths.list_recipes", lambda: 1 / 0)
    assert run(["recipes", "list"]) == 70
    error = capsys.readouterr().err
    assert error.startswith("error: internal error: ZeroDivisionError")
    assert "Traceback" not in error
    assert "ZeroDivisionError" in (cache / "last-crash.log").read_text()


def test_debug_shows_the_traceback(cache, monkeypatch, capsys):
    monkeypatch.setattr("avtool.core.paths.list_recipes", lambda: 1 / 0)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    assert run(["recipes", "list", "--debug"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_shell_completion_offers_the_verbs():
    environment = {
        **os.environ,
        "_AVTOOL_COMPLETE": "complete_bash",
        "COMP_WORDS": "avtool mi",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [str(Path(sys.executable).parent / "avtool")],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert "mine-subtitles" in done.stdout


def test_the_cache_is_pruned_by_age(cache, monkeypatch, capsys):
    for name, age in (("old", 90), ("new", 1)):
        (cache / name).write_text("x" * 10)
        when = (cache / name).stat().st_mtime - age * 86400
        os.utime(cache / name, (when, when))
    assert run(["cache", "prune", "--older-than", "30"]) == 0
    assert [path.name for path in cache.iterdir()] == ["new"]
