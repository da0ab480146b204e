"""The class of a cue in a taxonomy, such as the kind of its source: the lexicon first, then a model.

The model is a function that the caller gives; mining itself imports none.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from avtool.mining.sound_tag import SoundTag
from avtool.mining.tagger import Tagger, coarse_sources, default_sources
from avtool.mining.tagger.normalise import NOTES_ONLY, normalise

Method = Literal["lexicon", "lm", "none"]
Guess = tuple[str, float]
"""A class and its probability."""
Classify = Callable[[Sequence[str]], Sequence[Guess]]
"""Texts → their classes by a language model."""

HUMAN, ANIMAL, OBJECT, UNSURE, NON_EVENT = "human", "animal", "object", "unsure", "non_event"
KINDS = (HUMAN, ANIMAL, OBJECT, UNSURE, NON_EVENT)
"""The kinds of SAM-S: who or what makes the sound, that it is unsure, or that it is no sound."""
_HUMAN = {"person", "people", "baby"}
_ANIMAL = {
    "animal",
    "bird",
    "dog",
    "cat",
    "horse",
    "insect",
    "frog",
    "wolf",
    "pig",
    "cow",
    "sheep",
    "chicken",
}
_ABOUT_CAPTIONS = {"about the captions"}


@dataclass(frozen=True, slots=True)
class CueClass:
    """The class of a cue.

    Attributes:
        label: the class; of a cue below the threshold `unsure`, or "" in a taxonomy without it.
        probability: of the model's guess; 1 by the lexicon.
        method: `lexicon`, `lm`, or `none` for cues without a letter.
        guess: what the model takes to be the likeliest.
    """

    label: str
    probability: float
    method: Method
    guess: str

    @property
    def needs_review(self) -> bool:
        """Whether the model abstained."""
        return self.method == "lm" and self.label != self.guess


@dataclass(frozen=True)
class CueClassifier:
    """Classifies cues.

    Attributes:
        labels: the classes of the taxonomy.
        classify: the language model; None takes the lexicon alone.
        threshold: least probability of a guess that is kept.
        tagger: the lexicon.
    """

    labels: tuple[str, ...]
    classify: Classify | None
    threshold: float
    tagger: Tagger

    def __call__(self, texts: Sequence[str]) -> list[CueClass]:
        """The class of each cue; equal cues are classified once."""
        plain = [normalise(text) for text in texts]
        known = {text: self._without_model(text, raw) for text, raw in zip(plain, texts, strict=True)}
        left = [text for text, found in known.items() if found is None]
        guesses = dict(zip(left, self.classify(left), strict=True)) if left and self.classify else {}
        return [known[text] or self._judged(guesses.get(text, ("", 0.0))) for text in plain]

    def _without_model(self, text: str, raw: str) -> CueClass | None:
        if not any(map(str.isalnum, text)) or (text == NOTES_ONLY and not any(map(str.isalnum, raw))):
            return CueClass(self._or_empty(NON_EVENT), 1.0, "none", "")
        label = lexicon_class(self.tagger.tag(text), self.labels)
        return CueClass(label, 1.0, "lexicon", label) if label else None

    def _judged(self, guess: Guess) -> CueClass:
        label, probability = guess
        kept = label if probability >= self.threshold else self._or_empty(UNSURE)
        return CueClass(kept, round(probability, 4), "lm", label)

    def _or_empty(self, label: str) -> str:
        return label if label in self.labels else ""


def lexicon_class(tag: SoundTag, labels: Iterable[str]) -> str:
    """The class that the lexicon's labels of a cue decide, or "".

    In the taxonomy of kinds the coarse groups of the stated sources decide, or those that the sounds imply,
    where all of them are of one kind. In any other the class is the one that is among the cue's own sounds,
    sources and groups.

    Args:
        tag: the labels of the cue.
        labels: the classes of the taxonomy.
    """
    names = set(labels)
    stated = coarse_sources(tag.sources)
    groups = stated or default_sources(tag.sounds)
    if {HUMAN, OBJECT} <= names:
        if tag.rule in _ABOUT_CAPTIONS:
            return NON_EVENT if NON_EVENT in names else ""
        kinds = {_kind_of(group) for group in groups}
        return kinds.pop() if len(kinds) == 1 and kinds <= names else ""
    found = names & {*tag.sounds, *tag.sources, *groups}
    return found.pop() if len(found) == 1 else ""


def _kind_of(group: str) -> str:
    if group in _HUMAN:
        return HUMAN
    return ANIMAL if group in _ANIMAL else OBJECT


REVIEW_COLUMNS = ("text", "count", "guess", "probability")


def review_rows(
    texts: Sequence[str], counts: Mapping[str, int], classes: Sequence[CueClass]
) -> list[tuple[str, int, str, float]]:
    """The cues on which the model abstained, the most frequent first: text, count, guess, probability.

    Args:
        texts: unique cues.
        counts: how often each cue comes.
        classes: of each.
    """
    rows = [
        (text, counts.get(text, 1), one.guess, one.probability)
        for text, one in zip(texts, classes, strict=True)
        if one.needs_review
    ]
    return sorted(rows, key=lambda row: (-row[1], row[0]))
