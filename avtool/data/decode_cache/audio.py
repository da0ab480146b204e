"""The audio of films and recordings, decoded in parts that are cached; equal to direct reading."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.data.decode_cache.cache import PartCache, joined
from avtool.data.decode_cache.settings import SpanSettings
from avtool.media.waveforms import read_waveform

Waveform = NDArray[np.float32]


class AudioSpans:
    """Reads mono audio in parts, and caches the parts.

    Args:
        settings: how long a part is.
        cache: where parts are kept.
        sample_rate: in Hz.
    """

    def __init__(self, settings: SpanSettings, cache: PartCache, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.part_size = max(1, round(settings.part_seconds * sample_rate))
        self.cache = cache

    def read(self, path: Path, first: int, past: int) -> Waveform:
        """The samples `first` … `past` - 1, silence after the file's end, (past - first,) in [-1, 1].

        Raises:
            BadInputError: it cannot be read, or ends before the first of these samples.
        """
        assert 0 <= first < past, (first, past)
        begin = first // self.part_size
        parts = self.cache.parts(
            (path, self.sample_rate),
            begin,
            -(-past // self.part_size),
            lambda low, high: self._decode(path, low, high),
        )
        skipped = begin * self.part_size
        waveform = joined(parts, np.zeros(0, np.float32))[first - skipped : past - skipped]
        if not waveform.size:
            message = f"`{path}` has no audio from {first / self.sample_rate:g} s on"
            raise BadInputError(message, "check the manifest, or prepare it again")
        return np.pad(waveform, (0, past - first - waveform.size))

    def _decode(self, path: Path, first: int, past: int) -> list[Waveform]:
        start, end = (number * self.part_size / self.sample_rate for number in (first, past))
        waveform = read_waveform(path, start, end, sample_rate=self.sample_rate)
        starts = range(0, (past - first) * self.part_size, self.part_size)
        return [waveform[place : place + self.part_size].copy() for place in starts]
