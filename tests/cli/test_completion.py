"""Shell completion of verbs, flags, models, recipes, their keys, and benchmarks; without torch."""

import json
import subprocess
import sys

import pytest

from avtool.core.paths import list_recipes
from avtool.models.registry import list_models
from tests.harness import AVTOOL, REPOSITORY, environment

LINES = {
    "avtool mine": ["mine-subtitles"],
    "avtool models show mbt_": list_models("mbt_*"),
    "avtool finetune clips --model ast_t": ["ast_tiny"],
    "avtool finetune clips --recipe finetune/esc50-cnn": ["finetune/esc50-cnn", "finetune/esc50-cnn-tiny"],
    "avtool finetune --recipe fine": [name for name in list_recipes() if name.startswith("finetune/")],
    "avtool finetune --set loop.ep": ["loop.epoch_samples=", "loop.epochs="],
    "avtool recipes show mine-": [name for name in list_recipes() if name.startswith("mine-")],
    "avtool eval --benchmark esc": ["esc10", "esc50"],
    "avtool eval --benchmark esc50 --enc": ["--encoder"],
    "avtool eval --benchmark nothing --enc": [],
    "avtool eval --protocol x --benchmark mine": ["mine.toml"],
    "avtool export runs/x --format t": ["timm", "torch-export", "transformers"],
}
IN_TURN = """
import contextlib, io, json, os, sys
from avtool.cli.main import app
found = {}
for line in json.loads(sys.argv[1]):
    words = line.split()
    os.environ |= {"_AVTOOL_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.suppress(SystemExit):
        app([], prog_name="avtool")
    found[line] = printed.getvalue().split()
heavy = ("torch", "timm", "transformers", "pandas", "sklearn")
found["heavy"] = [name for name in heavy if name in sys.modules]
print(json.dumps(found))
"""


def test_names_are_completed_and_torch_stays_unloaded(tmp_path) -> None:
    (tmp_path / "mine.toml").write_text("")
    done = subprocess.run(
        [sys.executable, "-c", IN_TURN, json.dumps(list(LINES))],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert found.pop("heavy") == []
    assert {line: sorted(names) for line, names in found.items()} == {
        line: sorted(names) for line, names in LINES.items()
    }


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell(shell: str) -> None:
    done = subprocess.run(
        AVTOOL, env={**environment(), "_AVTOOL_COMPLETE": f"source_{shell}"}, cwd=REPOSITORY,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "_AVTOOL_COMPLETE" in done.stdout
    assert f"complete_{shell}" in done.stdout
