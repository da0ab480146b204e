"""What every benchmark looks like: its settings, its run, and a report to print, save or look at."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avtool.core.errors import BadInputError
from avtool.core.recipe import Recipe
from avtool.core.registry import nearest_hint
from avtool.core.reporter import Reporter


@dataclass(frozen=True)
class Table:
    """A table of a report; numbers stay numbers, so that JSON keeps them."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A clip with a wrong answer.

    Attributes:
        clip_id: of the clip.
        label: what it is.
        answer: what the model said.
        certainty: the probability the model gave its answer.
        label_probability: the probability it gave the label.
        media: the clip's sound file, or None where it is not at hand.
    """

    clip_id: str
    label: str
    answer: str
    certainty: float
    label_probability: float
    media: Path | None = None


@dataclass(frozen=True)
class BenchmarkReport:
    """What a benchmark found.

    Attributes:
        headline: the result in one line.
        metrics: every number, for machines; a page draws those that it knows (`metric_figures`).
        tables: what people read: ours beside peers, floors and published numbers.
        notes: protocol, provenance, and what the numbers do not say.
        mistakes: the most certain ones, to look at and to listen to.
    """

    headline: str
    metrics: Mapping[str, Any]
    tables: Sequence[Table]
    notes: Sequence[str] = field(default=())
    mistakes: Sequence[Mistake] = field(default=())


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


_PROTOCOLS = "avtool.evaluation.protocols"

BENCHMARKS = {
    "caption-sync": Benchmark(
        "Synchronisation of captions on generated films, beside ffsubsync.",
        "avtool.evaluation.caption_sync.benchmark",
    ),
    "esc50": Benchmark(
        "Environmental sounds, five official folds: a network from scratch, beside classical floors.",
        "avtool.jobs.benchmarks.esc50",
    ),
    "fingerprint": Benchmark(
        "Finding distorted clips again by an encoder's features, beside landmarks, chroma and a hash.",
        "avtool.jobs.benchmarks.fingerprint",
    ),
    "ucf101": Benchmark(
        "Actions, three official splits: an encoder fine-tuned, probed, or asked for neighbours.",
        "avtool.jobs.benchmarks.ucf101",
    ),
    "hmdb51": Benchmark(
        "Actions, three official splits: an encoder fine-tuned, probed, or asked for neighbours.",
        "avtool.jobs.benchmarks.hmdb51",
    ),
    "imagenet-folder": Benchmark(
        "Images in a folder a class: an encoder fine-tuned or probed.",
        "avtool.jobs.benchmarks.imagenet_folder",
    ),
    "sams-tags": Benchmark(
        "Labelling of caption tags by sound, source and quality (SAM-S), beside the authors' method.",
        "avtool.evaluation.sams_tags.benchmark",
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
