"""Benchmarks of dense video captioning: one protocol, and a TOML file for each set of references."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator

from avtool.benchmarks.benchmark import BenchmarkFactSheet, add_specs
from avtool.benchmarks.dense_captions.spec import DenseCaptionSpec
from avtool.core.errors import BadInputError
from avtool.core.paths import data_folder
from avtool.core.recipe import Recipe, listed, option
from avtool.core.reporter import Reporter
from avtool.evaluation.metrics.meteor import Backend
from avtool.evaluation.report import BenchmarkReport

if TYPE_CHECKING:
    from avtool.evaluation.dense_captions.segments import Captions


class DenseCaptionSettings(Recipe):
    """Settings of dense captioning."""

    data: Annotated[tuple[Path, ...], BeforeValidator(listed)] = option(
        (),
        "References: a file for each annotator, or their folder.  [default: in AVTOOL_DATA]",
        flag="--data",
    )
    predictions: Path | None = option(
        None, "Submission to score (JSON), or a folder with one.", flag="--predictions"
    )
    model: Path | None = option(None, "Caption --videos by this model, and score that.", flag="--model")
    videos: Path | None = option(None, "Folder of videos, named by their ids.", flag="--videos")
    device: str = option("auto", "auto, cpu, cuda or cuda:1.", flag="--device")
    meteor_backend: Backend = option(
        "python",
        "METEOR and tokens by python, or by the Java programs of published numbers.",
        flag="--meteor-backend",
    )
    seed: int = option(0, "Seed of the random word of METEOR 2021.", flag="--seed", ge=0)
    name: str | None = option(None, "Name of what is scored, in tables.  [default: its file's]")


def run(spec: DenseCaptionSpec, settings: DenseCaptionSettings, reporter: Reporter) -> BenchmarkReport:
    """Scores a submission.

    Raises:
        BadInputError: submission or references are absent, unreadable, or of other videos.
        MissingError: METEOR's data or Java is not installed.
    """
    from avtool.benchmarks.dense_captions.report import dense_caption_report
    from avtool.evaluation.dense_captions.protocol import DenseCaptionProtocol
    from avtool.evaluation.dense_captions.segments import read_references
    from avtool.evaluation.metrics.caption_tokens import open_tokeniser
    from avtool.evaluation.metrics.meteor import open_meteor

    files = _files(spec, settings.data) if settings.predictions or settings.model else []
    references = [read_references(file, spec.subset) for file in files]
    submission, path = _predictions(settings, references, reporter)
    if not any(submission.keys() & one.keys() for one in references):
        names = f"`{next(iter(submission), '')}` and `{next(iter(references[0]))}`"
        message = f"`{path}` and the references have no video in common ({names})"
        raise BadInputError(message, "give references of the same videos, named alike")
    protocol = DenseCaptionProtocol(
        open_meteor(settings.meteor_backend, reporter),
        open_tokeniser(settings.meteor_backend),
        seed=settings.seed,
    )
    scores = protocol.score(submission, references, reporter)
    return dense_caption_report(
        settings.name or path.stem,
        spec,
        scores,
        submission,
        references,
        files,
        settings.meteor_backend,
    )


def _predictions(
    settings: DenseCaptionSettings, references: Sequence["Captions"], reporter: Reporter
) -> tuple["Captions", Path]:
    """The predictions, and where they are from."""
    from avtool.benchmarks.dense_captions.captioning import caption_videos
    from avtool.evaluation.dense_captions.segments import read_submission

    if (settings.predictions is None) == (settings.model is None):
        given = "both are" if settings.model else "neither is"
        message = f"{given} given of --predictions and --model"
        raise BadInputError(message, "give a submission in JSON, or a --model with --videos")
    if settings.predictions is not None:
        path = _submission(settings.predictions)
        return read_submission(path), path
    assert settings.model is not None
    if settings.videos is None:
        raise BadInputError("--model captions videos, and none are given", "give --videos FOLDER")
    videos = list(dict.fromkeys(video for one in references for video in one))
    submission = caption_videos(settings.model, settings.videos, videos, settings.device, reporter)
    return submission, settings.model


def _submission(path: Path) -> Path:
    """The submission in a folder, such as a `predictions` artifact; a file stays itself."""
    if not path.is_dir():
        return path
    files = [file for file in sorted(path.glob("*.json")) if file.name != "artifact.json"]
    if len(files) != 1:
        message = f"`{path}` has {len(files)} JSON files, and a submission is one"
        raise BadInputError(message, "name the file")
    return files[0]


def _files(spec: DenseCaptionSpec, given: tuple[Path, ...]) -> list[Path]:
    """The files of references."""
    if given and not any(path.is_dir() for path in given):
        return list(given)
    folders = list(given) or [data_folder() / name for name in spec.folders]
    found = [folder / name for folder in folders for name in spec.references]
    found = [path for path in found if path.is_file()][: spec.annotators]
    if not found:
        message = f"the references of {spec.title} are not in `{folders[0]}`"
        raise BadInputError(message, f"give --data {','.join(spec.references[: spec.annotators])}")
    return found


add_specs(
    Path(__file__).parent,
    DenseCaptionSpec,
    DenseCaptionSettings,
    run,
    partial(
        BenchmarkFactSheet.of,
        data="captioned segments (JSON)",
        protocols=("predictions", "caption"),
        metric="METEOR 2021",
    ),
)
