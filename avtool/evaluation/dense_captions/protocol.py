"""The dense-captioning score of the ActivityNet challenge, as its evaluators of 2018 and 2021 compute it.

Captions are scored by video: on the pairs of a tIoU, by the metric's value for that small corpus. Videos without
predictions count 0. The evaluator of 2017 left predictions without a matching reference out of the score: its
numbers are higher and cannot be compared.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from avtool.core.arrays import Floats, Ints
from avtool.core.reporter import Reporter
from avtool.evaluation.dense_captions.overlap import detection
from avtool.evaluation.dense_captions.pairing import NO_MATCH, Pairing, pair_captions
from avtool.evaluation.dense_captions.proposals import ProposalCurve, proposal_curve
from avtool.evaluation.dense_captions.segments import Captions, CaptionedSegment
from avtool.evaluation.dense_captions.soda import SodaScore, mean_soda, soda
from avtool.evaluation.metrics.caption_overlap import Cider, bleu, bleu_counts, rouge_l
from avtool.evaluation.metrics.caption_tokens import Tokenise, ascii_only
from avtool.evaluation.metrics.meteor import Meteor, pair_scores
from avtool.evaluation.metrics.meteor.scores import corpus_counts

THRESHOLDS: Final = (0.3, 0.5, 0.7, 0.9)
UNMATCHED: Final = {"meteor_2018": "abc123!@#", "meteor_2021": "qkzvwxjqkzvwxj"}
"""Reference of predictions without one: the fixed one of 2018, which METEOR splits into four words, and a word
of letters that none shares, as the random ones of 2021."""
OVERLAP_METRICS: Final = ("bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "cider")
METRICS: Final = (*UNMATCHED, *OVERLAP_METRICS)
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

    @cached_property
    def by_threshold(self) -> Mapping[str, Floats]:
        """Metric → (thresholds,): the means over videos."""
        return {name: values.mean(axis=0) for name, values in self.by_video.items()}

    @cached_property
    def means(self) -> Mapping[str, float]:
        """Metric → its mean over videos and thresholds; SODA_c, and the area of proposals, over annotators."""
        found = {name: float(values.mean()) for name, values in self.by_threshold.items()}
        all_videos = [mean_soda(list(one.values())) for one in self.soda]
        gone = set(self.missing)
        official = [mean_soda([score for video, score in one.items() if video not in gone]) for one in self.soda]
        best = [max(one[video].f1 for one in self.soda if video in one) for video in self.videos]
        found |= {
            "soda_c": float(np.mean([one.f1 for one in all_videos])),
            "soda_c_precision": float(np.mean([one.precision for one in all_videos])),
            "soda_c_recall": float(np.mean([one.recall for one in all_videos])),
            "soda_c_official": float(np.mean([one.f1 for one in official])),
            "soda_c_best_reference": float(np.mean(best)),
            "proposals": float(np.mean([one.area for one in self.proposals])),
        }
        return found


@dataclass(frozen=True)
class DenseCaptionProtocol:
    """Scores submissions.

    Attributes:
        meteor: counts the matches of pairs.
        tokenise: captions as tokens.
        thresholds: of tIoU.
    """

    meteor: Meteor
    tokenise: Tokenise
    thresholds: tuple[float, ...] = THRESHOLDS

    def score(self, submission: Captions, references: Sequence[Captions], reporter: Reporter) -> DenseCaptionScores:
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
        scores = self._meteor(pairing) | _overlap_metrics(pairing)
        scores["precision"], scores["recall"] = detection(predicted, truths, videos, self.thresholds)
        return DenseCaptionScores(
            videos,
            self.thresholds,
            scores,
            tuple(soda(predicted, truth, self._soda_similarity) for truth in truths),
            tuple(proposal_curve(predicted, truth) for truth in truths),
            num_predictions=sum(map(len, kept.values())),
            unscored=len(submission) - len(kept),
            missing=tuple(video for video in videos if not kept.get(video)),
        )

    def _tokenised(self, sets: Sequence[Captions]) -> list[Captions]:
        texts = list(dict.fromkeys(one.sentence for captions in sets for rows in captions.values() for one in rows))
        tokens = dict(zip(texts, self.tokenise([ascii_only(text) for text in texts]), strict=True))

        def clean(segment: CaptionedSegment) -> CaptionedSegment:
            return replace(segment, sentence=tokens[segment.sentence])

        return [{video: tuple(map(clean, rows)) for video, rows in captions.items()} for captions in sets]

    def _meteor(self, pairing: Pairing) -> dict[str, Floats]:
        found = {}
        unmatched = [place for place, (_, reference) in enumerate(pairing.pairs) if reference == NO_MATCH]
        counts = self.meteor.counts(pairing.pairs)
        for name, reference in UNMATCHED.items():
            if unmatched:
                counts[unmatched] = self.meteor.counts([(pairing.pairs[place][0], reference) for place in unmatched])
            entered = corpus_counts(counts)
            found[name] = _by_threshold(
                pairing, lambda rows, entered=entered: pair_scores(_sums(entered, rows))
            )
        return found

    def _soda_similarity(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """METEOR with hypothesis and reference exchanged, as the authors' program has it."""
        return pair_scores(self.meteor.counts([(reference, predicted) for predicted, reference in pairs]))


def _overlap_metrics(pairing: Pairing) -> dict[str, Floats]:
    """BLEU, ROUGE-L and CIDEr; which reference stands for a missing one does not matter to them."""
    pairs = [(hypothesis, reference or UNMATCHED["meteor_2018"]) for hypothesis, reference in pairing.pairs]
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
