"""The dense-captioning score of the ActivityNet challenge, as its evaluators of 2018 and 2021 compute it.

Captions are scored by video: on the pairs of a tIoU, by the metric's value for that small corpus. Videos
without predictions count 0. The evaluator of 2017 left predictions without a matching reference out of the
score: its numbers are higher and cannot be compared.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import chain
from string import ascii_lowercase
from typing import Final

import numpy as np

from avtool.core.arrays import Bools, Floats, Ints
from avtool.core.reporter import Reporter
from avtool.evaluation.dense_captions.overlap import detection
from avtool.evaluation.dense_captions.pairing import Pairing, pair_captions
from avtool.evaluation.dense_captions.proposals import ProposalCurve, proposal_curve
from avtool.evaluation.dense_captions.segments import CaptionedSegment, Captions
from avtool.evaluation.dense_captions.soda import SodaScore, mean_soda, overlapping_pairs, soda
from avtool.evaluation.metrics.caption_overlap import Cider, bleu, bleu_counts, rouge_l
from avtool.evaluation.metrics.caption_tokens import Tokenise, ascii_only
from avtool.evaluation.metrics.meteor import Meteor, pair_scores
from avtool.evaluation.metrics.meteor.scores import corpus_counts

THRESHOLDS: Final = (0.3, 0.5, 0.7, 0.9)
_FIXED: Final = "abc123!@#"
OVERLAP_METRICS: Final = ("bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider")
METRICS: Final = ("meteor_2018", "meteor_2021", *OVERLAP_METRICS)
_MOST_PREDICTIONS = 1000


@dataclass(frozen=True)
class DenseCaptionScores:
    """The scores of a submission, as shares (1 is 100 %).

    Attributes:
        videos: of the references.
        thresholds: of tIoU.
        by_video: metric → (videos, thresholds): `METRICS`, precision and recall.
        soda: for each annotator, video → its SODA_c.
        proposals: for each annotator, recall by the number of proposals.
        num_predictions: scored segments.
        unscored: videos of the submission that have no references.
        missing: videos of the references that the submission lacks.
    """

    videos: tuple[str, ...]
    thresholds: tuple[float, ...]
    by_video: Mapping[str, Floats]
    soda: tuple[Mapping[str, SodaScore], ...]
    proposals: tuple[ProposalCurve, ...]
    num_predictions: int
    unscored: int
    missing: tuple[str, ...]

    def by_threshold(self, *, present: bool = False) -> dict[str, Floats]:
        """Metric → (thresholds,): the means over videos, or over those of the submission only."""
        rows = self._present if present else slice(None)
        return {name: values[rows].mean(axis=0) for name, values in self.by_video.items()}

    def means(self, *, present: bool = False) -> dict[str, float]:
        """Metric → its mean over videos and thresholds; of SODA_c and proposals over annotators.

        Args:
            present: of the submission's videos only. The protocol scores those that it lacks as 0; SODA's
                program leaves them out, as do papers whose videos had vanished.
        """
        gone = set(self.missing) if present else set()
        found = {name: float(values.mean()) for name, values in self.by_threshold(present=present).items()}
        soda = [mean_soda([score for video, score in one.items() if video not in gone]) for one in self.soda]
        best = [
            max(one[video].f1 for one in self.soda if video in one)
            for video in self.videos
            if video not in gone
        ]
        return found | {
            "soda_c": float(np.mean([one.f1 for one in soda])),
            "soda_c_precision": float(np.mean([one.precision for one in soda])),
            "soda_c_recall": float(np.mean([one.recall for one in soda])),
            "soda_c_best_reference": float(np.mean(best)),
        }

    @property
    def proposal_area(self) -> float:
        """The area below recall over the number of proposals, as a share; the mean over annotators."""
        return float(np.mean([one.area for one in self.proposals]))

    @cached_property
    def _present(self) -> Bools:
        gone = set(self.missing)
        return np.array([video not in gone for video in self.videos])


@dataclass(frozen=True)
class DenseCaptionProtocol:
    """Scores submissions.

    Attributes:
        meteor: counts the matches of pairs.
        tokenise: captions as tokens.
        thresholds: of tIoU.
        seed: of the random word of 2021.
    """

    meteor: Meteor
    tokenise: Tokenise
    thresholds: tuple[float, ...] = THRESHOLDS
    seed: int = 0

    @cached_property
    def unmatched(self) -> Mapping[str, str]:
        """The reference of predictions without one: a fixed text, four words to METEOR, or one word."""
        generator = random.Random(self.seed)
        letters = generator.choices(ascii_lowercase, k=generator.randint(10, 20))
        return {"meteor_2018": _FIXED, "meteor_2021": "".join(letters)}

    def score(
        self, submission: Captions, references: Sequence[Captions], reporter: Reporter
    ) -> DenseCaptionScores:
        """The scores of a submission.

        Args:
            submission: predictions, of which the first 1000 of a video count.
            references: of each annotator.
            reporter: receives progress.
        """
        videos = tuple(dict.fromkeys(video for annotator in references for video in annotator))
        known = set(videos)
        kept = {video: rows[:_MOST_PREDICTIONS] for video, rows in submission.items() if video in known}
        predicted, *truths = self._tokenised([kept, *references])
        pairing = pair_captions(predicted, truths, videos, self.thresholds)
        reporter.info(f"{len(pairing.pairs)} distinct pairs of captions")
        overlapping = [overlapping_pairs(predicted, truth) for truth in truths]
        unmatched = (pairing.with_reference(word) for word in self.unmatched.values())
        exchanged = ([pair[::-1] for pair in pairs] for pairs in overlapping)
        counts = self._meteor(chain(*unmatched, *exchanged))
        scores = _meteor_metrics(pairing, counts, self.unmatched) | _overlap_metrics(pairing)
        scores["precision"], scores["recall"] = detection(predicted, truths, videos, self.thresholds)
        return DenseCaptionScores(
            videos,
            self.thresholds,
            scores,
            tuple(
                soda(predicted, truth, counts.scores(pairs))
                for truth, pairs in zip(truths, overlapping, strict=True)
            ),
            tuple(proposal_curve(predicted, truth) for truth in truths),
            num_predictions=sum(map(len, kept.values())),
            unscored=len(submission) - len(kept),
            missing=tuple(video for video in videos if not kept.get(video)),
        )

    def _tokenised(self, sets: Sequence[Captions]) -> list[Captions]:
        texts = list(
            dict.fromkeys(one.sentence for captions in sets for rows in captions.values() for one in rows)
        )
        tokens = dict(zip(texts, self.tokenise([ascii_only(text) for text in texts]), strict=True))

        def clean(segment: CaptionedSegment) -> CaptionedSegment:
            return replace(segment, sentence=tokens[segment.sentence])

        return [{video: tuple(map(clean, rows)) for video, rows in captions.items()} for captions in sets]

    def _meteor(self, pairs: Iterable[tuple[str, str]]) -> "_Counts":
        """The counts of all pairs (hypothesis, reference), by one call: Java takes long to begin."""
        distinct = list(dict.fromkeys(pairs))
        return _Counts(distinct, self.meteor.counts(distinct))


class _Counts:
    """METEOR's counts of distinct pairs."""

    def __init__(self, pairs: Sequence[tuple[str, str]], counts: Floats) -> None:
        self._rows = {pair: row for row, pair in enumerate(pairs)}
        self._counts = counts
        self._scores = pair_scores(counts)

    def corpus(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """As they enter the counts of a corpus."""
        return corpus_counts(self._counts[[self._rows[pair] for pair in pairs]])

    def scores(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], float]:
        """The score of each exchanged pair: SODA's program gives METEOR the prediction as the reference."""
        return {pair: float(self._scores[self._rows[pair[::-1]]]) for pair in pairs}


