"""Rows for detection and segmentation over images and films: drawn, and as a line of JSON a frame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avtool.core.artifact import CARD, read_artifact
from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.files import writing
from avtool.core.reporter import Reporter
from avtool.data.readers.media_index import list_media
from avtool.jobs.zoo.found_files import RunFile, files_of, run_over
from avtool.jobs.zoo.outputs import check_files
from avtool.jobs.zoo.predictor import open_predictor
from avtool.jobs.zoo.recipes import RunRecipe
from avtool.media.suffixes import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from avtool.models.zoo.catalogue import find_row, need_builder


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
    overwrite: bool = False,
    weights: Path | None = None,
    pretrained: bool = False,
    options: Mapping[str, Any] | None = None,
    classes: Sequence[str] = (),
) -> RunResult:
    """Runs a row over images and films; of a film some frames are in memory at a time.

    Args:
        name: the row's name or key.
        sources: images and films, and folders of them.
        recipe: how it is run.
        reporter: receives progress, and the files that fail.
        out: receives `NAME.png` or `NAME.mp4`, and `NAME.jsonl`, of each file.
        overwrite: replace such files.
        weights: file of weights, or a run or model of `avtool train dense-prediction`.
        pretrained: take the published weights.
        options: keyword arguments of the row's builder.
        classes: names of classes.

    Raises:
        BadInputError: the row, its weights or the only file are wrong; or two files have one name, or an
            output exists.
        MissingError: the device or a library is not there, or the hub cannot be reached.
    """
    sources = [file for source in sources for file in _files_at(source, out)]
    _need_names_of_their_own(sources)
    if not any(source.exists() for source in sources):
        raise BadInputError(f"`{sources[0]}` does not exist", "give images or films")
    row = need_builder(find_row(name))
    stems = {source: out / f"{source.stem}-{row.key}" for source in sources}
    files = (file for source, stem in stems.items() for file in files_of(source, stem))
    check_files(out, files, sources, overwrite=overwrite)
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
                done.append(run_over(predictor, source, recipe, stems[source], reporter))
            except BadInputError as error:
                if len(sources) == 1:
                    raise
                reporter.warn(f"{source}: {error.message}")
                failed.append((source, error))
            bar.advance(note=source.name)
    return RunResult(done, failed)


def _files_at(source: Path, out: Path) -> list[Path]:
    """A file, or the images and films under a folder, without those of an earlier output in it.

    Raises:
        BadInputError: a folder has none, or is an artifact.
    """
    if not source.is_dir():
        return [source]
    if (source / CARD).is_file():
        message = f"`{source}` is a {read_artifact(source).kind} artifact of avtool"
        raise BadInputError(message, "give images, films, or a folder of them")
    names = list_media(source, {*IMAGE_SUFFIXES, *VIDEO_SUFFIXES})
    found = [file for name in names if not _is_drawn(file := source / name, source, out)]
    if not found:
        suffixes = ", ".join((*IMAGE_SUFFIXES[:3], *VIDEO_SUFFIXES[:3]))
        raise BadInputError(f"`{source}` holds no image or film", f"they end in {suffixes} and the like")
    return found


def _is_drawn(file: Path, source: Path, out: Path) -> bool:
    """Whether a file under `source` is one of `out`: it has lines beside it, or `out` is a folder therein."""
    file, source, out = file.resolve(), source.resolve(), out.resolve()
    if out != source and out.is_relative_to(source):
        return file.is_relative_to(out)
    return file.parent == out and file.with_suffix(".jsonl").is_file()


def _need_names_of_their_own(sources: Sequence[Path]) -> None:
    """Refuses files of one name, whose outputs would replace each other."""
    first: dict[str, Path] = {}
    for source in sources:
        if (other := first.setdefault(source.stem, source)) is not source:
            message = f"`{other}` and `{source}` would both be written as `{source.stem}`"
            raise BadInputError(message, "run them one by one, with another --out each")
