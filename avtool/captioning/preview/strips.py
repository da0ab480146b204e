"""The timeline of a preview: strips of equal length with frames, spectrogram, scores, cues and dialogue."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avtool.captioning.event import CaptionPlan, Decision
from avtool.core.errors import AvtoolError
from avtool.core.report.page import data_uri
from avtool.core.reporter import Reporter
from avtool.media.preview import spectrogram_png
from avtool.media.probe import probe
from avtool.media.video_frames import read_frames
from avtool.media.waveforms import read_waveform

_LENGTHS = (10, 15, 20, 30, 60, 120, 180, 300, 600, 1200, 3600, 7200, 14400)
_SHORTEST, _MOST_STRIPS = 30, 60
_FRAMES, _FRAME_HEIGHT = 6, 90
_SAMPLE_RATE = 16000
_SPECTROGRAM = (720, 56)
_MOST_EVENTS = 200
_MOST_ROOM = 18.0
_LONGEST_AUDIO = 600.0  # seconds of a strip whose spectrogram is drawn


@dataclass(frozen=True)
class Box:
    """Something between two times of a strip; `left`, `width` and `room` (of its text) are per cent of it."""

    left: float
    width: float
    start: float
    text: str
    height: float = 0.0
    threshold: float = 0.0
    kept: bool = True
    room: float = 0.0


@dataclass
class Strip:
    """A piece of the timeline; images are data URIs.

    `heard` is the share of the strip that its spectrogram covers, in per cent.
    """

    start: float
    end: float
    frames: list[str] = field(default_factory=list)
    spectrogram: str = ""
    heard: float = 0.0
    sound: list[Box] = field(default_factory=list)
    dialogue: list[Box] = field(default_factory=list)
    events: list[Box] = field(default_factory=list)


def make_strips(plan: CaptionPlan, seconds: float, film: Path | None, reporter: Reporter) -> list[Strip]:
    """The strips of a film, 60 at most, whatever its length; the film is read strip by strip.

    Args:
        plan: the captions.
        seconds: duration of the film.
        film: where frames and spectrograms come from; None, or what it lacks, leaves them out.
        reporter: warned of what cannot be read.
    """
    length = min(_length(seconds), max(seconds, 1.0))
    count = max(1, math.ceil(seconds / length - 1e-6))  # the last is as long as all: they have one scale
    strips = [Strip(index * length, (index + 1) * length) for index in range(count)]
    sound = set(map(id, plan.sound))
    for cue in plan.cues:
        for strip in _strips_of(strips, cue.start_ms / 1000, cue.end_ms / 1000):
            kind = strip.sound if id(cue) in sound else strip.dialogue
            kind.append(_box(strip, cue.start_ms / 1000, cue.end_ms / 1000, " ".join(cue.lines)))
    for decision in sorted(plan.decisions, key=lambda decision: -decision.event.score):
        for strip in _strips_of(strips, decision.event.start, decision.event.end):
            if len(strip.events) < _MOST_EVENTS:
                strip.events.append(_event_box(strip, decision))
    for strip in strips:
        strip.sound, strip.dialogue = _with_room(strip.sound), _with_room(strip.dialogue)
        strip.events.sort(key=lambda box: -box.width)  # the shorter stand before the longer
    if film is not None:
        _add_media(strips, film, seconds, reporter)
    return strips


def _length(seconds: float) -> float:
    wanted = max(_SHORTEST, seconds / _MOST_STRIPS)
    return next((float(length) for length in _LENGTHS if length >= wanted), wanted)


def _strips_of(strips: Sequence[Strip], start: float, end: float) -> Sequence[Strip]:
    """The strips that an interval is seen in."""
    length = strips[0].end - strips[0].start
    first, last = (int(max(0.0, time) // length) for time in (start, max(start, end - 1e-6)))
    return strips[first : last + 1]


def _box(strip: Strip, start: float, end: float, text: str) -> Box:
    length = strip.end - strip.start
    left, right = (min(max((time - strip.start) / length, 0.0), 1.0) for time in (start, end))
    return Box(round(100 * left, 2), round(max(0.2, 100 * (right - left)), 2), start, text)


def _with_room(boxes: Sequence[Box]) -> list[Box]:
    """The boxes of a lane with room for their texts: until the next box begins, where they are short."""
    lefts = [*(box.left for box in boxes[1:]), 100.0]
    return [
        replace(box, room=round(max(box.width, min(left - box.left, _MOST_ROOM)), 2))
        for box, left in zip(boxes, lefts, strict=False)
    ]


def _event_box(strip: Strip, decision: Decision) -> Box:
    event = decision.event
    box = _box(strip, event.start, event.end, decision.text or event.phrase)
    height, threshold = round(100 * event.score, 1), round(100 * event.threshold, 1)
    return Box(box.left, box.width, box.start, box.text, height, threshold, decision.cue is not None)


def _add_media(strips: Sequence[Strip], film: Path, seconds: float, reporter: Reporter) -> None:
    """Frames and spectrograms of each strip; what the film has and cannot be read is warned of once."""
    readers = {"frames": _add_frames, "spectrogram": _add_spectrogram}
    for what, add in readers.items():
        for strip in strips:
            try:
                add(strip, film, seconds)
            except AvtoolError as error:
                if what == "frames" and _is_audio(film):
                    break
                reporter.warn(f"the preview has no {what} from {strip.start:g} s on: {error}")
                break


def _is_audio(film: Path) -> bool:
    try:
        return not probe(film).video
    except AvtoolError:
        return False


def _add_frames(strip: Strip, film: Path, seconds: float) -> None:
    step = (strip.end - strip.start) / _FRAMES
    times = [strip.start + (k + 0.5) * step for k in range(_FRAMES)]
    shown = [time for time in times if time < seconds] or [min(times[0], seconds / 2 + strip.start / 2)]
    frames, _ = read_frames(film, shown, size=_FRAME_HEIGHT, threads=1)
    strip.frames = [_jpeg(frame) for frame in frames]


def _add_spectrogram(strip: Strip, film: Path, seconds: float) -> None:
    from PIL import Image

    length = strip.end - strip.start
    end = min(strip.end, seconds, strip.start + _LONGEST_AUDIO)
    waveform = read_waveform(film, strip.start, end, sample_rate=_SAMPLE_RATE)
    samples = np.clip(np.round(waveform * 32768), -32768, 32767).astype(np.int16)
    if len(samples) == 0:
        return
    share = min(1.0, len(samples) / _SAMPLE_RATE / length)
    width = max(1, round(_SPECTROGRAM[0] * share))
    drawn = Image.open(io.BytesIO(spectrogram_png(samples, _SAMPLE_RATE, width, _SPECTROGRAM[1])))
    strip.heard = round(100 * share, 2)
    strip.spectrogram = _jpeg(np.asarray(drawn.convert("RGB")))


def _jpeg(pixels: NDArray[np.uint8]) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=65, optimize=True)
    return data_uri(buffer.getvalue(), "image/jpeg")
