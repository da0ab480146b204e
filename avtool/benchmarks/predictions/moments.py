"""`avtool eval --benchmark moments`."""

from avtool.core.reporter import Reporter
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.predictions_file import read_predictions
from avtool.evaluation.protocols.settings import PredictionSettings, Protocol
from avtool.evaluation.protocols.single_label import evaluate_single_label
from avtool.evaluation.report import BenchmarkReport

PROTOCOL = Protocol(
    "moments",
    "Moments in Time",
    num_classes=339,
    num_clips=33900,
    rule="Top-1 and top-5 accuracy over the validation clips.",
)


class Settings(PredictionSettings):
    """`moments`."""


def evaluate_predictions(predictions: Predictions, *, name: str = "ours", seed: int = 0) -> BenchmarkReport:
    """Scores predictions on Moments in Time's validation clips."""
    return evaluate_single_label(predictions, PROTOCOL, name, seed)


def run(settings: Settings, reporter: Reporter) -> BenchmarkReport:  # noqa: ARG001 - a benchmark's signature
    """Scores a `predictions` artifact."""
    return evaluate_predictions(read_predictions(settings.folder), name=settings.name, seed=settings.seed)
