"""`avtool eval --benchmark sam-s`."""

from avtool.core.reporter import Reporter, Silent
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.predictions_file import read_predictions
from avtool.evaluation.protocols.multi_label import evaluate_multi_label
from avtool.evaluation.protocols.settings import PredictionSettings, Protocol
from avtool.evaluation.report import BenchmarkReport

PROTOCOL = Protocol(
    "sam-s",
    "SAM-S",
    num_classes=120,
    num_clips=8309,
    rule=(
        "The 120 most frequent of 245 sound classes: mean over classes of step-wise average precision and of "
        "ROC area; d′ = √2 Φ⁻¹(mAUC)."
    ),
)


class Settings(PredictionSettings):
    """`sam-s`."""


def evaluate_predictions(
    predictions: Predictions, *, name: str = "ours", reporter: Reporter | None = None
) -> BenchmarkReport:
    """Scores predictions on the clips of SAM-S's test films."""
    return evaluate_multi_label(predictions, PROTOCOL, reporter or Silent(), name)


def run(settings: Settings, reporter: Reporter) -> BenchmarkReport:
    """Scores a `predictions` artifact."""
    return evaluate_predictions(read_predictions(settings.folder), name=settings.name, reporter=reporter)
