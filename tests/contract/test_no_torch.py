"""Importing avtool, its help pages and its listings leave torch, and all else that is heavy, unloaded."""

import json
import subprocess
import sys

import pytest

from avtool.cli.command import SCHEMAS
from avtool.cli.verbs import VERBS

HEAVY = ("torch", "torchaudio", "torchvision", "timm", "transformers", "pandas", "sklearn", "matplotlib")
IMPORTS = [
    "import avtool",
    "import avtool.cli.main",
    "from avtool.models.registry import MODELS; MODELS.names()",
]
LISTINGS = [
    ["--help"],
    ["--version"],
    ["recipes", "list"],
    ["recipes", "show", "pretrain/audio-mae-tiny"],
    ["recipes", "check", "finetune/esc50-cnn"],
    ["models", "list"],
    ["eval", "--list"],
    ["cache", "list"],
    ["zoo", "list"],
    ["zoo", "show", "swin-t"],
    ["zoo", "tree"],
    *([*words.split(), "--help"] for words in {*VERBS, *SCHEMAS.names()}),
]
REPORT = f"; import sys; print([m for m in {(*HEAVY, 'scipy.signal')} if m in sys.modules], file=sys.stderr)"
IN_TURN = f"""
import json, sys
from avtool.cli.main import run
found, before = {{}}, set(sys.modules)
for words in json.loads(sys.argv[1]):
    assert run(words) == 0, words
    found[" ".join(words)] = [m for m in {(*HEAVY, "scipy.signal")} if m in set(sys.modules) - before]
    before = set(sys.modules)
print(json.dumps(found))
"""


def heavy_modules(code: str) -> str:
    """The heavy modules that are loaded after some code, as the last line that it writes."""
    command = [sys.executable, "-c", code + REPORT]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize("code", IMPORTS)
def test_imports_load_nothing_heavy(code: str) -> None:
    assert heavy_modules(code) == "[]"


@pytest.fixture(scope="module")
def loaded() -> dict[str, list[str]]:
    """The heavy modules that each listing adds, all of them in one process."""
    done = subprocess.run(
        [sys.executable, "-c", IN_TURN, json.dumps(LISTINGS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("arguments", sorted(LISTINGS), ids=" ".join)
def test_listings_load_nothing_heavy(loaded: dict[str, list[str]], arguments: list[str]) -> None:
    assert loaded[" ".join(arguments)] == []


def test_the_root_help_imports_no_verb() -> None:
    code = "from avtool.cli.main import run; run(['--help']); import sys; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not [verb for verb in VERBS if f"'avtool.cli.{verb.replace('-', '_')}'" in done.stdout]
