"""The tagger on real annotated tags: floors below which a change is a regression."""

from pathlib import Path

import pytest

from avtool.benchmarks.sams_tags.evaluate import SamsTagsResult, evaluate_tags
from avtool.mining.tagger import Tagger


@pytest.fixture(scope="module")
def result(test_data: Path) -> SamsTagsResult:
    folder = test_data / "sams"
    return evaluate_tags(folder / "tags_dev.csv", folder / "lemmas_dev.csv")


def test_most_tags_are_read_as_people_labelled_them(result: SamsTagsResult) -> None:
    assert result.tagger.tags == 918
    assert result.tagger.exact >= 0.955
    assert result.tagger.exact_events >= 0.97


@pytest.mark.parametrize(("dimension", "floor"), [("sound", 0.98), ("source", 0.98), ("quality", 0.95)])
def test_each_dimension_has_its_floor(result: SamsTagsResult, dimension: str, floor: float) -> None:
    assert result.tagger.dimensions[dimension].f1 >= floor
    assert result.tagger.macro_f1[dimension] >= floor


def test_events_are_told_from_speaker_labels(result: SamsTagsResult) -> None:
    assert result.tagger.event.f1 >= 0.985


def test_the_tagger_beats_labelling_by_known_words(result: SamsTagsResult) -> None:
    ours = result.held_out["tagger"].exact
    assert ours >= result.held_out["contiguous match"].exact + 0.25
    assert ours >= result.held_out["longest match"].exact + 0.25


def test_the_sound_classes_are_labels_of_the_tagger(test_data: Path) -> None:
    import csv

    with (test_data / "sams" / "movie_sounds.csv").open(encoding="utf-8") as stream:
        classes = [row["label"] for row in csv.DictReader(stream)]
    tagger = Tagger()
    others = [label for label in classes if tagger.tag(label).sounds != (label,)]
    assert others == ["scrap", "play"]  # scraping is "scrape" here; "play" needs a player
