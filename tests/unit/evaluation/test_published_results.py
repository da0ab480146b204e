"""Published numbers are data with provenance."""

from pathlib import Path

import pytest

import avtool.evaluation.published_results as module
from avtool.evaluation.published_results import STANDINGS, comparison, provenance_notes, published_results

NAMES = sorted(path.stem for path in (Path(module.__file__).parent / "published").glob("*.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_every_number_says_where_it_was_read(name: str) -> None:
    rows = published_results(name)
    assert rows
    for row in rows:
        assert row.standing in STANDINGS
        assert row.source
        assert row.inputs in {"audio", "video", "audio + video", "image"}
        assert all(0 < value <= 100 for value in row.metrics.values())


def test_the_best_known_numbers() -> None:
    found = {(row.model, row.inputs, row.training): row.metrics for row in published_results("audioset")}
    assert found["MBT-B", "audio + video", "AS-500K, from ImageNet-21k"] == {"mAP": 52.3}
    assert {row.model: row.metrics["accuracy"] for row in published_results("esc-10")}[
        "human listeners"
    ] == 95.7


def test_what_is_not_published_leaves_its_cell_empty() -> None:
    table = comparison("t", "sam-s", [("ours", "films", {"mAP": 12.345, "recall": 0.5})])
    assert table.columns == ["model", "learned from", "mAP", "recall", "standing"]
    assert table.rows[0] == ["ours", "films", 12.35, 0.5, "measured"]
    assert table.rows[2] == ["AST (audio)", "SAM-S, from AudioSet", 34.76, "", "repository"]


def test_an_unknown_benchmark_has_nothing_published() -> None:
    assert published_results("no-such") == ()
    assert provenance_notes("no-such") == []
