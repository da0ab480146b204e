"""The protocol: films are generated, their captions distorted, and the distortion undone by each system."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avtool.benchmarks.caption_sync import peer
from avtool.benchmarks.caption_sync.distortions import DISTORTIONS, DistortedCaptions, Distortion, distort
from avtool.benchmarks.caption_sync.films import CLASSICAL, NEURAL, DialogueFilm, Floats, make_film
from avtool.benchmarks.caption_sync.measures import AccuracyRow, GateRow, Trial, accuracy_rows
from avtool.core.parallel import map_unordered
from avtool.core.reporter import Reporter
from avtool.mining.sync.synchronise import synchronise

OURS = "avtool"
PEERS: dict[str, tuple[str, ...]] = {
    "ffsubsync": (),
    "ffsubsync --split-penalty": ("--split-penalty",),
    "ffsubsync --gss": ("--gss",),
}
_GATED = "ffsubsync --skip-sync-on-low-quality"
_GATE_DISTORTION = DISTORTIONS[1]
_WRONG_FILMS = 1_000_000  # seeds far from those of the right films


@dataclass(frozen=True)
class CaptionSyncResult:
    """What `evaluate_sync` measured.

    Attributes:
        films, minutes, seed: the protocol.
        accuracy: one row for each distortion, system and detector.
        gates: one row for each system.
        notes: what was skipped, and why.
    """

    films: int
    minutes: float
    seed: int
    accuracy: tuple[AccuracyRow, ...]
    gates: tuple[GateRow, ...]
    notes: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """A JSON object."""
        return asdict(self)


def evaluate_sync(
    films: int = 10,
    minutes: float = 60.0,
    seed: int = 0,
    peers: bool = True,
    wrong_films: int = 100,
    *,
    reporter: Reporter,
    jobs: int = 2,
) -> CaptionSyncResult:
    """Synchronises generated films' captions after every distortion, and films with wrong captions.

    Args:
        films: how many films; their detectors alternate between good and poor.
        minutes: length of each film.
        seed: of everything random: the same seed gives the same films.
        peers: whether to run ffsubsync, where installed, on the same films.
        wrong_films: how many films to pair with the captions of another.
        reporter: receives progress.
        jobs: processes.
    """
    notes = []
    if peers and not peer.is_installed():
        peers = False
        notes.append("ffsubsync is not installed: its rows are skipped (pip install ffsubsync==0.5.1)")
    tasks = [_Task(film_trials, seed, number, minutes, peers) for number in range(films)]
    tasks += [_Task(wrong_film_trials, seed, number, minutes, peers) for number in range(wrong_films)]
    parts: dict[int, list[Trial]] = {}
    with reporter.progress("films", len(tasks)) as progress:
        for place, part in map_unordered(_run, list(enumerate(tasks)), jobs=jobs):
            parts[place] = part
            progress.advance()
    trials = [trial for place in range(len(tasks)) for trial in parts[place]]
    right = [trial for trial in trials if trial.distortion != "wrong film"]
    return CaptionSyncResult(
        films,
        minutes,
        seed,
        tuple(accuracy_rows([trial for trial in right if trial.system != _GATED], minutes / 60)),
        tuple(_gate_rows(trials)),
        tuple(notes),
    )


class _Task(NamedTuple):
    """A film and what is tried with it."""

    trials: Callable[[int, int, float, bool], list[Trial]]
    seed: int
    number: int
    minutes: float
    peers: bool


def _run(task: tuple[int, _Task]) -> tuple[int, list[Trial]]:
    """Runs in a worker process."""
    place, film = task
    return place, film.trials(film.seed, film.number, film.minutes, film.peers)


def film_trials(seed: int, number: int, minutes: float, peers: bool) -> list[Trial]:
    """All systems on all distortions of one film."""
    film = make_film(minutes, np.random.default_rng([seed, number]), (NEURAL, CLASSICAL)[number % 2])
    trials = []
    for index, distortion in enumerate(DISTORTIONS):
        captions = distort(film, distortion, np.random.default_rng([seed, number, index]))
        trials.append(_ours(film, captions, distortion))
        if peers:
            trials += _theirs(film, captions, distortion)
    return trials


def wrong_film_trials(seed: int, number: int, minutes: float, peers: bool) -> list[Trial]:
    """A film with the captions of another film of the same length and kind."""
    quality = (NEURAL, CLASSICAL)[number % 2]
    film, other = (
        make_film(minutes, np.random.default_rng([seed, _WRONG_FILMS + 2 * number + k]), quality)
        for k in (0, 1)
    )
    wrong = Distortion("wrong film")
    captions = distort(other, wrong, np.random.default_rng(0))
    trials = [_ours(film, captions, wrong)]
    if peers:
        trials.append(_peer_trial(_GATED, ("--skip-sync-on-low-quality",), film, captions, wrong))
    return trials


def _ours(film: DialogueFilm, captions: DistortedCaptions, distortion: Distortion) -> Trial:
    begin = time.perf_counter()
    result = synchronise(captions.starts_s, captions.ends_s, captions.is_dialogue, film.speech)
    seconds = time.perf_counter() - begin
    accepted = result.decision in ("identity", "global", "split")
    starts, _ = result.map.spans(captions.starts_s, captions.ends_s)
    return _trial(OURS, film, captions, distortion, starts, result.map.ratio, accepted, seconds)


def _theirs(film: DialogueFilm, captions: DistortedCaptions, distortion: Distortion) -> Iterator[Trial]:
    for name, options in PEERS.items():
        if "--gss" not in options or distortion.name.startswith("drift"):  # what golden section is for
            yield _peer_trial(name, options, film, captions, distortion)
    if distortion == _GATE_DISTORTION:
        yield _peer_trial(_GATED, ("--skip-sync-on-low-quality",), film, captions, distortion)


def _peer_trial(
    name: str,
    options: tuple[str, ...],
    film: DialogueFilm,
    captions: DistortedCaptions,
    distortion: Distortion,
) -> Trial:
    found = peer.run_ffsubsync(captions, film.speech, options)
    return _trial(
        name, film, captions, distortion, found.starts_s, found.ratio, found.accepted, found.seconds
    )


def _trial(
    system: str,
    film: DialogueFilm,
    captions: DistortedCaptions,
    distortion: Distortion,
    starts_s: Floats,
    ratio: float,
    accepted: bool,
    seconds: float,
) -> Trial:
    known = ~np.isnan(captions.true_starts_s)
    return Trial(
        system,
        distortion.name,
        film.detector,
        errors_s=(starts_s - captions.true_starts_s)[known],
        ratio_error=abs(ratio - distortion.ratio),
        false_splits=max(0, _count_splits(captions.starts_s, starts_s, ratio) - len(distortion.jumps_s)),
        accepted=accepted,
        seconds=seconds,
    )


def _count_splits(before_s: Floats, after_s: Floats, ratio: float) -> int:
    """How often the offset changes by more than a tenth of a second from one cue to the next."""
    offsets: NDArray[np.float64] = after_s - ratio * before_s
    return int((np.abs(np.diff(offsets)) > 0.1).sum())


def _gate_rows(trials: list[Trial]) -> Iterator[GateRow]:
    for system in (OURS, _GATED):
        wrong = [trial for trial in trials if (trial.system, trial.distortion) == (system, "wrong film")]
        right = [trial for trial in trials if trial.system == system and trial.distortion != "wrong film"]
        if wrong:
            accepts = sum(trial.accepted for trial in wrong)
            rejects = sum(not trial.accepted for trial in right)
            yield GateRow(system, len(wrong), accepts, len(right), rejects)
