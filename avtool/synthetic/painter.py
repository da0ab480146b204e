"""The frames of a synthetic film: sets, talking heads, and an object for every sound that moves with it.

Audio and video correspond because both come from one envelope: an object grows, jumps and travels with the
loudness of its own sound, and a mouth opens with its voice. Beside them drifts a silent cloud, so that not
everything that moves makes a sound.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from avtool.synthetic.script import Event, Scene, Script, Utterance
from avtool.synthetic.sounds import Samples, known_labels
from avtool.synthetic.speech import VOICES

Floats = NDArray[np.floating[Any]]
Frame = NDArray[np.uint8]
"""A frame. Shape (height, width, 3), RGB."""
Envelope = Floats
"""Loudness of a sound in every frame period, 0 to 1. Shape (frames,)."""
VideoKind = Literal["drawn", "static", "none"]

_VISIBLE_AROUND = 0.8  # seconds that an object is seen before and after its sound
_SHAPES = 6
_LEGEND_SECONDS = 2.2


def envelope_of(samples: Samples, sample_rate: int, frame_rate: int) -> Envelope:
    """The loudness of a sound in every frame period, scaled to a peak of 1. Shape (frames,)."""
    period = sample_rate / frame_rate
    edges = (np.arange(int(np.ceil(len(samples) / period))) * period).astype(int)
    power = np.add.reduceat(np.square(samples, dtype=np.float64), edges)
    loudness = np.sqrt(power / np.diff([*edges, len(samples)]))
    return np.asarray(np.sqrt(loudness / max(loudness.max(), 1e-9)), dtype=np.float32)


def colour(hue: float, saturation: float = 0.75, value: float = 0.95) -> Floats:
    """A colour of the wheel as RGB, 0 to 255. Shape (3,)."""
    channels = np.abs((hue + np.array([0, 2 / 3, 1 / 3])) % 1 * 6 - 3) - 1
    rgb = value * (1 - saturation + saturation * np.clip(channels, 0, 1))
    return np.asarray(255 * rgb, dtype=np.float32)


def looks_of(label: str) -> tuple[int, Floats]:
    """The shape (an index) and colour that mark a class."""
    known = known_labels()
    code = known.index(label) if label in known else zlib.crc32(label.encode())
    return code % _SHAPES, colour(code * 0.618 % 1)  # golden section: neighbours get distant colours


def _distance(shape: int, dx: Floats, dy: Floats, size: float) -> Floats:
    """How far outside of a shape around the origin a point lies, in pixels; negative inside."""
    ax, ay = np.abs(dx), np.abs(dy)
    outlines: Sequence[Callable[[], Floats]] = (
        lambda: np.hypot(dx, dy) - size,
        lambda: np.maximum(ax, ay) - 0.85 * size,
        lambda: (ax + ay) - 1.25 * size,
        lambda: np.abs(np.hypot(dx, dy) - 0.8 * size) - 0.25 * size,
        lambda: np.maximum(ax * 0.87 + dy * 0.5, -dy) - 0.6 * size,
        lambda: np.minimum(np.maximum(ax - 0.35 * size, ay - size), np.maximum(ax - size, ay - 0.35 * size)),
    )
    return outlines[shape]()


def extent_of(shape: int, size: float) -> tuple[float, float, float, float]:
    """How far a shape reaches left, up, right and down of its centre, in pixels."""
    if shape == 4:  # a triangle, the tip down
        across = (0.6 + 0.5 * 0.6) / 0.87 * size
        return across, 0.6 * size, across, 1.2 * size
    reach = (1.0, 0.85, 1.25, 1.05, 0.0, 1.0)[shape] * size
    return reach, reach, reach, reach


def paint(frame: Frame, shape: int, tint: Floats, x: float, y: float, size: float,
          aspect: float = 1.0) -> None:  # fmt: skip
    """Paints a shape with smooth edges at (x, y) pixels; `aspect` makes it taller."""
    height, width = frame.shape[:2]
    reach = 1.5 * size * max(aspect, 1.0) + 2
    left, right = max(int(x - reach), 0), min(int(x + reach) + 1, width)
    top, bottom = max(int(y - reach), 0), min(int(y + reach) + 1, height)
    if left >= right or top >= bottom:
        return
    dx = np.arange(left, right, dtype=np.float32)[None, :] - np.float32(x)
    dy = (np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(y)) / np.float32(aspect)
    cover = np.clip(0.5 - _distance(shape, dx, dy, size), 0, 1)[:, :, None]
    window = frame[top:bottom, left:right]
    window[:] = window + cover * (tint - window)


def _set_of(scene: Scene, height: int, width: int) -> Frame:
    """The set of a scene: a wall that darkens upwards, the ground, and two windows."""
    rows = np.linspace(0.35, 0.6, height, dtype=np.float32)[:, None, None]
    wall = np.broadcast_to(rows * colour(scene.hue, 0.45, 1.0), (height, width, 3)).copy()
    ground = int(0.8 * height)
    wall[ground:] = colour(scene.hue + 0.08, 0.5, 0.3)
    for k in range(2):
        left = int(width * (0.1 + 0.45 * k + 0.3 * ((scene.hue * (7 + 3 * k)) % 1)))
        wall[int(0.12 * height) : int(0.34 * height), left : left + width // 9] *= 1.5
    return np.clip(wall, 0, 255).astype(np.uint8)


def _lettering(text: str, height: int, width: int) -> Floats:
    """The ink of a line of text low in the frame. Shape (height, width, 1), 0 to 1."""
    from PIL import Image, ImageDraw, ImageFont

    page = Image.new("L", (width, height))
    font = ImageFont.load_default(size=max(height // 10, 8))
    draw = ImageDraw.Draw(page)
    draw.text((width / 2, 0.72 * height), text, fill=255, font=font, anchor="mm")
    return np.asarray(page, dtype=np.float32)[:, :, None] / 255


@dataclass(frozen=True, slots=True)
class PainterSettings:
    """Style, size and rate of the frames.

    Attributes:
        kind: `drawn`, `static` for the sets and letters alone, or `none`.
        size: (height, width) in pixels, both even.
        frame_rate: frames per second.
    """

    kind: VideoKind = "drawn"
    size: tuple[int, int] = (96, 128)
    frame_rate: int = 12


class Painter:
    """Draws the frames of one film in order.

    Args:
        script: what happens.
        settings: style, size and rate.
    """

    def __init__(self, script: Script, settings: PainterSettings) -> None:
        self._kind = settings.kind
        height, width = self._height, self._width = settings.size
        self._frame_rate = settings.frame_rate
        owners: list[Event | Utterance] = [event for event in script.events if event.kind == "sound"]
        self._waiting = sorted([*owners, *script.utterances], key=lambda owner: -owner.start)
        self._shown: list[Event | Utterance] = []
        self._envelopes: dict[Event | Utterance, Envelope] = {}
        self._scenes: Iterator[Scene] = iter(script.scenes)
        self._scene = Scene(0.0, script.scenes[0].start if script.scenes else script.seconds, 0.6, (0, 1))
        self._set = _set_of(self._scene, height, width)
        self._letters = _lettering(script.title, height, width)

    def add_loudness(self, owner: Event | Utterance, samples: Samples, sample_rate: int) -> None:
        """Adds the loudness that animates an event or a speaker; must come before its frames."""
        if self._kind == "drawn":
            self._envelopes[owner] = envelope_of(samples, sample_rate, self._frame_rate)

    def frame(self, index: int) -> Frame:
        """The frame `index`; the indices of successive calls must not fall."""
        now = index / self._frame_rate
        while now >= self._scene.end and (scene := next(self._scenes, None)):
            self._scene = scene
            self._set = _set_of(scene, self._height, self._width)
            self._letters = _lettering(scene.legend, self._height, self._width)
        frame = self._set.copy()
        if self._kind == "drawn":
            self._update_cast(now)
            self._draw_cloud(frame, now)
            for owner in self._shown:
                if isinstance(owner, Utterance):
                    self._draw_head(frame, owner, now)
            for owner in self._shown:
                if isinstance(owner, Event):
                    self._draw_object(frame, owner, now)
        if now - self._scene.start < _LEGEND_SECONDS:
            frame += ((255 - frame) * self._letters).astype(np.uint8)
        return frame

    def _update_cast(self, now: float) -> None:
        while self._waiting and self._waiting[-1].start - _VISIBLE_AROUND <= now:
            self._shown.append(self._waiting.pop())
        for owner in [owner for owner in self._shown if owner.end + _VISIBLE_AROUND < now]:
            self._shown.remove(owner)
            self._envelopes.pop(owner, None)

    def _loudness(self, owner: Event | Utterance, now: float) -> tuple[float, float]:
        """The loudness at a moment, and the share of the sound's loudness that has passed, both 0 to 1."""
        envelope = self._envelopes.get(owner)
        if envelope is None or now < owner.start:
            return 0.0, 0.0
        place = int((now - owner.start) * self._frame_rate)
        if place >= len(envelope):
            return 0.0, 1.0
        return float(envelope[place]), float(envelope[: place + 1].sum() / envelope.sum())

    def _draw_object(self, frame: Frame, event: Event, now: float) -> None:
        loudness, passed = self._loudness(event, now)
        shape, tint = looks_of(event.label)
        x = (event.place[0] + 0.3 * event.heading * passed) * self._width
        y = event.place[1] * self._height - 0.1 * self._height * loudness
        size = self._height * (0.055 + 0.085 * loudness)
        paint(frame, shape, tint * np.float32(0.6 + 0.4 * loudness), x, y, size)

    def _draw_head(self, frame: Frame, line: Utterance, now: float) -> None:
        loudness, _ = self._loudness(line, now)
        voice = VOICES[line.voice % len(VOICES)]
        side = 0.2 if line.voice == self._scene.cast[0] else 0.8
        x, y, size = side * self._width, 0.58 * self._height, 0.17 * self._height / voice.tract
        skin = colour(0.07, 0.35 + 0.05 * (line.voice % 4), 0.95 - 0.1 * (line.voice % 3))
        coat, dark = colour(line.voice * 0.17, 0.6, 0.55), np.zeros(3, dtype=np.float32)
        paint(frame, 0, coat, x, y + 2.5 * size, 1.5 * size)
        paint(frame, 0, skin, x, y, size, aspect=1.25)
        for eye in (-0.4, 0.4):
            paint(frame, 0, dark, x + eye * size, y - 0.3 * size, 0.13 * size)
        paint(frame, 0, dark + 40, x, y + 0.6 * size, 0.32 * size, aspect=0.15 + 0.95 * loudness)

    def _draw_cloud(self, frame: Frame, now: float) -> None:
        grey = np.full(3, 185, dtype=np.float32)
        x = (self._scene.hue * 3 + 0.04 * now) % 1.2 * self._width - 0.1 * self._width
        for part, size in ((-0.06, 0.05), (0.0, 0.075), (0.07, 0.05)):
            paint(frame, 0, grey, x + part * self._width, 0.15 * self._height, size * self._height)
