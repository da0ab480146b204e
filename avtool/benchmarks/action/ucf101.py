"""UCF101: a pretrained video encoder on its three official divisions."""

from avtool.benchmarks.action.benchmark import ActionSettings, run_action
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport


class Settings(ActionSettings):
    """UCF101."""


def run(settings: Settings, reporter: Reporter) -> BenchmarkReport:
    """Evaluates an encoder on UCF101.

    Raises:
        AvtoolError: the data set or the encoder cannot be used, or a training failed.
    """
    return run_action("ucf101", "UCF101", settings, reporter)
