"""The benchmark of an autoencoder of videos, registered."""

from functools import partial
from pathlib import Path

from avtool.benchmarks.benchmark import BENCHMARKS, BenchmarkFactSheet, CodeBenchmark, ListedSpec
from avtool.benchmarks.video_reconstruction.settings import VideoReconstructionSettings
from avtool.core.recipe import read_recipe_file, validate
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport


def run(spec: ListedSpec, settings: VideoReconstructionSettings, reporter: Reporter) -> BenchmarkReport:
    """Reconstructs clips and scores the result.

    Raises:
        BadInputError: the videos, the autoencoder or the network are absent or unusable.
        MissingError: the device is not there.
    """
    from avtool.benchmarks.video_reconstruction.reconstruct import score

    return score(spec, settings, reporter)


_path = Path(__file__).with_name("video-reconstruction.toml")
_spec = validate(ListedSpec, read_recipe_file(_path), origin=str(_path))
_facts = BenchmarkFactSheet.of(
    _spec, data="the videos of the training", protocols=("reconstruct",), metric="PSNR"
)
BENCHMARKS.add(_path.stem, CodeBenchmark(_facts, VideoReconstructionSettings, partial(run, _spec)))
