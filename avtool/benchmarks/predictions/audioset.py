"""`avtool eval --benchmark audioset`."""

from avtool.core.reporter import Reporter, Silent
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.predictions_file import read_predictions
from avtool.evaluation.protocols.multi_label import evaluate_multi_label
from avtool.evaluation.protocols.settings import PredictionSettings, Protocol
from avtool.evaluation.report import BenchmarkReport

PROTOCOL = Protocol(
    "audioset",
    "AudioSet",
    num_classes=527,
    num_clips=20371,
    rule="Mean over classes of step-wise average precision and of ROC area; d′ = √2 Φ⁻¹(mAUC).",
)


class Settings(PredictionSettings):
    """`audioset`."""


def evaluate_predictions(
    predictions: Predictions, *, name: str = "ours", reporter: Reporter | None = None
) -> BenchmarkReport:
    """Scores predictions on AudioSet's evaluation clips."""
    return evaluate_multi_label(predictions, PROTOCOL, reporter or Silent(), name)


def run(settings: Settings, reporter: Reporter) -> BenchmarkReport:
    """Scores a `predictions` artifact."""
    return evaluate_predictions(read_predictions(settings.folder), name=settings.name, reporter=reporter)
