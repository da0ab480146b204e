"""The benchmarks: their names, their settings, and how each is run."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from avtool.core.errors import BadInputError
from avtool.core.recipe import Recipe
from avtool.core.registry import nearest_hint
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport


@dataclass(frozen=True)
class Benchmark:
    """A registered benchmark.

    Attributes:
        summary: one line for the listing.
        module: the module with `Settings` (a recipe model) and `run(settings, reporter)`.
    """

    summary: str
    module: str

    def settings(self) -> type[Recipe]:
        """Its settings model."""
        schema: type[Recipe] = importlib.import_module(self.module).Settings
        return schema

    def run(self, settings: Recipe, reporter: Reporter) -> BenchmarkReport:
        """Runs it."""
        function: Callable[[Recipe, Reporter], BenchmarkReport] = importlib.import_module(self.module).run
        return function(settings, reporter)


_PROTOCOLS = "avtool.benchmarks.predictions"

BENCHMARKS = {
    "caption-sync": Benchmark(
        "Synchronisation of captions on generated films, beside ffsubsync.",
        "avtool.benchmarks.caption_sync.benchmark",
    ),
    "esc50": Benchmark(
        "Environmental sounds, five official folds: a network from scratch, beside classical floors.",
        "avtool.benchmarks.esc50.benchmark",
    ),
    "fingerprint": Benchmark(
        "Finding distorted clips again by an encoder's features, beside landmarks, chroma and a hash.",
        "avtool.benchmarks.fingerprint.benchmark",
    ),
    "ucf101": Benchmark(
        "Actions, three official splits: an encoder fine-tuned, probed, or asked for neighbours.",
        "avtool.benchmarks.action.ucf101",
    ),
    "hmdb51": Benchmark(
        "Actions, three official splits: an encoder fine-tuned, probed, or asked for neighbours.",
        "avtool.benchmarks.action.hmdb51",
    ),
    "imagenet-folder": Benchmark(
        "Images in a folder a class: an encoder fine-tuned or probed.",
        "avtool.benchmarks.imagenet_folder",
    ),
    "sams-tags": Benchmark(
        "Labelling of caption tags by sound, source and quality (SAM-S), beside the authors' method.",
        "avtool.benchmarks.sams_tags.benchmark",
    ),
    "audioset": Benchmark(
        "Predictions on AudioSet's evaluation clips: mAP, mAUC, d′.", f"{_PROTOCOLS}.audioset"
    ),
    "sam-s": Benchmark("Predictions on SAM-S: mAP, mAUC, d′ over 120 sounds.", f"{_PROTOCOLS}.sam_s"),
    "vggsound": Benchmark("Predictions on VGGSound's test clips: top-1, top-5.", f"{_PROTOCOLS}.vggsound"),
    "kinetics": Benchmark("Predictions on Kinetics-400: top-1, top-5.", f"{_PROTOCOLS}.kinetics"),
    "moments": Benchmark("Predictions on Moments in Time: top-1, top-5.", f"{_PROTOCOLS}.moments"),
    "epic-kitchens": Benchmark(
        "Predictions on EPIC-Kitchens-100: verbs, nouns, actions.", f"{_PROTOCOLS}.epic_kitchens"
    ),
}


def find_benchmark(name: str) -> Benchmark:
    """The benchmark of this name.

    Raises:
        BadInputError: there is none; the message offers the nearest ones.
    """
    if name not in BENCHMARKS:
        hint = nearest_hint(name, list(BENCHMARKS), "avtool eval --list")
        raise BadInputError(f"no benchmark is called `{name}`", hint)
    return BENCHMARKS[name]
