"""Fingerprinting: distorted clips found again by an encoder's features, beside classical fingerprints."""

from avtool.benchmarks.benchmark import BENCHMARKS, BenchmarkFactSheet, CodeBenchmark
from avtool.benchmarks.fingerprint.settings import FingerprintSettings
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport


def run(settings: FingerprintSettings, reporter: Reporter) -> BenchmarkReport:
    """Reads clips, distorts them, and looks for each in the database of all.

    Raises:
        AvtoolError: there are fewer than two clips, or the encoder cannot be used.
    """
    from avtool.benchmarks.fingerprint.evaluate import evaluate_fingerprints

    return evaluate_fingerprints(settings, reporter)


BENCHMARKS.add(
    "fingerprint",
    CodeBenchmark(
        BenchmarkFactSheet(
            title="fingerprinting",
            summary="Retrieval of distorted clips by an encoder's features, beside classical fingerprints.",
            data="films and audio files",
            protocols=("retrieval",),
            metric="R@1",
        ),
        FingerprintSettings,
        run,
    ),
)
