"""Objects of queried films: a shape in a colour that moves along a path, and its box in every frame."""

from dataclasses import dataclass
from math import pi, sin

from avtool.synthetic.painter import Frame, colour, extent_of, paint
from avtool.synthetic.synthesis import Rng

SHAPES = ("disc", "square", "diamond", "ring", "triangle", "cross")
"""Names of the shapes by the number that `painter.paint` takes."""
COLOURS = {"red": 0.0, "yellow": 1 / 6, "green": 1 / 3, "turquoise": 1 / 2, "blue": 2 / 3, "pink": 5 / 6}
"""Names of colours, and their hues."""
_BOUNCES_S = 1.5
_INSIDE = (0.2, 0.8)
_SIZES = (0.11, 0.18)
_SHORTEST_WAY = 0.25

Box = tuple[float, float, float, float]
"""Left, top, width and height, in pixels."""


@dataclass(frozen=True, slots=True)
class Look:
    """The class of an object: a shape in a colour."""

    shape: str
    colour: str

    @property
    def label(self) -> str:
        """Its name: `red disc`."""
        return f"{self.colour} {self.shape}"


LOOKS = tuple(Look(shape, tint) for shape in SHAPES for tint in COLOURS)
"""The classes of objects."""


@dataclass(frozen=True, slots=True)
class DrawnObject:
    """An object that is seen for some seconds.

    Attributes:
        look: its class.
        start, end: seconds of film time; a frame at `end` shows it no more.
        size: half of a disc's height, as a share of the frame's height.
        origin, target: where it is at start and end, as shares of the frame's width and height.
        bounce: how far it rises in between, as a share of the frame's height.
    """

    look: Look
    start: float
    end: float
    size: float
    origin: tuple[float, float]
    target: tuple[float, float]
    bounce: float = 0.0

    def place(self, now: float, frame_size: tuple[int, int]) -> tuple[float, float, float]:
        """Centre and size at a moment, in pixels of a frame of (height, width)."""
        height, width = frame_size
        passed = (now - self.start) / (self.end - self.start)
        x, y = (a + (b - a) * passed for a, b in zip(self.origin, self.target, strict=True))
        y -= self.bounce * abs(sin(pi * (now - self.start) / _BOUNCES_S))
        return x * width, y * height, self.size * height

    def box(self, now: float, frame_size: tuple[int, int]) -> Box:
        """Its box at a moment, cut off at the edges of a frame of (height, width)."""
        x, y, size = self.place(now, frame_size)
        left, up, right, down = extent_of(SHAPES.index(self.look.shape), size)
        x0, y0 = max(x - left, 0.0), max(y - up, 0.0)
        x1, y1 = min(x + right, frame_size[1] - 1.0), min(y + down, frame_size[0] - 1.0)
        return x0, y0, x1 - x0, y1 - y0

    def paint(self, frame: Frame, now: float) -> None:
        """Paints it where it is at a moment."""
        x, y, size = self.place(now, (frame.shape[0], frame.shape[1]))
        tint = colour(COLOURS[self.look.colour], 0.85, 0.97)
        paint(frame, SHAPES.index(self.look.shape), tint, x, y, size)


def draw_object(look: Look, start: float, end: float, rng: Rng) -> DrawnObject:
    """An object of a class with a random size and path."""
    origin = (float(rng.uniform(*_INSIDE)), float(rng.uniform(0.3, 0.75)))
    target = origin
    while abs(target[0] - origin[0]) < _SHORTEST_WAY:
        target = (float(rng.uniform(*_INSIDE)), float(rng.uniform(0.3, 0.75)))
    bounce = float(rng.uniform(0, 0.1))
    return DrawnObject(look, start, end, float(rng.uniform(*_SIZES)), origin, target, bounce)
