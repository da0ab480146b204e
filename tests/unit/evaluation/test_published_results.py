"""Published numbers are data with provenance."""

import pytest

from avtool.core.errors import BadInputError
from avtool.core.recipe import validate
from avtool.evaluation.published import BenchmarkFacts, PublishedResult, comparison

ROW = {
    "model": "AST",
    "inputs": "audio",
    "training": "SAM-S, from AudioSet",
    "metrics": {"mAP": 34.76},
    "source": "a repository",
    "standing": "repository",
}


def test_what_is_not_published_leaves_its_cell_empty() -> None:
    published = [PublishedResult.model_validate(ROW)]
    table = comparison("t", published, [("ours", "films", {"mAP": 12.345, "recall": 0.5})])
    assert table.columns == ["model", "trained on", "mAP", "recall", "standing"]
    assert table.rows[0] == ["ours", "films", 12.35, 0.5, "measured"]
    assert table.rows[1] == ["AST (audio)", "SAM-S, from AudioSet", 34.76, "", "repository"]


def test_notes_name_sources_and_standings() -> None:
    facts = BenchmarkFacts("SAM-S", published=(PublishedResult.model_validate(ROW),) * 2)
    standing, sources = facts.closing_notes()
    assert standing.endswith("repository = read in the authors' repository.")
    assert sources == "Sources: a repository."
    assert BenchmarkFacts("mine").closing_notes() == []


@pytest.mark.parametrize("changes", [{"standing": "rumour"}, {"inputs": "smell"}, {"source": ""}])
def test_a_row_without_provenance_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadInputError):
        validate(PublishedResult, ROW | changes, "a table")
