"""The map from caption time to film time: one ratio, and an offset that may change a few times."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import CorruptArtifactError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TimeMap:
    """`film = ratio * caption + offset`, the offset being that of the segment the caption starts in.

    Attributes:
        ratio: film seconds for each caption second; 25/23.976 when captions of a 25 Hz disc meet the film.
        starts_s: where each segment starts, in caption seconds, ascending; the first covers all before it.
        offsets_s: the offset of each segment, in film seconds.
    """

    ratio: float = 1.0
    starts_s: tuple[float, ...] = (0.0,)
    offsets_s: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        assert len(self.starts_s) == len(self.offsets_s) >= 1
        assert all(a < b for a, b in zip(self.starts_s, self.starts_s[1:], strict=False))
        assert self.ratio > 0

    @property
    def is_identity(self) -> bool:
        """Whether every time stays what it is."""
        return self.ratio == 1.0 and not any(self.offsets_s)

    @property
    def num_splits(self) -> int:
        """How often the offset changes."""
        return len(self.starts_s) - 1

    @overload
    def __call__(self, times_s: float) -> float: ...
    @overload
    def __call__(self, times_s: Floats) -> Floats: ...
    def __call__(self, times_s: float | Floats) -> float | Floats:
        """Film time of a caption time, or of an array of them."""
        if isinstance(times_s, np.ndarray):
            return self.ratio * times_s + self._offsets_at(times_s)
        segment = max(0, bisect_right(self.starts_s, times_s) - 1)
        return self.ratio * times_s + self.offsets_s[segment]

    def spans(self, starts_s: Floats, ends_s: Floats) -> tuple[Floats, Floats]:
        """Film times of cues. A cue that reaches over a split keeps its length: its start decides."""
        offsets = self._offsets_at(starts_s)
        return self.ratio * starts_s + offsets, self.ratio * ends_s + offsets

    def _offsets_at(self, times_s: Floats) -> Floats:
        segments = np.searchsorted(self.starts_s, times_s, side="right") - 1
        return np.asarray(self.offsets_s)[np.maximum(segments, 0)]

    def to_dict(self) -> dict[str, Any]:
        """A JSON object: `{"ratio": 1.0, "segments": [{"start": 0.0, "offset": 0.0}]}`."""
        pairs = zip(self.starts_s, self.offsets_s, strict=True)
        segments = [{"start": start, "offset": offset} for start, offset in pairs]
        return {"ratio": self.ratio, "segments": segments}

    @classmethod
    def from_dict(cls, value: Any) -> "TimeMap":
        """The inverse of `to_dict`.

        Raises:
            CorruptArtifactError: the object is not a time map.
        """
        try:
            segments = [(float(part["start"]), float(part["offset"])) for part in value["segments"]]
            starts, offsets = zip(*segments, strict=True)
            return cls(float(value["ratio"]), starts, offsets)
        except (KeyError, TypeError, ValueError, AssertionError) as error:
            raise CorruptArtifactError("this is not a time map", "synchronise the film again") from error


IDENTITY = TimeMap()
