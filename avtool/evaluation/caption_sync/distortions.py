"""The ways in which captions miss their film: shifted, made for another frame rate, drifting, cut otherwise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avtool.evaluation.caption_sync.films import DialogueFilm, Floats

PAL = 25 / (24 / 1.001)


@dataclass(frozen=True)
class Distortion:
    """What must be undone: `film = ratio * caption + offset`, plus what the jumps add.

    Attributes:
        name: as shown in tables.
        ratio: film seconds for each caption second.
        offset_s: film time of caption time zero.
        jumps_s: by how much the offset changes, spread over the film: positive where the captions' cut lacks a
            scene, negative where it has one more.
    """

    name: str
    ratio: float = 1.0
    offset_s: float = 0.0
    jumps_s: tuple[float, ...] = ()


DISTORTIONS = (
    Distortion("none"),
    Distortion("+3.2 s", offset_s=3.2),
    Distortion("-27 s", offset_s=-27.0),
    Distortion("25/23.976", PAL),
    Distortion("23.976/25", 1 / PAL),
    Distortion("24/23.976", 1.001),
    Distortion("drift 0.15 % + 1 s", 1.0015, 1.0),
    Distortion("one jump (30 s)", jumps_s=(30.0,)),
    Distortion("three jumps (+12, -20, +38 s)", jumps_s=(12.0, -20.0, 38.0)),
    Distortion("25/23.976 and one jump (30 s)", PAL, jumps_s=(30.0,)),
)


@dataclass(frozen=True, eq=False)
class DistortedCaptions:
    """Captions as somebody finds them.

    Attributes:
        starts_s, ends_s: (cues,) caption time, in order.
        is_dialogue: (cues,).
        true_starts_s: (cues,) where each cue belongs in the film; NaN for those of scenes it does not have.
    """

    starts_s: Floats
    ends_s: Floats
    is_dialogue: NDArray[np.bool_]
    true_starts_s: Floats


def distort(film: DialogueFilm, distortion: Distortion, rng: np.random.Generator) -> DistortedCaptions:
    """The film's captions after the distortion; places of jumps and extra scenes are drawn from `rng`."""
    starts, ends = film.starts_s.copy(), film.ends_s.copy()
    truth, dialogue = film.starts_s.copy(), film.is_dialogue.copy()
    count = len(distortion.jumps_s)
    for number, jump in enumerate(distortion.jumps_s):
        place = film.duration_s * ((number + 1) / (count + 1) + rng.uniform(-0.05, 0.05))
        border = place - sum(distortion.jumps_s[:number])  # on the clock of the captions' cut so far
        lost = (starts >= border) & (starts < border + jump)
        starts, ends, truth, dialogue = (values[~lost] for values in (starts, ends, truth, dialogue))
        later = starts >= border
        ends = np.where(later, ends - jump, np.minimum(ends, border))
        starts = np.where(later, starts - jump, starts)
        if jump < 0:
            extra = np.arange(border + 0.5, border - jump - 2.5, 3.0) + rng.uniform(0, 0.5)
            starts, ends = np.concatenate([starts, extra]), np.concatenate([ends, extra + 2.0])
            truth = np.concatenate([truth, np.full(len(extra), np.nan)])
            dialogue = np.concatenate([dialogue, np.ones(len(extra), np.bool_)])
    starts, ends = (
        (starts - distortion.offset_s) / distortion.ratio,
        (ends - distortion.offset_s) / distortion.ratio,
    )
    order = np.argsort(starts, kind="stable")
    order = order[starts[order] >= 0]
    return DistortedCaptions(starts[order], ends[order], dialogue[order], truth[order])
