"""The zoo's catalogue: its schema, the provenance of its figures, its taxonomy, and rows of the user."""

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from avtool.core.errors import BadInputError
from avtool.models.zoo.catalogue import (
    SHIPPED,
    Selection,
    add_rows,
    all_rows,
    find_row,
    macs_of,
    need_builder,
    params_of,
    read_rows,
    shipped_rows,
    to_csv,
    tree,
    tree_lines,
)
from avtool.models.zoo.row import COLUMNS, Figure, Row

OF_LIBRARIES = [row for row in shipped_rows() if row.library in {"timm", "transformers", "torchvision"}]


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_catalogue_is_whole() -> None:
    with SHIPPED.open(encoding="utf-8", newline="") as stream:
        header = next(csv.reader(stream))
    assert tuple(header) == COLUMNS
    tasks = Counter(row.task for row in shipped_rows())
    assert tasks == {"classification": 225, "detection": 65, "segmentation": 35}
    assert len({row.key for row in shipped_rows()}) == len(shipped_rows()) == 325
    assert Counter(row.library for row in OF_LIBRARIES) == {"timm": 149, "transformers": 50, "torchvision": 1}


def test_every_figure_has_a_source_and_every_score_a_metric() -> None:
    for row in shipped_rows():
        for figure in (row.params_m, row.macs_g, row.score):
            assert figure is None or figure.source.partition(":")[0] in {"paper", "card", "memory"}, row.name
        assert (row.score is None) == (row.metric == ""), row.name


@pytest.mark.parametrize("row", OF_LIBRARIES, ids=lambda row: row.key)
def test_a_figure_that_disagrees_has_its_reason(row: Row) -> None:
    assert row.size is not None
    assert row.params_m_measured is not None
    pairs = (row.params_m, row.params_m_measured), (row.macs_g, row.macs_g_measured)
    agree = [figure.agrees(counted) for figure, counted in pairs if figure and counted]
    assert all(agree) or row.reason


def test_agreement_by_tolerance_and_by_rounding() -> None:
    figures = [row for row in OF_LIBRARIES if row.params_m and row.params_m_measured]
    macs = [row for row in OF_LIBRARIES if row.macs_g and row.macs_g_measured]
    assert (len(figures), len(macs)) == (200, 182)
    assert sum(row.params_m.agrees(row.params_m_measured) for row in figures) >= 192
    assert sum(row.macs_g.agrees(row.macs_g_measured) for row in macs) >= 150


@pytest.mark.parametrize(
    ("printed", "counted", "rounds"),
    [
        ("4.5", 4.5499, True),
        ("4.5", 4.56, False),
        ("6", 5.71, True),
        ("0.256", 0.2566, False),
        ("12", 12.51, False),
    ],
)
def test_half_a_unit_of_the_last_printed_digit(printed: str, counted: float, rounds: bool) -> None:
    from decimal import Decimal

    assert Figure(Decimal(printed), "paper").rounds(counted) is rounds


def test_rows_are_found_by_name_and_key() -> None:
    for row in shipped_rows():
        assert find_row(row.name) is row
        assert find_row(row.key) is row
    assert find_row("ConViT-Ti+").key == "convit-ti-plus"
    with pytest.raises(BadInputError, match="no row of the zoo is called `swim-t`") as caught:
        find_row("swim-t")
    assert "`swin-t`" in caught.value.hint
    assert caught.value.hint.count("`") == 8  # three names, and the listing
    assert "avtool zoo list --built" in caught.value.hint


def test_a_row_without_a_builder_offers_a_relative() -> None:
    with pytest.raises(BadInputError, match="no builder") as caught:
        need_builder(find_row("focal-t"))
    relative = find_row(caught.value.hint.split("`")[1])
    assert relative.is_built
    assert relative.heading == "Transformer with Local Attention"


def test_the_taxonomy_holds_every_row_once() -> None:
    branches = tree(shipped_rows())
    assert next(iter(branches)) == "Original Visual Transformer"
    assert len(branches) == 13
    assert sum(len(rows) for groups in branches.values() for rows in groups.values()) == 325
    lines = list(tree_lines(shipped_rows(), with_rows=True))
    assert "8 of  10 built" in lines[0]
    assert len(lines) == 13 + sum(map(len, branches.values())) + 325


