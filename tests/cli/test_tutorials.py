"""The tutorials: every block that they mark as run in tests is run, in order, in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIALS = Path(__file__).parents[2] / "docs" / "tutorials"
BLOCK = re.compile(r"<!-- runs in tests -->\n```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHELL = 'avtool() { "$PYTHON" -m avtool "$@"; }; python() { "$PYTHON" "$@"; }\n'


def run_blocks(page: str, folder: Path) -> None:
    """Runs the marked blocks of a page; the first command that fails ends the test with its output."""
    blocks = BLOCK.findall((TUTORIALS / page).read_text(encoding="utf-8"))
    assert blocks
    for block in blocks:
        environment = {**os.environ, "PYTHON": sys.executable, "AVTOOL_CACHE_DIR": str(folder / "cache")}
        done = subprocess.run(
            ["bash", "-euc", SHELL + block],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"


def test_your_film(tmp_path: Path) -> None:  # with the next the ones that CI runs: nothing is trained
    run_blocks("your-film.md", tmp_path)


def test_captions_for_a_film(tmp_path: Path) -> None:
    run_blocks("captions-for-a-film.md", tmp_path)


@pytest.mark.slow
def test_find_in_a_film(tmp_path: Path) -> None:
    run_blocks("find-in-a-film.md", tmp_path)


@pytest.mark.slow
def test_add_your_own_model(tmp_path: Path) -> None:
    run_blocks("add-your-own-model.md", tmp_path)


@pytest.mark.slow
def test_films_to_classifier(tmp_path: Path) -> None:
    run_blocks("films-to-classifier.md", tmp_path)


@pytest.mark.slow
def test_pretrain_and_probe(tmp_path: Path, test_data: Path) -> None:
    (tmp_path / "ESC-10").symlink_to(test_data / "esc10")
    run_blocks("pretrain-and-probe.md", tmp_path)


def test_every_tutorial_is_run() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert all(f'"{page.name}"' in source for page in TUTORIALS.glob("*.md"))
