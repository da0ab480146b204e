"""The benchmark of continuations, registered."""

from functools import partial
from pathlib import Path

from avtool.benchmarks.benchmark import BenchmarkFactSheet, ListedSpec, add_specs
from avtool.benchmarks.video_continuation.settings import VideoContinuationSettings
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport


def run(spec: ListedSpec, settings: VideoContinuationSettings, reporter: Reporter) -> BenchmarkReport:
    """Continues clips and scores the result.

    Raises:
        BadInputError: the videos, the model or the encoder are absent or unusable.
        MissingError: the device is not there.
    """
    from avtool.benchmarks.video_continuation.compare import score

    return score(spec, settings, reporter)


add_specs(
    Path(__file__).parent,
    ListedSpec,
    VideoContinuationSettings,
    run,
    partial(BenchmarkFactSheet.of, data="the videos of the training", protocols=("continue",), metric="PSNR"),
)
