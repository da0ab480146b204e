import pytest

from avtool.mining.tagger import Tagger, load_lexicon
from avtool.mining.tagger.ocr import repair

LEXICON = load_lexicon()


@pytest.mark.parametrize(
    ("damaged", "repaired"),
    [
        ("snarllng", "snarling"),
        ("klds glggllng", "kids giggling"),
        ("iaughs", "laughs"),
        ("|aughs", "laughs"),
        ("bel|s chiming", "bells chiming"),
        ("vvheezing", "wheezing"),
        ("vvolf hovvls", "wolf howls"),
        ("soueaking", "squeaking"),
        ("qrowls", "growls"),
        ("hurnming", "humming"),
        ("c0ughs", "coughs"),
        ("chati'ers", "chatters"),
        ("spu'i'i'ering", "sputtering"),
        ("gun clat'i'ers", "gun clatters"),
        ("grun'i'ing", "grunting"),
        ("app lause", "applause"),
        ("wh impering", "whimpering"),
        ("mus ic playing", "music playing"),
    ],
)
def test_damage_is_repaired(damaged: str, repaired: str) -> None:
    assert repair(damaged, LEXICON) == repaired


@pytest.mark.parametrize(
    "text", ["dog barks", "milo laughs", "lila grunts", "obi-wan", "car door", "hilda sighs"]
)
def test_what_is_a_word_or_a_name_is_kept(text: str) -> None:
    assert repair(text, LEXICON) == text


def test_a_repair_is_told_and_less_sure(tagger: Tagger) -> None:
    sound, damaged = tagger.tag("snarling"), tagger.tag("snarllng")
    assert damaged.sounds == sound.sounds
    assert damaged.rule == f"{sound.rule}+ocr"
    assert damaged.confidence < sound.confidence
