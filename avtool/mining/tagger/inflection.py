"""English verb forms and noun plurals by rule: the lexicon lists plain forms only.

The rules may give a form too many ("visiting" and "visitting"): to understand a misspelling does no harm.
"""

from collections.abc import Iterator
from typing import Literal

VerbForm = Literal["base", "s", "ing", "ed"]
_VOWELS = "aeiou"
_SIBILANT_ENDS = ("s", "x", "z", "ch", "sh")


def _doubles(verb: str) -> bool:
    """Whether the last consonant may double: "hum" → "humming", "rev" → "revving"."""
    return (
        len(verb) >= 3
        and verb[-1] not in _VOWELS + "wxyh"
        and verb[-2] in _VOWELS
        and verb[-3] not in _VOWELS.replace("u", "")  # "qu" counts as a consonant: "quit" → "quitting"
    )


def third_person(verb: str) -> str:
    """The -s form of a verb, which is also the regular plural of a noun."""
    if verb.endswith(_SIBILANT_ENDS) or (verb.endswith("o") and verb[-2:-1] not in _VOWELS):
        return verb + "es"
    if verb.endswith("y") and verb[-2:-1] not in _VOWELS:
        return verb[:-1] + "ies"
    return verb + "s"


def _stems(verb: str) -> Iterator[tuple[str, str]]:
    """(what "-ing" is put to, what "-ed" is put to), most regular first."""
    if verb.endswith("ie"):
        yield verb[:-2] + "y", verb[:-1]
    elif verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        yield verb[:-1], verb[:-1]
    elif verb.endswith("ee"):
        yield verb, verb[:-1]
    elif verb.endswith("y") and verb[-2:-1] not in _VOWELS:
        yield verb, verb[:-1] + "i"
    else:
        yield verb, verb
        if _doubles(verb):
            yield verb + verb[-1], verb + verb[-1]


def verb_forms(phrase: str) -> Iterator[tuple[str, VerbForm]]:
    """Every form of a verb; in a phrase ("turn over") the first word is inflected."""
    verb, _, rest = phrase.partition(" ")
    tail = f" {rest}" if rest else ""
    yield phrase, "base"
    yield third_person(verb) + tail, "s"
    if verb.endswith(("y", "o")):
        yield verb + "s" + tail, "s"
    for ing, past in _stems(verb):
        yield f"{ing}ing{tail}", "ing"
        yield f"{past}ed{tail}", "ed"


def form_of(surface: str) -> VerbForm:
    """The form that the ending of an irregular verb form shows."""
    word = surface.partition(" ")[0]
    if word.endswith("ing"):
        return "ing"
    return "s" if word.endswith("s") else "ed"


def plurals(noun: str) -> Iterator[str]:
    """The regular plurals of a noun or compound, whose last word is inflected."""
    yield third_person(noun)
    if noun.endswith("o"):
        yield noun + "s"