def test_selection() -> None:
    rows = shipped_rows()
    small = Selection("classification", "hierarch", True, max_params=10, max_macs=1, order="score").select(
        rows
    )
    assert [row.key for row in small[:2]] == ["levit-128", "levit-128s"]
    for row in small:
        assert row.is_built
        assert row.heading == "Hierarchical Transformer"
        assert (params_of(row) or 99) <= 10
        assert (macs_of(row) or 99) <= 1
    assert [row.year for row in Selection(order="year").select(rows)][:1] == [2019]
    names = [row.name.casefold() for row in Selection(order="name").select(rows)]
    assert names == sorted(names)
    with pytest.raises(BadInputError, match="no family `hierachical`"):
        Selection(family="hierachical").select(rows)


def test_a_catalogue_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text(to_csv(shipped_rows()), encoding="utf-8")
    assert tuple(read_rows(path)) == shipped_rows()
    assert path.read_bytes() == SHIPPED.read_bytes()


def test_json_has_numbers_and_null() -> None:
    values = json.loads(json.dumps(find_row("swin-t").to_json()))
    assert values["params_m"] == 28
    assert values["params_source"] == "card: official README"
    assert find_row("ViT_C-1GF").to_json()["score"] is None


def test_rows_of_the_user_are_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVTOOL_DATA", str(tmp_path / "data"))
    mine = write(
        tmp_path / "mine.csv",
        "name,year,library,builder,params_m",
        "My ViT,2025,timm,vit_tiny_patch16_224,5.7",
    )
    (added,) = add_rows(mine)
    assert added.params_m is not None
    assert added.params_m.source == "user: mine.csv"
    more = write(tmp_path / "more.csv", "task,name", "detection,Another")
    add_rows(more)
    assert [row.name for row in all_rows()[325:]] == ["My ViT", "Another"]
    assert find_row("my-vit") == added
    with pytest.raises(BadInputError, match=r"line 2, column `name`: `My ViT` is in"):
        add_rows(mine)
    assert len(all_rows()) == 327


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["nom,year", "x,2020"], "no column is called `nom`"),
        (["year", "2020"], "no column `name`"),
        (["name,name", "a,b"], "a column comes twice"),
        (["name", "Swin-T"], "line 2, column `name`: `Swin-T` is in `catalogue.csv` already"),
        (["name", "swin t"], "`swin t` is in `catalogue.csv`"),
        (["name", "a", "A"], "line 3, column `name`: `A` is in"),
        (["name,task", "a,classifying"], "line 2 (`a`), column `task`: `classifying` is none of"),
        (["name,library,builder", "a,keras,x"], "column `library`: `keras` is none of timm"),
        (["name,params_m", "a,5M"], "column `params_m`: `5M` is no positive number"),
        (["name,macs_g", "a,-1"], "column `macs_g`: `-1` is no positive number"),
        (["name,score", "a,nan"], "column `score`: `nan` is no positive number"),
        (["name,year", "a,MMXX"], "column `year`: `MMXX` is no year"),
        (["name,image_size", "a,224px"], "column `image_size`: `224px` is no SIDE"),
        (["name,params_m,params_source", "a,5,hearsay"], "column `params_source`: `hearsay` is no source"),
        (["name,builder", "a,vit"], "column `library`: `` is empty, and `builder` is not"),
        (["name,library", "a,timm"], "column `builder`: `` is empty, and `library` is not"),
        (["name,library,builder", 'a,timm,"vit|{x"'], "column `builder`: `{x` is no JSON"),
        (["name,year", "a"], "1 cells under 2 columns"),
        (["name", "a", "b,c"], "2 cells under 1 columns"),
        (["name,year", ",2020"], "column `name`: `` is empty"),
    ],
)
def test_bad_rows_are_named(
    lines: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVTOOL_DATA", str(tmp_path / "data"))
    with pytest.raises(BadInputError, match=re.escape(message)):
        add_rows(write(tmp_path / "bad.csv", *lines))
    assert not (tmp_path / "data").exists()


def test_files_that_are_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read"):
        read_rows(tmp_path / "absent.csv")
    (tmp_path / "latin.csv").write_bytes(b"name\n\xe9\n")
    with pytest.raises(BadInputError, match="not in UTF-8"):
        read_rows(tmp_path / "latin.csv")
