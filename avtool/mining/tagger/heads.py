"""The head of several sounds in one clause, and those that only describe it."""

from itertools import pairwise

from avtool.mining.tagger.part import Part


def settle_heads(parts: list[Part]) -> None:
    """Changes, in place, the role of every sound that belongs to another sound of the same clause."""
    sounds = [part for part in parts if part.role == "sound"]
    if len(sounds) > 1:
        for part in sounds:
            if part.lemma == "sound":  # "kissing sounds": the word adds nothing to another
                part.role = "drop"
    for left, right in pairwise([part for part in sounds if part.role == "sound"]):
        _subordinate(left, right)


def _subordinate(left: Part, right: Part) -> None:
    """Decides between two neighbours: "whistle blowing", "voice breaking", "wheezing laugh"."""
    is_verb = right.word.form in {"s", "ing", "ed"}
    if right.word.has("bearing") and is_verb:
        right.role = "drop"
    elif left.word.has("bearing"):
        left.role = "drop"
    elif right.lemma == "echo":
        right.role, right.lemma = "quality", "echoing"
    elif left.lemma == "voice" and right.word.has("voice sound"):
        left.role = "drop"
    elif left.word.has("noun") and is_verb:
        right.role = "quality"
    elif left.word.form in {"ing", "ed"} and not is_verb:
        left.role, left.lemma = "quality", left.word.text
