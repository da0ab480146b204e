"""`avtool recipes copy`: a copy works wherever it lies, and means what its original means."""

import re
from pathlib import Path

import pytest

from avtool.core.paths import find_recipe, list_recipes
from avtool.core.recipe import read_recipe_file
from tests.harness import run_avtool


@pytest.mark.parametrize("name", list_recipes())
def test_every_shipped_recipe_can_be_copied(name: str, tmp_path: Path) -> None:
    copied = tmp_path / "elsewhere" / "mine.toml"
    done = run_avtool("recipes", "copy", name, copied)
    assert done.code == 0, done.stderr
    checked = run_avtool("recipes", "check", copied, "--json")
    assert checked.code == 0, checked.stderr
    settings = [run_avtool("recipes", "show", one, "--json").json["settings"] for one in (name, copied)]
    assert settings[0] == settings[1]
    again = tmp_path / "again.toml"  # a copy of a copy
    assert run_avtool("recipes", "copy", copied, again).code == 0
    assert read_recipe_file(again) == read_recipe_file(copied)


def test_a_copy_of_ones_own_recipe_extends_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "base.toml").write_text('command = "finetune"\n[loop]\nepochs = 3\n')
    (tmp_path / "a" / "mine.toml").write_text("extends = 'base.toml'\n[loop]\nbatch_size = 2\n")
    copied = tmp_path / "b" / "c" / "copy.toml"
    assert run_avtool("recipes", "copy", tmp_path / "a" / "mine.toml", copied).code == 0
    assert read_recipe_file(copied) == {"command": "finetune", "loop": {"epochs": 3, "batch_size": 2}}


def test_a_recipe_may_extend_a_shipped_one_by_its_name(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('extends = "pretrain/audio-mae-tiny"\n[loop]\nepochs = 2\n')
    found = run_avtool("recipes", "show", mine, "--json").json
    assert found["command"] == "pretrain audio-mae"
    assert found["settings"]["loop"]["epochs"] == 2
    assert found["settings"]["data"]["seconds"] == 2.0


def test_a_copy_needs_the_suffix_that_recipes_are_found_by(tmp_path: Path) -> None:
    done = run_avtool("recipes", "copy", "finetune/mbt-tiny", tmp_path / "mine")
    assert done.code == 2
    assert "mine.toml" in done.stderr
    (tmp_path / "broken.toml").write_text('extends = "no/such"\n')
    assert run_avtool("recipes", "check", tmp_path / "broken.toml").code == 2


@pytest.mark.parametrize("name", list_recipes())
def test_a_recipe_of_a_published_system_names_its_source_and_standing(name: str) -> None:
    comments = [line for line in find_recipe(name).read_text().splitlines() if line.startswith("#")]
    if "et al" in comments[0] or "published" in comments[0]:
        (source,) = [line for line in comments if line.startswith("# Source: ")]
        assert re.search(r"\(standing: (repository|paper|ours)", source)
