"""A sheet of generated clips, each beside the nearest real one, so that copies show."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Clip = NDArray[np.uint8]
"""(S, height, width, 3) RGB."""
_COLUMNS = 6
_GRID = 8
_GAP, _HEAD = 4, 14


def nearest_clips(clips: Sequence[Clip], real: Iterable[Clip]) -> list[tuple[Clip, float]]:
    """The nearest real clip of each, and its distance: the root mean square of 8 x 8 averages, 0 to 255.

    Args:
        clips: to look at.
        real: of the same shape; read once, one in memory at a time.
    """
    wanted = [_small(clip) for clip in clips]
    best: list[tuple[Clip, float] | None] = [None] * len(clips)
    for clip in real:
        small = _small(clip)
        for number, own in enumerate(wanted):
            distance = float(np.sqrt(np.square(own - small).mean()))
            found = best[number]
            if found is None or distance < found[1]:
                best[number] = (np.array(clip), distance)
    assert all(one is not None for one in best), "there are real clips"
    return [one for one in best if one is not None]


def _small(clip: Clip) -> NDArray[np.float64]:
    frames = [
        np.asarray(Image.fromarray(frame).resize((_GRID, _GRID), Image.Resampling.BOX)) for frame in clip
    ]
    return np.stack(frames).astype(np.float64)


def sample_sheet(clips: Sequence[Clip], nearest: Sequence[tuple[Clip, float]] | None = None) -> Image.Image:
    """Some frames of each clip in a row; below it, where given, those of the nearest real clip.

    Args:
        clips: at least one.
        nearest: of each, with its distance.
    """
    places = np.linspace(0, len(clips[0]) - 1, min(_COLUMNS, len(clips[0]))).round().astype(int)
    height, width = clips[0].shape[1:3]
    rows = 2 if nearest else 1
    block = rows * (height + _GAP) + _HEAD
    sheet = Image.new("RGB", (len(places) * (width + _GAP), len(clips) * block), "white")
    pen = ImageDraw.Draw(sheet)
    for number, clip in enumerate(clips):
        text = f"sample {number}"
        shown = [clip]
        if nearest:
            shown.append(nearest[number][0])
            text += f"; nearest real clip below, RMS {nearest[number][1]:.1f}"
        top = number * block
        pen.text((0, top), text, fill="black")
        for row, one in enumerate(shown):
            for column, place in enumerate(places):
                corner = (column * (width + _GAP), top + _HEAD + row * (height + _GAP))
                sheet.paste(Image.fromarray(one[place]), corner)
    return sheet
