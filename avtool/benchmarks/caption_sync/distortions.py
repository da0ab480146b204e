"""Distortions of captions: shifted, made for another frame rate, drifting, or cut otherwise."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from avtool.benchmarks.caption_sync.films import DialogueFilm, Floats

PAL = 25 / (24 / 1.001)


@dataclass(frozen=True)
class Distortion:
    """What must be undone: `film = ratio * caption + offset`, plus what the jumps add.

    Attributes:
        name: as shown in tables.
        ratio: film seconds for each caption second.
        offset_s: film time of caption time zero.
        jumps_s: by how much the offset changes, spread over the film: positive where the captions' cut
            lacks a scene, negative where it has one more.
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
    cues = DistortedCaptions(film.starts_s, film.ends_s, film.is_dialogue, film.starts_s)
    count = len(distortion.jumps_s)
    for number, jump_s in enumerate(distortion.jumps_s):
        place_s = film.duration_s * ((number + 1) / (count + 1) + rng.uniform(-0.05, 0.05))
        border_s = place_s - sum(distortion.jumps_s[:number])  # on the clock of the captions' cut so far
        cues = (
            _without_scene(cues, border_s, jump_s)
            if jump_s > 0
            else _with_scene(cues, border_s, -jump_s, rng)
        )
    cues = replace(
        cues,
        starts_s=(cues.starts_s - distortion.offset_s) / distortion.ratio,
        ends_s=(cues.ends_s - distortion.offset_s) / distortion.ratio,
    )
    return _chosen(cues, cues.starts_s >= 0)


def _without_scene(cues: DistortedCaptions, border_s: float, length_s: float) -> DistortedCaptions:
    """The captions of a cut that lacks the scene from `border_s` on."""
    cues = _chosen(cues, (cues.starts_s < border_s) | (cues.starts_s >= border_s + length_s))
    later = cues.starts_s >= border_s
    ends_s = np.where(later, cues.ends_s - length_s, np.minimum(cues.ends_s, border_s))
    return replace(cues, starts_s=cues.starts_s - length_s * later, ends_s=ends_s)


def _with_scene(
    cues: DistortedCaptions, border_s: float, length_s: float, rng: np.random.Generator
) -> DistortedCaptions:
    """The captions of a cut with one more scene at `border_s`, with a cue every three seconds."""
    later = cues.starts_s >= border_s
    extra_s = np.arange(border_s + 0.5, border_s + length_s - 2.5, 3.0) + rng.uniform(0, 0.5)
    starts_s = np.concatenate([cues.starts_s + length_s * later, extra_s])
    order = np.argsort(starts_s, kind="stable")
    return DistortedCaptions(
        starts_s[order],
        np.concatenate([cues.ends_s + length_s * later, extra_s + 2.0])[order],
        np.concatenate([cues.is_dialogue, np.ones(len(extra_s), np.bool_)])[order],
        np.concatenate([cues.true_starts_s, np.full(len(extra_s), np.nan)])[order],
    )


def _chosen(cues: DistortedCaptions, which: NDArray[np.bool_]) -> DistortedCaptions:
    return DistortedCaptions(
        cues.starts_s[which], cues.ends_s[which], cues.is_dialogue[which], cues.true_starts_s[which]
    )
