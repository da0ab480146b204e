"""VGGSounder, of the three predictions of a model."""

from pathlib import Path

from avtool.benchmarks.benchmark import BENCHMARKS, BenchmarkFactSheet, CodeBenchmark
from avtool.core.errors import BadInputError
from avtool.core.recipe import Recipe, option, read_recipe_file, validate
from avtool.core.reporter import Reporter
from avtool.evaluation.published import BenchmarkFacts, PublishedResult
from avtool.evaluation.report import BenchmarkReport

_CLASSES, _CLIPS = 309, 12014


class VGGSounderSettings(Recipe):
    """`vggsounder`."""

    data: Path | None = option(None, "vggsounder.csv, or the folder that holds it.", flag="--data")
    audio: Path | None = option(None, "Predictions from audio: `predict --modality audio`.", flag="--audio")
    video: Path | None = option(None, "Predictions from video: `predict --modality video`.", flag="--video")
    predictions: Path | None = option(None, "Predictions from both.", flag="--predictions")
    music: bool = option(False, "Score clips with background music too; the paper leaves them out.")
    name: str | None = option(None, "Name of the model, in tables.  [default: its predictions' file]")


class _Published(Recipe):
    results: tuple[PublishedResult, ...]


def _published() -> tuple[PublishedResult, ...]:
    path = Path(__file__).with_name("published.toml")
    return validate(_Published, read_recipe_file(path), origin=str(path)).results


def run(settings: VGGSounderSettings, reporter: Reporter) -> BenchmarkReport:  # noqa: ARG001 - nothing to report
    """Scores the three predictions.

    Raises:
        BadInputError: the table or an artifact cannot be used.
    """
    from avtool.benchmarks.vggsounder.evaluate import evaluate_vggsounder

    given = {
        "--data": settings.data,
        "--audio": settings.audio,
        "--video": settings.video,
        "--predictions": settings.predictions,
    }
    if lacking := [flag for flag, value in given.items() if value is None]:
        message = f"VGGSounder needs {', '.join(lacking)}"
        hint = "give its labels, and predictions of audio, of video and of both (`avtool predict --modality`)"
        raise BadInputError(message, hint)
    assert settings.data and settings.audio and settings.video and settings.predictions  # noqa: PT018 - checked
    facts = BenchmarkFacts(
        "VGGSounder",
        _CLASSES,
        _CLIPS,
        rule=(
            "One predicted label a clip: subset accuracy, micro F1 and hits on labels that are heard (a), "
            "seen (v), both (av), heard or seen only; μ: hits of one modality that both together miss."
        ),
        notes=("Published rows hold for the labels of version 0.1.6, without clips with background music.",),
        published=_published(),
    )
    modes = {"audio": settings.audio, "video": settings.video, "both": settings.predictions}
    name = settings.name or settings.predictions.name
    return evaluate_vggsounder(settings.data, modes, facts, name, music=settings.music)


BENCHMARKS.add(
    "vggsounder",
    CodeBenchmark(
        BenchmarkFactSheet(
            title="VGGSounder",
            summary="Several labels a clip, heard or seen: a model's predictions from audio, video and both.",
            data="predictions in three modes",
            protocols=("predictions",),
            metric="F1 av",
            published=_published(),
            licence="Apache 2.0 (labels)",
        ),
        VGGSounderSettings,
        run,
    ),
)