def _meteor_metrics(pairing: Pairing, counts: _Counts, unmatched: Mapping[str, str]) -> dict[str, Floats]:
    found = {}
    for name, word in unmatched.items():
        entered = counts.corpus(pairing.with_reference(word))
        found[name] = _by_threshold(pairing, partial(_corpus_meteor, entered))
    return found


def _corpus_meteor(entered: Floats, groups: Sequence[Ints]) -> Floats:
    return pair_scores(_sums(entered, groups))


def _overlap_metrics(pairing: Pairing) -> dict[str, Floats]:
    """BLEU, ROUGE-L and CIDEr; which reference stands for a missing one does not matter to them."""
    pairs = pairing.with_reference(_FIXED)
    counts, rouge, cider = bleu_counts(pairs), rouge_l(pairs), Cider()
    sums = _by_threshold(pairing, lambda rows: bleu(_sums(counts, rows)))
    found = {name: sums[..., place] for place, name in enumerate(OVERLAP_METRICS[:4])}
    found["rouge_l"] = _by_threshold(pairing, lambda rows: _sums(rouge[:, None], rows)[:, 0] / _lengths(rows))
    of_rows: dict[bytes, float] = {b"": 0.0}

    def cider_of(rows: Ints) -> float:
        key = rows.tobytes()
        if key not in of_rows:
            of_rows[key] = cider.corpus([pairs[row] for row in rows])
        return of_rows[key]

    found["cider"] = np.array([[cider_of(rows) for rows in kept] for kept in pairing.rows]).T
    return found


def _by_threshold(pairing: Pairing, metric: Callable[[Sequence[Ints]], Floats]) -> Floats:
    """(videos, thresholds, …) of a metric that is 0 for videos without pairs."""
    columns = []
    for kept in pairing.rows:
        present = np.array([rows.size > 0 for rows in kept])
        values = metric([rows for rows in kept if rows.size])
        column = np.zeros((len(kept), *values.shape[1:]))
        column[present] = values
        columns.append(column)
    return np.stack(columns, axis=1)


def _sums(values: Floats, groups: Sequence[Ints]) -> Floats:
    """The sum of the rows of each group: (groups, columns)."""
    if not groups:
        return np.zeros((0, values.shape[1]))
    starts = np.cumsum([0, *(rows.size for rows in groups[:-1])])
    return np.asarray(np.add.reduceat(values[np.concatenate(list(groups))], starts, axis=0))


def _lengths(groups: Sequence[Ints]) -> Floats:
    return np.array([rows.size for rows in groups], dtype=np.float64)
