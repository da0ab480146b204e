"""Benchmarks of generated videos: two folders of clips, compared by FVD and IS."""

from functools import partial
from pathlib import Path

from avtool.benchmarks.benchmark import BENCHMARKS, BenchmarkFactSheet, CodeBenchmark, ListedSpec
from avtool.benchmarks.video_distance.settings import VideoDistanceSettings
from avtool.core.recipe import read_recipe_file, validate
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport


def run(spec: ListedSpec, settings: VideoDistanceSettings, reporter: Reporter) -> BenchmarkReport:
    """Compares generated videos with real ones.

    Raises:
        BadInputError: a folder, a network or clips are absent, unusable, or too few.
        MissingError: the device is not there.
    """
    from avtool.benchmarks.video_distance.compare import compare

    return compare(spec, settings, reporter)


for _path in sorted(Path(__file__).parent.glob("*.toml")):
    _spec = validate(ListedSpec, read_recipe_file(_path), origin=str(_path))
    _facts = BenchmarkFactSheet.of(
        _spec, data="two folders of videos", protocols=("generated",), metric="FVD16"
    )
    BENCHMARKS.add(_path.stem, CodeBenchmark(_facts, VideoDistanceSettings, partial(run, _spec)))
