"""The job of `avtool localize convert`: counts, messages, and what it never replaces."""

import pytest

from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder
from avtool.data.queries.table import read_queries
from avtool.jobs.localize.convert import ConvertRecipe, convert
from tests.unit.data.queries.annotations import mined, nlq, videos, write

SENTENCES = videos(nlq(("where is it", 3.0, 5.5), ("", 0, 0), ("what", 7, 7)), nlq(("who", 1, 2)))


def test_counts(tmp_path):
    path = write(tmp_path / "nlq_val.json", SENTENCES)
    recipe = ConvertRecipe(source="ego4d-nlq", media=tmp_path)
    result = convert(path, tmp_path / "queries.jsonl", recipe, reporter := Recorder())
    assert (result.rows, result.queries, result.films, result.segments) == (2, 2, 2, 3)
    assert (result.zero_length, result.outside, result.dropped, result.lost_media) == (1, 0, 0, 2)
    assert (result.kinds, result.splits) == ({"text": 2}, {"train": 1, "val": 1})
    assert result.skipped == {"queries without a sentence": 1}
    assert len(read_queries(result.out)) == 2
    shown = "\n".join((*reporter.warnings, *reporter.infos))
    assert "2 films are not in" in shown
    assert "1 segments (33.3 %) have no length and are dropped" in shown


def test_a_dataset_is_the_default(tmp_path):
    mined(tmp_path / "mined")
    result = convert(tmp_path / "mined", tmp_path / "queries.csv", ConvertRecipe(), Recorder())
    assert result.kinds == {"text": 3, "label": 4, "audio": 2}


def test_an_output_that_holds_something_else_is_kept(tmp_path):
    path = write(tmp_path / "nlq_val.json", SENTENCES)
    recipe = ConvertRecipe(source="ego4d-nlq")
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    with pytest.raises(BadInputError, match="exists"):
        convert(path, other, recipe, Recorder())
    with pytest.raises(BadInputError, match="holds no queries"):
        convert(path, other, recipe, Recorder(), overwrite=True)
    assert other.read_text() == "a,b\n1,2\n"
    out = tmp_path / "queries.jsonl"
    convert(path, out, recipe, Recorder())
    before = out.read_bytes()
    convert(path, out, recipe, Recorder(), overwrite=True)
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content", "recipe", "message"),
    [
        ("queries.txt", SENTENCES, {}, "no table of queries"),
        ("queries.csv", SENTENCES, {"media": "/nowhere"}, "is no folder"),
        ("queries.csv", videos(nlq(("", 0, 0), ("x", 2, 2))), {}, "1 queries without a sentence, 1 segments"),
    ],
)
def test_bad_input(tmp_path, name, content, recipe, message):
    path = write(tmp_path / "nlq_val.json", content)
    with pytest.raises(BadInputError, match=message):
        convert(path, tmp_path / name, ConvertRecipe(source="ego4d-nlq", **recipe), Recorder())
    assert not (tmp_path / name).exists()
