"""UCF101: a pretrained video encoder on its three official divisions."""

from avtool.core.reporter import Reporter
from avtool.evaluation.benchmark import BenchmarkReport
from avtool.jobs.benchmarks.action import ActionSettings, run_action


class Settings(ActionSettings):
    """UCF101."""


def run(settings: Settings, reporter: Reporter) -> BenchmarkReport:
    """Evaluates an encoder on UCF101.

    Raises:
        AvtoolError: the data set or the encoder cannot be used, or a training failed.
    """
    return run_action("ucf101", "UCF101", settings, reporter)
