"""The benchmark of an autoencoder of videos, registered."""

from functools import partial
from pathlib import Path

from avtool.benchmarks.benchmark import BenchmarkFactSheet, ListedSpec, add_specs
from avtool.benchmarks.video_reconstruction.settings import VideoReconstructionSettings
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


add_specs(
    Path(__file__).parent,
    ListedSpec,
    VideoReconstructionSettings,
    run,
    partial(
        BenchmarkFactSheet.of, data="the videos of the training", protocols=("reconstruct",), metric="PSNR"
    ),
)
