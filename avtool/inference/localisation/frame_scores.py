"""Scores of a film's frames for a query, and the hits that are found in them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from avtool.core.arrays import Floats

Singles = NDArray[np.float32]
TimedBox = tuple[float, float, float, float, float]
"""Seconds; left, top, width and height in parts of the frame, 0 to 1."""


@dataclass(frozen=True)
class FrameScores:
    """Scores of one query over one film of N frames.

    Attributes:
        times: (N,) start of each frame, in seconds, evenly spaced.
        step: seconds of a frame.
        foreground: (N,) probability that the frame shows or sounds what is looked for.
        start: (N,) logits of its first frame; None where the engine has none.
        end: (N,) logits of its last frame; None where the engine has none.
        boxes: (N, 4) where it is: centre, width and height in parts of the frame; None without boxes.
    """

    times: Floats
    step: float
    foreground: Singles
    start: Singles | None = None
    end: Singles | None = None
    boxes: Singles | None = None

    def __post_init__(self) -> None:
        """Checks what every engine must give."""
        frames = len(self.times)
        assert self.step > 0, f"a frame lasts longer than {self.step} s"
        assert (self.start is None) == (self.end is None), "logits of start and end come together"
        for name in ("foreground", "start", "end"):
            values = getattr(self, name)
            assert values is None or values.shape == (frames,), f"`{name}` has a value for each of the frames"
            assert values is None or np.isfinite(values).all(), f"`{name}` is finite"
        assert self.boxes is None or self.boxes.shape == (frames, 4), "a box for each of the frames"
        assert ((self.foreground >= 0) & (self.foreground <= 1)).all(), "`foreground` lies in 0 .. 1"

    def __len__(self) -> int:
        """Frames."""
        return len(self.times)

    @property
    def absent(self) -> float:
        """Confidence that the film has no hit: 1 - the largest foreground; 1 without frames."""
        return 1.0 - float(self.foreground.max(initial=0.0))


@dataclass(frozen=True)
class Hit:
    """A segment of a film that is found for a query.

    Attributes:
        start: in seconds.
        end: in seconds, exclusive.
        score: confidence, 0 to 1.
        peak: time of the frame that it was found at, in seconds.
        boxes: one for each of its frames; empty where the engine has none.
        foreground: the smoothed foreground at the peak, 0 to 1.
    """

    start: float
    end: float
    score: float
    peak: float
    boxes: tuple[TimedBox, ...] = ()
    foreground: float = 0.0

    def boxes_at(self, times: ArrayLike) -> Floats:
        """Its boxes at other times, interpolated linearly between those of its frames.

        Args:
            times: (M,) in seconds; before the first and behind the last frame, their boxes hold.

        Returns:
            (M, 4) left, top, width, height, 0 to 1.

        Raises:
            ValueError: it has no boxes.
        """
        if not self.boxes:
            raise ValueError("a hit without boxes")
        rows = np.asarray(self.boxes, dtype=np.float64)
        wanted = np.asarray(times, dtype=np.float64)
        return np.stack([np.interp(wanted, rows[:, 0], rows[:, side]) for side in range(1, 5)], axis=1)


def corner_boxes(boxes: Singles) -> Floats:
    """Boxes of centre, width and height as left, top, width and height, cut to the frame.

    Args:
        boxes: (N, 4) in parts of the frame.

    Returns:
        (N, 4), 0 to 1.
    """
    values = boxes.astype(np.float64)
    first = np.clip(values[:, :2] - values[:, 2:] / 2, 0, 1)
    last = np.clip(values[:, :2] + values[:, 2:] / 2, 0, 1)
    return np.concatenate([first, last - first], axis=1)
