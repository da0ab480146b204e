"""The benchmark of continuations, registered."""

from functools import partial
from pathlib import Path

from avtool.benchmarks.benchmark import BENCHMARKS, BenchmarkFactSheet, CodeBenchmark, ListedSpec
from avtool.benchmarks.video_continuation.settings import VideoContinuationSettings
from avtool.core.recipe import read_recipe_file, validate
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


_path = Path(__file__).with_name("video-continuation.toml")
_spec = validate(ListedSpec, read_recipe_file(_path), origin=str(_path))
_facts = BenchmarkFactSheet.of(
    _spec, data="the videos of the training", protocols=("continue",), metric="PSNR"
)
BENCHMARKS.add(_path.stem, CodeBenchmark(_facts, VideoContinuationSettings, partial(run, _spec)))
