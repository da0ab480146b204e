"""The audio of a file or clip as a stream of blocks, and windows cut from it in bounded memory."""

from collections.abc import Iterable, Iterator

import numpy as np

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.clip_audio import read_clip_audio
from avtool.data.items import Item
from avtool.data.manifest import Manifest
from avtool.data.media_files import Media
from avtool.media.audio_decode import iter_audio
from avtool.media.waveforms import Waveform, read_waveform

_FULL_SCALE = np.float32(32768)
_BLOCK_S = 60.0


def iter_blocks(item: Item, sample_rate: int, reporter: Reporter | None = None) -> Iterator[Waveform]:
    """The mono waveform of a file or clip, block by block: (samples,) float32 in [-1, 1].

    Raises:
        BadInputError: it cannot be read.
    """
    if item.clip is not None and item.manifest is not None:
        yield from _clip_blocks(item.manifest, item.clip.audio, sample_rate)
        return
    for block in iter_audio(item.path, sample_rate, reporter=reporter):
        yield block.astype(np.float32) / _FULL_SCALE


def _clip_blocks(manifest: Manifest, media: Media, rate: int) -> Iterator[Waveform]:
    """A minute at a time: a clip may be a whole film."""
    start, end = media.start, media.end
    yield read_clip_audio(manifest, Media(media.name, start, min(end, start + _BLOCK_S)), sample_rate=rate)
    for first in np.arange(start + _BLOCK_S, end, _BLOCK_S).tolist():
        last = min(end, first + _BLOCK_S)
        waveform = read_waveform(manifest.local(media), first, last, sample_rate=rate)
        if not waveform.size and end - first > _BLOCK_S:
            message = f"`{media.name}` ends at {first:g} s or before, its clip at {end:g} s"
            raise BadInputError(message, "check the manifest, or prepare it again")
        yield np.pad(waveform, (0, round((last - first) * rate) - waveform.size))


def cut(blocks: Iterable[Waveform], length: int, hop: int) -> Iterator[tuple[int, Waveform]]:
    """Windows of `length` samples every `hop` samples, out of a stream; the last one may be shorter.

    Yields:
        The window's first sample, and its samples. At most a window and a block are in memory.
    """
    held = np.zeros(0, np.float32)
    held_from = next_start = 0
    waiting: list[Waveform] = []
    for block in blocks:
        waiting.append(block)
        ready = held_from + len(held) + sum(map(len, waiting))
        if ready < next_start + length:
            continue
        held = np.concatenate([held, *waiting])
        waiting = []
        while len(held) >= next_start - held_from + length:
            first = next_start - held_from
            yield next_start, held[first : first + length]
            next_start += hop
        drop = min(len(held), next_start - held_from)
        held, held_from = held[drop:], held_from + drop
    held = np.concatenate([held, *waiting])
    total = held_from + len(held)
    covered = next_start - hop + length if next_start else 0
    if covered < total:
        yield next_start, held[max(0, next_start - held_from) :]
