"""Files of what a row finds in an image or a film: drawn, and as a line of JSON a frame."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.files import atomic_file
from avtool.core.reporter import Reporter
from avtool.jobs.zoo.draw import draw
from avtool.jobs.zoo.recipes import RunRecipe
from avtool.media.probe import probe
from avtool.media.still_images import is_image, read_image

if TYPE_CHECKING:
    from avtool.models.zoo.dense_prediction import DensePredictor, Found

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class RunFile:
    """An image or film that a row was run over.

    Attributes:
        source: the file.
        drawn: the file with boxes and masks drawn.
        found: a JSON line a frame.
        frames: how many.
        objects: boxes, or segments, in all frames.
    """

    source: Path
    drawn: Path
    found: Path
    frames: int
    objects: int


def files_of(source: Path, stem: Path) -> tuple[Path, Path]:
    """What is drawn of an image or a film, and the lines of what was found in it."""
    drawn = ".png" if is_image(source) else ".mp4"
    return stem.with_name(f"{stem.name}{drawn}"), stem.with_name(f"{stem.name}.jsonl")


def run_over(
    predictor: "DensePredictor", source: Path, recipe: RunRecipe, stem: Path, reporter: Reporter
) -> RunFile:
    """Runs over an image or a film, and writes what was found as it is found."""
    from avtool.inference.windows import in_batches
    from avtool.media.encode import FilmSettings, film_writer

    still = is_image(source)
    frames = iter([(0.0, read_image(source))]) if still else _frames_of(source, recipe.fps, reporter)
    batches = in_batches(frames, recipe.batch)
    first = next(batches, None)
    if first is None:
        raise BadInputError(f"`{source}` has no frames", "give an image or a film")
    drawn, table = files_of(source, stem)
    count = objects = 0
    height, width = (side // 2 * 2 for side in first[0][1].shape[:2])

    def results() -> Iterator[tuple[float, Image, "Found"]]:
        for batch in chain([first], batches):
            found = predictor.predict([image for _, image in batch], recipe.threshold)
            for (time, image), one in zip(batch, found, strict=True):
                yield time, image, one

    with atomic_file(table) as partial, partial.open("w", encoding="utf-8") as lines:
        if still:
            time, image, one = next(results())
            lines.write(_line(time, one))
            _save(drawn, draw(image, one))
            return RunFile(source, drawn, table, 1, len(one.boxes) + len(one.segments))
        total = probe(source).duration_s
        settings = FilmSettings(fps=recipe.fps, size=(height, width))
        with film_writer(drawn, settings) as film, reporter.progress("running", total) as bar:
            for time, image, one in results():
                bar.advance(1 / recipe.fps, note=source.name)
                lines.write(_line(time, one))
                film.frame(draw(image, one)[:height, :width])
                count += 1
                objects += len(one.boxes) + len(one.segments)
    return RunFile(source, drawn, table, count, objects)


def _frames_of(path: Path, fps: float, reporter: Reporter) -> Iterator[tuple[float, Image]]:
    from avtool.media.video_frames import iter_frames

    return iter_frames(path, fps=fps, reporter=reporter)


def _line(time: float, found: "Found") -> str:
    """A frame as JSON: times in seconds, boxes in pixels, segments by their share of the image."""
    value = {
        "time": round(time, 4),
        "boxes": [
            {"label": one.label, "score": round(one.score, 4),
             "box": [round(side, 1) for side in (one.left, one.top, one.right, one.bottom)]}
            for one in found.boxes
        ],
        "segments": [
            {"label": one.label, "score": None if one.score is None else round(one.score, 4),
             "share": round(float(one.mask.mean()), 5)}
            for one in found.segments
        ],
    }  # fmt: skip
    return json.dumps(value, ensure_ascii=False) + "\n"


def _save(path: Path, image: Image) -> None:
    from PIL import Image as Pillow

    with atomic_file(path) as partial:
        Pillow.fromarray(image).save(partial, "PNG")
