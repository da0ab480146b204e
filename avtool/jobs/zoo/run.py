"""Rows for detection and segmentation over images and films: drawn, and as a line of JSON a frame."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.files import atomic_file, writing
from avtool.core.recipe import Recipe, option
from avtool.core.reporter import Reporter
from avtool.jobs.zoo.draw import draw
from avtool.media.still_images import is_image, read_image
from avtool.models.zoo.catalogue import find_row, need_builder

if TYPE_CHECKING:
    from avtool.models.zoo.dense_prediction import DensePredictor, Found

Image = NDArray[np.uint8]


class RunRecipe(Recipe):
    """How a row is run."""

    threshold: float = option(0.5, "Smallest score of an object.", ge=0, le=1)
    fps: float = option(5.0, "Frames a second of films.", gt=0, le=240)
    side: int | None = option(None, "Side that images are scaled to.", ge=16, le=4096)
    batch: int = option(4, "Frames at a time.", ge=1, le=256)
    device: str = option("auto", "auto, cpu, cuda or cuda:1.", pattern=r"^(auto|cpu|cuda(:\d+)?)$")


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


@dataclass(frozen=True)
class RunResult:
    """The files, and the errors of those that could not be read."""

    files: Sequence[RunFile]
    failed: Sequence[tuple[Path, AvtoolError]]


def run(
    name: str,
    sources: Sequence[Path],
    recipe: RunRecipe,
    reporter: Reporter,
    *,
    out: Path,
    weights: Path | None = None,
    pretrained: bool = False,
    options: Mapping[str, Any] | None = None,
    classes: Sequence[str] = (),
) -> RunResult:
    """Runs a row over images and films; of a film some frames are in memory at a time.

    Args:
        name: the row's name or key.
        sources: images and films.
        recipe: how it is run.
        reporter: receives progress, and the files that fail.
        out: receives `NAME.png` or `NAME.mp4`, and `NAME.jsonl`, of each file.
        weights: file of weights, or a run or model of `avtool train dense-prediction`.
        pretrained: take the published weights.
        options: keyword arguments of the row's builder.
        classes: names of classes.

    Raises:
        BadInputError: the row or its weights are wrong; the only file is; or two files have one name.
        MissingError: the device or a library is not there, or the hub cannot be reached.
    """
    _need_names_of_their_own(sources)
    predictor = open_predictor(
        name, recipe, reporter, weights=weights, pretrained=pretrained, options=options, classes=classes
    )
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    done: list[RunFile] = []
    failed: list[tuple[Path, AvtoolError]] = []
    with reporter.progress("running", len(sources)) as bar:
        for source in sources:
            try:
                done.append(
                    _run_one(predictor, source, recipe, out / f"{source.stem}-{predictor.row.key}", reporter)
                )
            except BadInputError as error:
                if len(sources) == 1:
                    raise
                reporter.warn(f"{source}: {error.message}")
                failed.append((source, error))
            bar.advance(note=source.name)
    return RunResult(done, failed)


def _need_names_of_their_own(sources: Sequence[Path]) -> None:
    """Refuses files of one name, whose outputs would replace each other."""
    first: dict[str, Path] = {}
    for source in sources:
        if (other := first.setdefault(source.stem, source)) is not source:
            message = f"`{other}` and `{source}` would both be written as `{source.stem}`"
            raise BadInputError(message, "run them one by one, with another --out each")


def open_predictor(
    name: str,
    recipe: RunRecipe,
    reporter: Reporter,
    *,
    weights: Path | None,
    pretrained: bool,
    options: Mapping[str, Any] | None,
    classes: Sequence[str],
    default_classes: Sequence[str] = (),
) -> "DensePredictor":
    """The network of a row, ready to be run; see `run`.

    A trained model brings its classes, options and size; other weights have `default_classes`.
    """
    import torch

    from avtool.models.runtime import choose_device
    from avtool.models.zoo.dense_prediction import DensePredictor
    from avtool.models.zoo.trained import trained_row

    if pretrained and weights is not None:
        raise BadInputError("--pretrained and --weights are both given", "give one of them")
    row = need_builder(find_row(name))
    device = choose_device(recipe.device)
    reporter.info(f"device: {device}")
    side = recipe.side
    trained = trained_row(weights, row) if weights is not None else None
    if trained is not None:
        weights, side = trained.weights, side or trained.side
        options, classes = {**trained.options, **(options or {})}, classes or trained.classes
    predictor = DensePredictor(
        row, weights=weights, pretrained=pretrained, side=side, options=options,
        classes=classes or default_classes, device=torch.device(device.value),
    )  # fmt: skip
    if not pretrained and weights is None:
        reporter.warn(f"`{row.name}` has random weights: give --pretrained or --weights for others")
    return predictor


def _run_one(
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
    drawn, table = (
        stem.with_name(f"{stem.name}{'.png' if still else '.mp4'}"),
        stem.with_name(f"{stem.name}.jsonl"),
    )
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
        with film_writer(drawn, FilmSettings(fps=recipe.fps, size=(height, width))) as film:
            for time, image, one in results():
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
