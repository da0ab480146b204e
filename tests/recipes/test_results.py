"""Every row of `recipes/results.csv`: the command, run as a user would, gives the number written there."""

import csv
import shlex
from functools import reduce
from pathlib import Path

import pytest

from avtool.core.paths import find_recipe
from tests.annotated_images import write_annotated
from tests.captioned_films import write_captioned
from tests.harness import run_avtool_apart
from tests.layouts import make_kitchen
from tests.prompt_hosts import find_towers
from tests.queried_films import write_queried

RECIPES = Path(__file__).resolve().parents[2] / "recipes"


def read_rows() -> list:
    with (RECIPES / "results.csv").open(encoding="utf-8", newline="") as stream:
        return [
            pytest.param(row, id=row["recipe"], marks=[pytest.mark.slow] if row["slow"] == "yes" else [])
            for row in csv.DictReader(stream)
        ]


@pytest.mark.parametrize("row", read_rows())
def test_a_recipe_gives_its_number(row: dict[str, str], test_data: Path, tmp_path: Path) -> None:
    find_recipe(row["recipe"])
    places = {"data": test_data, "out": tmp_path}
    if "{towers}" in row["command"]:  # a host of prompt tuning, made of weights that need not be here
        places["towers"] = find_towers(test_data, tmp_path / "towers")
    if "{kitchen}" in row["command"]:
        places["kitchen"] = make_kitchen(tmp_path / "kitchen")
    if "{captioned}" in row["command"]:
        places["captioned"] = write_captioned(tmp_path / "captioned").parent
    if "{queried}" in row["command"]:
        places["queried"] = write_queried(tmp_path / "queried").parent
    if "{annotated}" in row["command"]:
        places["annotated"] = write_annotated(tmp_path / "annotated", val=True, masks=True)
    found: dict = {}
    for command in row["command"].split(" && "):
        found = run_line(command.format(**places), tmp_path)
    value = reduce(lambda values, key: values[key], row["metric"].split("."), found)
    assert value == pytest.approx(float(row["expected"]), abs=float(row["tolerance"]))


def run_line(command: str, folder: Path) -> dict:
    """Runs one `avtool` command line and reads the JSON that it prints."""
    done = run_avtool_apart(*shlex.split(command), "--json", "--no-progress", "-q", timeout=3600, cwd=folder)
    assert done.code == 0, done.stderr
    return done.json
