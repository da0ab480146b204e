"""Accuracy of the tagger on caption tags: the protocol of the SAM-S annotation tables.

Labels are compared as lemmas, set by set. Beside the tagger stand two baselines that learn their words from
half of the table and are scored, as the tagger is, on the other half.
"""

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from avtool.benchmarks.sams_tags.baselines import ContiguousMatch, LongestMatch, lemmatised
from avtool.benchmarks.sams_tags.scores import TagScores, score
from avtool.benchmarks.sams_tags.tables import (
    AnnotatedTag,
    Labels,
    Lemmas,
    read_counts,
    read_lemmas,
    read_tags,
)
from avtool.core.reporter import Reporter, Silent
from avtool.mining.tagger import Tagger, load_lexicon


@dataclass(frozen=True, slots=True)
class TagError:
    """A tag whose labels differ from the annotation; labels are sorted lemmas, one tuple a dimension."""

    tag: str
    gold: tuple[tuple[str, ...], ...]
    ours: tuple[tuple[str, ...], ...]
    rule: str
    confidence: float


@dataclass(frozen=True, slots=True)
class SamsTagsResult:
    """The scores of one annotated table.

    Attributes:
        tagger: our tagger on every tag of the table.
        weighted: the same with each tag counted as often as the corpus has it; None without counts.
        held_out: method → scores on the half of the table that the baselines did not learn from: "tagger",
            "contiguous match" (the authors' labelling of rarer tags) and "longest match".
        seed: of the split into halves.
        errors: every tag that the tagger labels otherwise.
    """

    tagger: TagScores
    weighted: TagScores | None
    held_out: dict[str, TagScores]
    seed: int
    errors: tuple[TagError, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def evaluate_tags(
    tags_csv: Path,
    lemmas_csv: Path | None,
    *,
    lexicon: Path | None = None,
    counts: Path | None = None,
    reporter: Reporter | None = None,
    seed: int = 0,
) -> SamsTagsResult:
    """Scores the tagger on a table of annotated tags.

    Args:
        tags_csv: columns tag (or audio_tag), sound, source, quality; "None" where there is no label.
        lemmas_csv: columns word, quality, sound, source: the lemma of each label word. Without it words are
            compared by the lemma that a dictionary gives.
        lexicon: a lexicon file that extends the package's own.
        counts: columns tag, count: how often a corpus has each tag.
        reporter: receives what was read.
        seed: of the split into a half to learn from and a half to score, for the baselines.

    Raises:
        BadInputError: a file cannot be read or is not what it should be; the message names the line.
    """
    reporter = reporter or Silent()
    rows = read_tags(tags_csv)
    lemmas = read_lemmas(lemmas_csv) if lemmas_csv else None
    weights = _weights(rows, read_counts(counts)) if counts else None
    reporter.info(f"{len(rows)} annotated tags from {tags_csv}")
    tagger = Tagger(load_lexicon(lexicon))
    gold = [lemmatised(row.labels, lemmas) for row in rows]
    ours = [_label(tagger, row.tag, lemmas) for row in rows]
    return SamsTagsResult(
        tagger=score(gold, ours),
        weighted=score(gold, ours, weights) if weights else None,
        held_out=_held_out(rows, tagger, lemmas, seed),
        seed=seed,
        errors=tuple(
            _error(tagger, row.tag, wanted, given)
            for row, wanted, given in zip(rows, gold, ours, strict=True)
            if wanted != given
        ),
    )


def _weights(rows: list[AnnotatedTag], counts: dict[str, int]) -> list[float]:
    return [float(counts.get(row.tag, 0)) for row in rows]


def _label(tagger: Tagger, tag: str, lemmas: Lemmas | None) -> Labels:
    found = tagger.tag(tag)
    return lemmatised((found.sounds, found.sources, found.qualities), lemmas)


def _error(tagger: Tagger, tag: str, gold: Labels, ours: Labels) -> TagError:
    found = tagger.tag(tag)
    wanted, given = (tuple(tuple(sorted(words)) for words in labels) for labels in (gold, ours))
    return TagError(tag, wanted, given, found.rule, found.confidence)


def _held_out(
    rows: list[AnnotatedTag], tagger: Tagger, lemmas: Lemmas | None, seed: int
) -> dict[str, TagScores]:
    """The tagger and the baselines on a random half; the baselines learn from the other half only."""
    shuffled = random.Random(seed).sample(rows, len(rows))
    training, test = shuffled[: len(rows) // 2], shuffled[len(rows) // 2 :]
    methods: dict[str, Callable[[str], Labels]] = {
        "tagger": lambda tag: _label(tagger, tag, lemmas),
        "contiguous match": ContiguousMatch(training, lemmas),
        "longest match": LongestMatch(training, lemmas),
    }
    gold = [lemmatised(row.labels, lemmas) for row in test]
    return {name: score(gold, [method(row.tag) for row in test]) for name, method in methods.items()}
