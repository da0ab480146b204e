"""Cuts the sound and pictures of a file into the windows that a model takes, in bounded memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.clip_audio import read_clip_audio
from avtool.data.inputs.spec import Feed
from avtool.data.inputs.video_settings import VideoSettings
from avtool.data.manifest import Manifest
from avtool.data.media_files import Media
from avtool.inference.sources import Item
from avtool.media.audio_decode import iter_audio
from avtool.media.probe import probe
from avtool.media.still_images import is_image, read_image
from avtool.media.waveforms import Waveform, read_waveform

if TYPE_CHECKING:
    from torch import Tensor

_FULL_SCALE = np.float32(32768)
_ROUNDING_S = 1e-4
_SHORTEST_HOP_S = 0.01
_BLOCK_S = 60.0


@dataclass(frozen=True)
class Window:
    """A part of a file.

    Attributes:
        start, end: in seconds of the file (of the clip, in a data set).
        sound: (samples,) float32, fewer than the model takes at the end of a file; None without sound.
        pictures: (3, T, H, W) float32, or (3, H, W) for a model of single images; None without pictures.
    """

    start: float
    end: float
    sound: Waveform | None
    pictures: "Tensor | None"


def iter_windows(
    item: Item, preprocess: Feed, hop: float, reporter: Reporter | None = None
) -> Iterator[Window]:
    """The windows of a file, every `hop` seconds, until its end is covered; the reporter is told of damage.

    Raises:
        BadInputError: it cannot be read, or has nothing that the model takes.
    """
    if "image" in preprocess.inputs and is_image(item.path):
        yield Window(0.0, 0.0, None, still_image(item.path, preprocess.video))
        return
    hears, sees = _holds(item, preprocess)
    if not (hears or sees):
        raise BadInputError(
            f"`{item.path}` has no {' and no '.join(_words(preprocess))}, which the model takes"
        )
    spans = _sound_spans(item, preprocess, hop, reporter) if hears else _silent_spans(item, preprocess, hop)
    for start, end, sound in spans:
        yield Window(start, end, sound, _pictures(item, preprocess, start, end) if sees else None)


def spaced_windows(item: Item, preprocess: Feed, count: int) -> list[Window]:
    """At most so many windows of a short file or clip, evenly spaced from its start to its end.

    What is no longer than a window gives one.

    Raises:
        BadInputError: as `iter_windows`, or the length is not known.
    """
    length = preprocess.seconds if "audio" in preprocess.inputs else preprocess.video.seconds
    still = is_image(item.path)
    room = 0.0 if still or count == 1 else (_length_of(item) - length) / (count - 1)
    # A hop that is a little too short: rounding cannot lose the last window, and what follows is not taken.
    hop = max(room - _ROUNDING_S, _SHORTEST_HOP_S) if room > 0 else length
    return list(islice(iter_windows(item, preprocess, hop), count))


def in_batches(windows: Iterable[Window], size: int) -> Iterator[list[Window]]:
    """Lists of at most `size` windows."""
    remaining = iter(windows)
    while batch := list(islice(remaining, size)):
        yield batch


def still_image(path: Path, settings: VideoSettings) -> "Tensor":
    """The middle of a still picture, (3, size, size) float32 in [-1, 1].

    Raises:
        BadInputError: it cannot be read.
    """
    from avtool.data.inputs.video_transforms import apply_augmentation, centred

    picture = read_image(path, settings.short_side)
    return apply_augmentation(picture[None], centred(settings), settings.size)[:, 0]


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


def _words(preprocess: Feed) -> list[str]:
    names = {"audio": "sound", "video": "pictures", "image": "pictures"}
    return [names[name] for name in preprocess.inputs if name in names]


def _sound_spans(
    item: Item, preprocess: Feed, hop: float, reporter: Reporter | None
) -> Iterator[tuple[float, float, Waveform | None]]:
    audio = preprocess.audio
    rate, length = audio.sample_rate, audio.samples_of(preprocess.num_frames)
    found = False
    for first, sound in cut(_blocks(item, rate, reporter), length, max(1, round(hop * rate))):
        if len(sound) < audio.window_size:
            continue  # a rest too short to hear anything in
        found = True
        yield first / rate, (first + len(sound)) / rate, sound
    if not found:
        raise _too_short(item, preprocess)


def _too_short(item: Item, preprocess: Feed) -> BadInputError:
    message = f"`{item.path}` is shorter than {preprocess.audio.window_ms:g} ms"
    return BadInputError(message, "there is nothing to hear")


def _holds(item: Item, preprocess: Feed) -> tuple[bool, bool]:
    """Whether a file has sound, and pictures, that the model takes."""
    info = shown = probe(item.path)
    if item.clip is not None and item.manifest is not None and item.clip.video != item.clip.audio:
        shown = probe(item.manifest.local(item.clip.video))  # those of the film that it was cut from
    pictures = {"video", "image"} & set(preprocess.inputs)
    return (
        "audio" in preprocess.inputs and bool(info.audio),
        bool(pictures) and any(not stream.cover for stream in shown.video),
    )


def _blocks(item: Item, rate: int, reporter: Reporter | None) -> Iterator[Waveform]:
    if item.clip is not None and item.manifest is not None:
        yield from _clip_blocks(item.manifest, item.clip.audio, rate)
        return
    for block in iter_audio(item.path, rate, reporter=reporter):
        yield block.astype(np.float32) / _FULL_SCALE


def _clip_blocks(manifest: Manifest, media: Media, rate: int) -> Iterator[Waveform]:
    """The sound of a clip, read some time at once: a clip may be a whole film."""
    start, end = media.start, media.end
    yield read_clip_audio(manifest, Media(media.name, start, min(end, start + _BLOCK_S)), sample_rate=rate)
    for first in np.arange(start + _BLOCK_S, end, _BLOCK_S).tolist():
        last = min(end, first + _BLOCK_S)
        sound = read_waveform(manifest.local(media), first, last, sample_rate=rate)
        yield np.pad(sound, (0, round((last - first) * rate) - sound.size))


def _silent_spans(item: Item, preprocess: Feed, hop: float) -> Iterator[tuple[float, float, Waveform | None]]:
    length = preprocess.video.seconds
    total = _length_of(item)
    for number in range(1 + max(0, int(np.ceil((total - length) / hop - 1e-9)))):
        yield number * hop, min(total, number * hop + length), None


def _length_of(item: Item) -> float:
    total = item.clip.duration if item.clip else probe(item.path).duration_s
    if total is None:
        raise BadInputError(f"the length of `{item.path}` is not known", "remux it first")
    return total


def _pictures(item: Item, preprocess: Feed, start: float, end: float) -> "Tensor":
    """The frames of a window, spread as in training."""
    from avtool.data.inputs.video_transforms import apply_augmentation, centred
    from avtool.media.video_frames import read_frames

    settings = preprocess.video
    media = item.clip.video if item.clip else None
    path = item.manifest.local(media) if item.manifest and media else item.path
    offset = media.start if media else 0.0
    length = min(settings.seconds, end - start)
    parts = np.arange(settings.num_frames) + 0.5
    times = offset + start + parts * length / settings.num_frames
    change = centred(settings)
    frames, _ = read_frames(path, times.tolist(), size=change.short_side, threads=1)
    found = apply_augmentation(frames, change, settings.size)
    return found[:, 0] if "image" in preprocess.inputs else found
