"""Dialogue of synthetic films: a small grammar, songs, and sentences that are traps."""

from avtool.synthetic.synthesis import Rng

NAMES = ("JOHN", "MARY", "ARTHUR", "ANNA", "PETER", "LUCY")  # one a voice, high and low as in `speech.VOICES`
MANNERS = ("softly", "quietly", "sarcastically", "over radio", "in German")
LANGUAGES = ("French", "Spanish", "Italian")
LEGENDS = ("LONDON, 1942", "THREE YEARS LATER", "POLICE STATION", "PARIS", "THE NEXT MORNING", "ROOM 12")

_SUBJECTS = ("I", "you", "we", "they", "the captain", "my brother", "the doctor", "your sister", "nobody")
_VERBS = ("saw", "told", "followed", "remembered", "warned", "forgot", "found", "needed", "promised")
_OBJECTS = (
    "the old man", "her", "the letter", "the children", "everything", "that house", "the other driver",
    "the money", "him", "the answer", "a better plan",
)  # fmt: skip
_PLACES = (
    "by the river", "before the war", "in the garden", "on the last train", "at the station",
    "after midnight", "behind the church", "near the border", "last winter", "with a friend",
)  # fmt: skip
_SHORT = (
    "Who is there?", "Come in.", "Not now.", "Where are you going?", "I don't believe it.", "Wait for me!",
    "It is nothing.", "Are you all right?", "We have to go.", "Say that again.", "Thank you, my friend.",
    "Stay where you are.", "What do you mean?", "Look at this.", "All of them?", "He never came back.",
)  # fmt: skip
_QUESTIONS = ("Do you know why", "Did she say that", "How can you be sure that", "Is it true that")
_SONGS = (
    "over the hills and far away", "the moon is low and the night is long", "carry me home, sweet river",
    "and all the stars were singing", "oh, when the morning comes again",
)  # fmt: skip
PARENTHESES = (
    "I heard (or dreamed) it.", "She left (again) without a word.", "Two men (maybe three) went in there.",
)  # fmt: skip
HASHTAGS = ("Put it under # hashtag and wait.", "You are number # one to me.")
NARRATION = (
    "That was the summer when everything changed.", "None of us knew what the winter would bring.",
    "It was a small town, and it kept its secrets.",
)  # fmt: skip


def _pick(rng: Rng, choices: tuple[str, ...]) -> str:
    return choices[rng.integers(len(choices))]


def say(rng: Rng) -> str:
    """A line of dialogue, one to about fourteen words."""
    shape = rng.uniform()
    if shape < 0.3:
        return _pick(rng, _SHORT)
    clause = f"{_pick(rng, _SUBJECTS)} {_pick(rng, _VERBS)} {_pick(rng, _OBJECTS)}"
    if shape < 0.5:
        return f"{_pick(rng, _QUESTIONS)} {clause}?"
    clause = f"{clause} {_pick(rng, _PLACES)}"
    if shape < 0.7:
        clause = f"{clause}, but {_pick(rng, _SUBJECTS)} {_pick(rng, _VERBS)} {_pick(rng, _OBJECTS)}"
    return f"{clause[0].upper()}{clause[1:]}."


def sing(rng: Rng) -> str:
    """A line of a song."""
    return _pick(rng, _SONGS)
