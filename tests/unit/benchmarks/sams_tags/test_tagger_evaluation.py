"""The evaluation on tables of annotated tags, on tables written here."""

import json
from pathlib import Path

import pytest

from avtool.benchmarks.sams_tags.evaluate import evaluate_tags
from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder

TAGS = """tag,sound,source,quality
wolf howling,howling,wolf,None
wolves howl,howl,wolf,None
owl hooting softly,hoot,owl,softly
both,None,None,None
crowd jeers,jeer,None,None
whooping and clapping,whoop;clap,None,None
"""
LEMMAS = """word,quality,sound,source
howling,,howl,
howl,,howl,
hoot,,hoot,
owl,,,owl
wolf,,,wolf
softly,softly,,
jeer,,jeer,
whoop,,whoop,
clap,,clap,
"""


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path]:
    tags, lemmas = tmp_path / "tags.csv", tmp_path / "lemmas.csv"
    tags.write_text(TAGS, encoding="utf-8")
    lemmas.write_text(LEMMAS, encoding="utf-8")
    return tags, lemmas


def test_scores_count_whole_tags_and_single_labels(tables: tuple[Path, Path]) -> None:
    scores = evaluate_tags(*tables).tagger
    assert scores.tags == 6
    assert scores.exact == pytest.approx(5 / 6)  # the table says that nobody jeers
    assert scores.exact_events == pytest.approx(4 / 5)
    assert scores.dimensions["sound"].f1 == 1
    assert scores.dimensions["source"].precision == pytest.approx(3 / 4)
    assert scores.dimensions["source"].recall == 1
    assert scores.event.f1 == 1


def test_errors_tell_both_readings_and_the_rule(tables: tuple[Path, Path]) -> None:
    (error,) = evaluate_tags(*tables).errors
    assert error.tag == "crowd jeers"
    assert error.gold == (("jeer",), (), ())
    assert error.ours == (("jeer",), ("crowd",), ())
    assert error.rule == "source+sound"


def test_without_a_lemma_table_the_dictionary_compares(tables: tuple[Path, Path]) -> None:
    assert len(evaluate_tags(tables[0], None).errors) == 1


def test_counts_weigh_the_tags(tables: tuple[Path, Path], tmp_path: Path) -> None:
    counts = tmp_path / "counts.csv"
    counts.write_text("tag,count\nwolf howling,9\ncrowd jeers,1\n", encoding="utf-8")
    result = evaluate_tags(*tables, counts=counts)
    assert result.weighted is not None
    assert result.weighted.exact == pytest.approx(0.9)
    assert evaluate_tags(*tables).weighted is None


def test_the_baselines_are_scored_on_the_same_half_as_the_tagger(tables: tuple[Path, Path]) -> None:
    held_out = evaluate_tags(*tables).held_out
    assert set(held_out) == {"tagger", "contiguous match", "longest match"}
    assert {scores.tags for scores in held_out.values()} == {3}


def test_a_floor_knows_only_the_words_of_the_other_half(tmp_path: Path) -> None:
    rows = [f"{animal} growling,growl,{animal},None" for animal in ("wolf", "bear", "lion", "tiger")]
    tags = tmp_path / "tags.csv"
    tags.write_text("\n".join(["tag,sound,source,quality", *rows]), encoding="utf-8")
    baseline = evaluate_tags(tags, None).held_out["contiguous match"]
    assert baseline.dimensions["sound"].recall == 1
    assert baseline.dimensions["source"].recall == 0


def test_the_split_is_seeded(tables: tuple[Path, Path]) -> None:
    assert evaluate_tags(*tables, seed=3) == evaluate_tags(*tables, seed=3)


def test_the_result_is_plain_json(tables: tuple[Path, Path]) -> None:
    reporter = Recorder()
    values = json.loads(json.dumps(evaluate_tags(*tables, reporter=reporter).to_dict(), allow_nan=False))
    assert values["tagger"]["tags"] == 6
    assert reporter.infos


def test_a_lexicon_file_takes_part(tables: tuple[Path, Path], tmp_path: Path) -> None:
    lexicon = tmp_path / "lexicon.toml"
    lexicon.write_text("[sound_aliases]\nhowl = 'wail'\n", encoding="utf-8")
    assert len(evaluate_tags(*tables, lexicon=lexicon).errors) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tag,sound,source\na,b,c\n", "lacks the column `quality`"),
        ("tag,sound,source,quality\n", "has no rows"),
        ("tag,sound,source,quality\nhiss,hiss,None,None\nhiss,hiss,None,None\n", r"twice \(lines 2 and 3\)"),
        ("tag,sound,source,quality\n,hiss,None,None\n", "empty tag in line 2"),
        ("tag,sound,source,quality\nhiss,hiss,None,None\nboo,boo,,nan\n", r"blank or NaN \(line 3\)"),
        ("tag,sound,source,quality\nhiss,hiss\nboo,boo,None,None\n", r"blank or NaN \(line 2\)"),
    ],
)
def test_a_bad_tag_table_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "tags.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError, match=message):
        evaluate_tags(path, None)


def test_other_bad_files_are_refused(tables: tuple[Path, Path], tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    with pytest.raises(BadInputError, match="cannot read"):
        evaluate_tags(tmp_path / "none.csv", None)
    bad.write_bytes(b"\xff\xfe\x00tag")
    with pytest.raises(BadInputError, match="not a UTF-8 CSV"):
        evaluate_tags(bad, None)
    bad.write_text("word,quality,sound,source\nhum,,hum,\nhum,,buzz,\n", encoding="utf-8")
    with pytest.raises(BadInputError, match="gives `hum` a second sound in line 3"):
        evaluate_tags(tables[0], bad)
    bad.write_text("tag,count\nhum,many\n", encoding="utf-8")
    with pytest.raises(BadInputError, match="no whole number in line 2"):
        evaluate_tags(tables[0], None, counts=bad)
