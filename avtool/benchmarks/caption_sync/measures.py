"""The rows of the synchronisation tables, and how they come from the errors of single films."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avtool.benchmarks.caption_sync.films import Floats

_BOTH = "both"


@dataclass(frozen=True, eq=False)
class Trial:
    """One system on one film's captions.

    Attributes:
        system, distortion, detector: what ran on what.
        errors_s: (cues,) start - true start; cues that belong to no scene of the film are skipped.
        ratio_error: |ratio - true ratio|.
        false_splits: changes of offset found beyond the true number.
        accepted: whether the system claims success.
        seconds: wall time.
    """

    system: str
    distortion: str
    detector: str
    errors_s: Floats
    ratio_error: float
    false_splits: int
    accepted: bool
    seconds: float


@dataclass(frozen=True)
class AccuracyRow:
    """One system on one distortion, over all films and their cues together.

    Attributes:
        system, distortion: what ran on what.
        detector: `neural`, `classical` or `both`: the kind of speech detector simulated.
        films: how many.
        bias_s: median of start - true start in seconds.
        p50_s, p80_s, p95_s, p99_s: percentiles of |start - true start| in seconds.
        within_100ms, within_200ms, within_500ms: shares of cues.
        ratio_error_ppm: median over films of the ratio's error, in parts per million.
        false_splits: sum over films.
        false_rejects: films whose own captions were refused.
        seconds_per_film_hour: wall time, speech detection not included.
    """

    system: str
    distortion: str
    detector: str
    films: int
    bias_s: float
    p50_s: float
    p80_s: float
    p95_s: float
    p99_s: float
    within_100ms: float
    within_200ms: float
    within_500ms: float
    ratio_error_ppm: float
    false_splits: int
    false_rejects: int
    seconds_per_film_hour: float


@dataclass(frozen=True)
class GateRow:
    """How a system distinguishes the captions of another film from the right ones.

    Attributes:
        system: its name.
        wrong_pairs: films with the captions of another film.
        false_accepts: of these, how many were accepted.
        right_pairs: films with their own captions, distorted.
        false_rejects: of these, how many were not accepted.
    """

    system: str
    wrong_pairs: int
    false_accepts: int
    right_pairs: int
    false_rejects: int


def accuracy_rows(trials: Sequence[Trial], film_hours: float) -> list[AccuracyRow]:
    """For each distortion and system, in the order of the trials, over both detectors and each alone."""
    rows = []
    for distortion in dict.fromkeys(trial.distortion for trial in trials):
        for system in dict.fromkeys(trial.system for trial in trials):
            group = [trial for trial in trials if (trial.distortion, trial.system) == (distortion, system)]
            for detector in (_BOTH, *sorted({trial.detector for trial in group})):
                some = [trial for trial in group if detector in (_BOTH, trial.detector)]
                if some:
                    rows.append(_row(some, detector, film_hours))
    return rows


def _row(trials: Sequence[Trial], detector: str, film_hours: float) -> AccuracyRow:
    signed = np.concatenate([trial.errors_s for trial in trials])
    errors = np.abs(signed)

    def percentile(percent: float) -> float:
        return round(float(np.percentile(errors, percent)), 4)

    def share_within(limit_s: float) -> float:
        return round(float((errors <= limit_s).mean()), 5)

    return AccuracyRow(
        system=trials[0].system,
        distortion=trials[0].distortion,
        detector=detector,
        films=len(trials),
        bias_s=round(float(np.median(signed)), 4),
        p50_s=percentile(50),
        p80_s=percentile(80),
        p95_s=percentile(95),
        p99_s=percentile(99),
        within_100ms=share_within(0.1),
        within_200ms=share_within(0.2),
        within_500ms=share_within(0.5),
        ratio_error_ppm=round(1e6 * float(np.median([trial.ratio_error for trial in trials])), 1),
        false_splits=sum(trial.false_splits for trial in trials),
        false_rejects=sum(not trial.accepted for trial in trials),
        seconds_per_film_hour=round(float(np.mean([trial.seconds for trial in trials])) / film_hours, 3),
    )
