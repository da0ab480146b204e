"""Captions that do not fit their film: an offset, another frame rate, missing or added scenes.

The captions of a film were often timed against another copy of it. A `Distortion` is how that copy differs,
and so exactly where every moment of the film lies in it: a synchroniser can be judged to the millisecond.
"""

from dataclasses import dataclass, replace

from avtool.core.errors import BadInputError
from avtool.core.registry import nearest_hint
from avtool.media.captions.cue import Cue
from avtool.mining.sync.time_map import TimeMap

_NTSC = 24 / 1.001


@dataclass(frozen=True, slots=True)
class _Piece:
    """A segment of film, in seconds, where caption time = ratio · film time + offset."""

    start: float
    end: float
    offset: float


@dataclass(frozen=True, slots=True)
class Distortion:
    """How the copy that the captions were timed against differs from the film.

    Attributes:
        offset: seconds added to every caption time, after all else.
        ratio: caption seconds per film second (25 / 23.976 for captions of a slower copy).
        jumps: (where, seconds) in film order: at the share `where` of the film, 0 to 1, the other copy has
            `seconds` more (an added scene), or lacks as many of the film's (a cut scene, negative).
    """

    offset: float = 0.0
    ratio: float = 1.0
    jumps: tuple[tuple[float, float], ...] = ()

    def time_map(self, film_seconds: float) -> TimeMap:
        """The exact map from caption time back to film time, which a synchroniser should find.

        Args:
            film_seconds: the duration of the film.
        """
        pieces = self._pieces(film_seconds)
        starts = tuple(self.ratio * piece.start + piece.offset for piece in pieces)
        return TimeMap(1 / self.ratio, starts, tuple(-piece.offset / self.ratio for piece in pieces))

    def move(self, cue: Cue, film_seconds: float) -> Cue | None:
        """A cue of film time in caption time, or None where the other copy does not have its start.

        Args:
            cue: in film time.
            film_seconds: the duration of the film.
        """
        film_time = cue.start_ms / 1000
        pieces = self._pieces(film_seconds)
        piece = next((piece for piece in pieces if piece.start <= film_time < piece.end), None)
        if piece is None:
            return None
        start_ms = round(1000 * (self.ratio * film_time + piece.offset))
        if start_ms < 0:
            return None
        length_ms = max(round(self.ratio * (cue.end_ms - cue.start_ms)), 1)
        return replace(cue, start_ms=start_ms, end_ms=start_ms + length_ms)

    def _pieces(self, film_seconds: float) -> list[_Piece]:
        """The segments of film that the other copy has, each at its own offset."""
        pieces: list[_Piece] = []
        start, shift = 0.0, 0.0
        for where, seconds in (*self.jumps, (1.0, 0.0)):
            end = where * film_seconds
            if start < end:
                pieces.append(_Piece(start, end, self.ratio * shift + self.offset))
            start = max(start, end + max(-seconds, 0.0))  # what the other copy lacks belongs to no piece
            shift += seconds
        return pieces


DISTORTIONS = {
    "none": Distortion(),
    "late": Distortion(offset=3.2),
    "early": Distortion(offset=-27.0),
    "pal": Distortion(ratio=_NTSC / 25),
    "ntsc": Distortion(ratio=25 / _NTSC),
    "film": Distortion(ratio=24 / _NTSC),
    "drift": Distortion(offset=1.0, ratio=1.0015),
    "jump": Distortion(jumps=((0.5, -30.0),)),
    "jumps": Distortion(jumps=((0.25, 12.0), (0.5, -20.0), (0.75, 38.0))),
}
"""The distortions that a synchroniser is tried on, by name."""


def distortion_named(name: str) -> Distortion:
    """A distortion of `DISTORTIONS`.

    Raises:
        BadInputError: there is none of this name.
    """
    if name not in DISTORTIONS:
        known = list(DISTORTIONS)
        raise BadInputError(
            f"no distortion is called `{name}`", nearest_hint(name, known, "avtool demo --help")
        )
    return DISTORTIONS[name]
