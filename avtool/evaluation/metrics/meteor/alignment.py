"""METEOR's alignment of a hypothesis with a reference: candidate matches, and a beam search among them."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from avtool.evaluation.metrics.meteor.scores import NUM_COUNTS
from avtool.evaluation.metrics.meteor.sentences import Sentence, Sentences

_BEAM: Final = 40
_PARAPHRASE: Final = 3
_CHUNK: Final = 1 << 24
_GAIN: Final = 1 << 48


@dataclass(frozen=True, slots=True)
class _Match:
    """Words of the reference that match words of the hypothesis.

    Attributes:
        start, length: words of the reference.
        hypothesis_start, hypothesis_length: words of the hypothesis.
        module: number of the matcher.
        gain: matched words of both sides as the search counts them: whole for exact matches, halves of other
            matches rounded down on each side.
    """

    start: int
    length: int
    hypothesis_start: int
    hypothesis_length: int
    module: int
    gain: int

    @property
    def distance(self) -> int:
        return abs(self.start - self.hypothesis_start)

    @property
    def mask(self) -> int:
        return ((1 << self.length) - 1) << self.start

    @property
    def hypothesis_mask(self) -> int:
        return ((1 << self.hypothesis_length) - 1) << self.hypothesis_start


class _Path:
    """A partial alignment: the matches of the reference's first words.

    Attributes:
        cost: more matched words, then fewer chunks, then less distance make it smaller.
        place: the reference's word after the last match.
        end: the hypothesis's word after the last match; -1 after a word without a match.
        used, hypothesis_used: bits of the words in matches.
        chosen: the last match with those before it, as nested pairs.
    """

    __slots__ = ("chosen", "cost", "end", "hypothesis_used", "place", "used")

    def __init__(self, used: int, hypothesis_used: int) -> None:
        self.cost, self.place, self.end = 0, 0, -1
        self.used, self.hypothesis_used = used, hypothesis_used
        self.chosen: tuple[object, _Match] | None = None

    def copy(self) -> "_Path":
        path = _Path(self.used, self.hypothesis_used)
        path.cost, path.place, path.end, path.chosen = self.cost, self.place, self.end, self.chosen
        return path

    def take(self, match: _Match) -> None:
        self.cost -= match.gain * _GAIN
        if self.end not in (-1, match.hypothesis_start):
            self.cost += _CHUNK
        self.place = match.start + match.length
        self.end = match.hypothesis_start + match.hypothesis_length
        self.chosen = (self.chosen, match)

    def skip(self) -> None:
        if self.end != -1:
            self.cost += _CHUNK
            self.end = -1
        self.place += 1


_COST = attrgetter("cost")


def count_matches(hypothesis: Sentence, reference: Sentence, sentences: Sentences) -> list[int]:
    """The counts of a pair from its best alignment, as `scores.NUM_COUNTS` has them."""
    candidates = _candidates(hypothesis, reference, sentences)
    chosen = _choose(candidates, len(hypothesis.keys))
    counts = [0] * NUM_COUNTS
    counts[:4] = (
        len(hypothesis.keys),
        len(reference.keys),
        sum(hypothesis.function_words),
        sum(reference.function_words),
    )
    end, place = -1, 0
    for match in chosen:
        if match.start != place or match.hypothesis_start != end:
            counts[20] += 1
        place, end = match.start + match.length, match.hypothesis_start + match.hypothesis_length
        first = 4 + 4 * match.module
        for word in range(match.hypothesis_start, end):
            counts[first + 2 * hypothesis.function_words[word]] += 1
        for word in range(match.start, place):
            counts[first + 1 + 2 * reference.function_words[word]] += 1
        counts[21] += match.hypothesis_length
        counts[22] += match.length
    return counts


def _candidates(hypothesis: Sentence, reference: Sentence, sentences: Sentences) -> list[list[_Match]]:
    """All matches by the place in the reference where they begin, in the order of the matchers."""
    exact: dict[int, list[int]] = {}
    for place, key in enumerate(hypothesis.keys):
        exact.setdefault(key, []).append(place)
    found: list[list[_Match]] = [
        [_Match(start, 1, place, 1, 0, 2) for place in exact.get(key, ())]
        for start, key in enumerate(reference.keys)
    ]
    if hypothesis.keys == reference.keys:  # else the search could miss the perfect alignment
        return found
    for start, key in enumerate(reference.keys):
        related = sentences.related.get(key)
        if related is None:
            continue
        by_word = [
            (module, place) for place, key in enumerate(hypothesis.keys) for module in related.get(key, ())
        ]
        found[start] += [_Match(start, 1, place, 1, module, 0) for module, place in sorted(by_word)]
    for phrase in reference.phrases:
        for target in sentences.paraphrases.get(phrase.state, ()):
            for place, length in hypothesis.places.get(target, ()):
                found[phrase.start].append(_paraphrase(phrase.start, phrase.length, place, length))
    for phrase in hypothesis.phrases:
        for target in sentences.paraphrases.get(phrase.state, ()):
            for start, length in reference.places.get(target, ()):
                found[start].append(_paraphrase(start, length, phrase.start, phrase.length))
    return found


def _paraphrase(start: int, length: int, hypothesis_start: int, hypothesis_length: int) -> _Match:
    gain = length // 2 + hypothesis_length // 2
    return _Match(start, length, hypothesis_start, hypothesis_length, _PARAPHRASE, gain)


def _choose(candidates: list[list[_Match]], hypothesis_words: int) -> list[_Match]:
    """The matches of the best alignment, by their place in the reference."""
    covered, hypothesis_covered = [0] * len(candidates), [0] * hypothesis_words
    for matches in candidates:
        for match in matches:
            for word in range(match.start, match.start + match.length):
                covered[word] += 1
            for word in range(match.hypothesis_start, match.hypothesis_start + match.hypothesis_length):
                hypothesis_covered[word] += 1
    fixed: dict[int, _Match] = {}
    for start, matches in enumerate(candidates):
        if len(matches) == 1 and _alone(matches[0], covered, hypothesis_covered):
            fixed[start] = matches[0]
    if sum(map(len, candidates)) == len(fixed):
        return list(fixed.values())
    return _search(candidates, fixed)


def _alone(match: _Match, covered: list[int], hypothesis_covered: list[int]) -> bool:
    """Whether no other match has one of its words."""
    words = covered[match.start : match.start + match.length]
    others = hypothesis_covered[match.hypothesis_start : match.hypothesis_start + match.hypothesis_length]
    return max(words) == 1 == max(others)


def _search(candidates: list[list[_Match]], fixed: dict[int, _Match]) -> list[_Match]:
    """The beam search, from the reference's first word to its last."""
    used = hypothesis_used = 0
    for match in fixed.values():
        used |= match.mask
        hypothesis_used |= match.hypothesis_mask
    paths = [_Path(used, hypothesis_used)]
    for place, matches in enumerate(candidates):
        options = [(match, match.mask, match.hypothesis_mask) for match in matches]
        kept = sorted(paths, key=_COST)[:_BEAM]
        paths = []
        for path in kept:
            if path.used >> place & 1:
                if place >= path.place:
                    match = fixed[place]
                    path.take(match)
                    path.cost += match.distance
                paths.append(path)
                continue
            for match, mask, hypothesis_mask in options:
                if path.used & mask or path.hypothesis_used & hypothesis_mask:
                    continue
                taken = path.copy()
                taken.used |= mask
                taken.hypothesis_used |= hypothesis_mask
                taken.take(match)
                paths.append(taken)
                path.cost += match.distance  # of the path without it: so METEOR 1.5 counts
            path.skip()
            paths.append(path)
    paths = sorted(paths, key=_COST)[:_BEAM]
    for path in paths:
        if path.end != -1:
            path.cost += _CHUNK
    chosen = []
    node = min(paths, key=_COST).chosen
    while node is not None:
        node, match = node  # type: ignore[assignment]
        chosen.append(match)
    return chosen[::-1]
