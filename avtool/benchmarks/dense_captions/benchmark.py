"""Benchmarks of dense video captioning: one protocol, and a TOML file for each set of references."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator

from avtool.benchmarks.benchmark import BENCHMARKS, BenchmarkFactSheet
from avtool.benchmarks.dense_captions.spec import DenseCaptionSpec
from avtool.core.errors import BadInputError
from avtool.core.paths import data_folder
from avtool.core.recipe import Recipe, listed, option, read_recipe_file, validate
from avtool.core.reporter import Reporter
from avtool.evaluation.metrics.meteor import Backend
from avtool.evaluation.report import BenchmarkReport

if TYPE_CHECKING:
    from avtool.evaluation.dense_captions.segments import Captions

_FOLDER = Path(__file__).parent


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


@dataclass(frozen=True)
class DenseCaptionBenchmark:
    """The benchmark of a TOML file."""

    path: Path

    @cached_property
    def spec(self) -> DenseCaptionSpec:
        """The content of the file."""
        return validate(DenseCaptionSpec, read_recipe_file(self.path), origin=str(self.path))

    @property
    def settings(self) -> type[Recipe]:
        """The settings of every set."""
        return DenseCaptionSettings

    @property
    def facts(self) -> BenchmarkFactSheet:
        """Its row of a listing."""
        return BenchmarkFactSheet.of(
            self.spec,
            data="captioned segments (JSON)",
            protocols=("predictions", "caption"),
            metric="METEOR 2021",
        )

    def run(self, settings: Recipe, reporter: Reporter) -> BenchmarkReport:
        """Scores a submission.

        Raises:
            BadInputError: submission or references are absent, unreadable, or of other videos.
            MissingError: METEOR's data or Java is not installed.
        """
        from avtool.benchmarks.dense_captions.report import dense_caption_report
        from avtool.evaluation.dense_captions.protocol import DenseCaptionProtocol
        from avtool.evaluation.metrics.caption_tokens import open_tokeniser
        from avtool.evaluation.metrics.meteor import open_meteor

        assert isinstance(settings, DenseCaptionSettings), "the settings are its own"
        files = self._files(settings.data) if settings.predictions or settings.model else []
        references = [self._references(file) for file in files]
        submission, path = self._predictions(settings, references, reporter)
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
            self.spec,
            scores,
            submission,
            references,
            files,
            settings.meteor_backend,
        )

    @staticmethod
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

    def _files(self, given: tuple[Path, ...]) -> list[Path]:
        """The files of references."""
        if given and not any(path.is_dir() for path in given):
            return list(given)
        folders = list(given) or [data_folder() / name for name in self.spec.folders]
        found = [folder / name for folder in folders for name in self.spec.references]
        found = [path for path in found if path.is_file()][: self.spec.annotators]
        if not found:
            message = f"the references of {self.spec.title} are not in `{folders[0]}`"
            raise BadInputError(
                message, f"give --data {','.join(self.spec.references[: self.spec.annotators])}"
            )
        return found

    def _references(self, path: Path) -> "Captions":
        from avtool.evaluation.dense_captions.segments import read_references

        return read_references(path, self.spec.subset)


def _submission(path: Path) -> Path:
    """The submission in a folder, such as a `predictions` artifact; a file stays itself."""
    if not path.is_dir():
        return path
    files = [file for file in sorted(path.glob("*.json")) if file.name != "artifact.json"]
    if len(files) != 1:
        message = f"`{path}` has {len(files)} JSON files, and a submission is one"
        raise BadInputError(message, "name the file")
    return files[0]


for _path in sorted(_FOLDER.glob("*.toml")):
    BENCHMARKS.add(_path.stem, DenseCaptionBenchmark(_path))
