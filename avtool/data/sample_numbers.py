"""Several samples of one clip: which number is which."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avtool.data.manifest import Manifest


class SampleNumbers:
    """Counts the samples of clips, those of a clip one after the other.

    Args:
        counts: samples of each clip.
    """

    def __init__(self, counts: NDArray[np.int64]) -> None:
        self._counts = counts
        self._ends = np.cumsum(counts)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def find(self, number: int) -> tuple[int, int, int]:
        """The place of a sample's clip, the place of the sample among its clip's, and how many it has."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        index = int(np.searchsorted(self._ends, number, side="right"))
        count = int(self._counts[index])
        return index, number - int(self._ends[index]) + count, count

    def repeat(self, values: Sequence[str]) -> list[str]:
        """What belongs to each clip, for each sample."""
        return [value for value, count in zip(values, self._counts, strict=True) for _ in range(int(count))]


def sources_of(manifest: Manifest) -> list[str]:
    """The film or recording of each clip: its group, or its file where it has none."""
    pairs = zip(manifest.column("group"), manifest.column("media"), strict=True)
    return [group or media for group, media in pairs]
