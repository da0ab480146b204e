"""`avtool eval --benchmark vggsound`."""

from avtool.core.reporter import Reporter
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.predictions_file import read_predictions
from avtool.evaluation.protocols.settings import PredictionSettings, Protocol
from avtool.evaluation.protocols.single_label import evaluate_single_label
from avtool.evaluation.report import BenchmarkReport

PROTOCOL = Protocol(
    "vggsound",
    "VGGSound",
    num_classes=309,
    num_clips=15446,
    rule="Top-1 and top-5 accuracy over the test clips that could still be had.",
)


class Settings(PredictionSettings):
    """`vggsound`."""


def evaluate_predictions(predictions: Predictions, *, name: str = "ours", seed: int = 0) -> BenchmarkReport:
    """Scores predictions on VGGSound's test clips."""
    return evaluate_single_label(predictions, PROTOCOL, name, seed)


def run(settings: Settings, reporter: Reporter) -> BenchmarkReport:  # noqa: ARG001 - a benchmark's signature
    """Scores a `predictions` artifact."""
    return evaluate_predictions(read_predictions(settings.folder), name=settings.name, seed=settings.seed)
