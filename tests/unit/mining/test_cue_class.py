"""Cues by kind and in other taxonomies: the lexicon first, then a model that is given, and abstention."""

from collections.abc import Sequence

import pytest

from avtool.mining.cue_class import KINDS, CueClassifier, lexicon_class, review_rows
from avtool.mining.tagger import Tagger

TAGGER = Tagger()


class Model:
    """A stand-in for a language model: every text is an object, a long one surely; it notes its texts."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        self.seen += texts
        return [("object", 0.95 if len(text) > 12 else 0.4) for text in texts]


@pytest.mark.parametrize(
    ("cue", "kind"),
    [
        ("dog barking in distance", "animal"),
        ("man laughing", "human"),
        ("crowd cheering", "human"),
        ("door slams", "object"),
        ("birds chirping", "animal"),
        ("laughs", "human"),
        ("gunshot", "object"),
        ("captions paid for by the network", "non_event"),
        ("grunts", ""),
        ("dog barks and man shouts", ""),
    ],
)
def test_the_lexicon_decides_kinds_where_sources_agree(cue: str, kind: str) -> None:
    assert lexicon_class(TAGGER.tag(cue), KINDS) == kind


def test_another_taxonomy_is_matched_by_its_own_words() -> None:
    labels = ("slam", "vehicle", "weather")
    assert lexicon_class(TAGGER.tag("door slams"), labels) == "slam"
    assert lexicon_class(TAGGER.tag("truck honks"), labels) == "vehicle"
    assert lexicon_class(TAGGER.tag("car door slams"), ("slam", "door", "car door")) == ""
    assert lexicon_class(TAGGER.tag("wind howling"), labels) == ""


def test_the_model_gets_only_what_the_lexicon_leaves_and_abstains() -> None:
    model = Model()
    classify = CueClassifier(KINDS, model, 0.8, TAGGER)
    cues = ["[dog barking]", "♪ ♪", "...", "grunts", "GRUNTS", "zzorble frimbling loudly", ""]
    found = classify(cues)
    assert [one.method for one in found] == ["lexicon", "none", "none", "lm", "lm", "lm", "none"]
    assert [one.label for one in found] == [
        "animal", "non_event", "non_event", "unsure", "unsure", "object", "non_event",
    ]  # fmt: skip
    assert [one.needs_review for one in found] == [False, False, False, True, True, False, False]
    assert model.seen == ["grunts", "zzorble frimbling loudly"]
    rows = review_rows(cues, {"grunts": 3}, found)
    assert rows[0] == ("grunts", 3, "object", 0.4)


def test_without_unsure_an_abstention_is_empty_and_without_a_model_all_are() -> None:
    labels = ("human", "object", "animal")
    assert CueClassifier(labels, Model(), 0.8, TAGGER)(["grunts"])[0].label == ""
    alone = CueClassifier(KINDS, None, 0.0, TAGGER)(["door slams", "grunts"])
    assert [one.guess for one in alone] == ["object", ""]
