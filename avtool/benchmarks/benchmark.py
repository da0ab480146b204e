"""The interface of a benchmark, and the registry of all."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import getattr_static
from typing import Any, Protocol

from pydantic import Field

from avtool.core.recipe import Recipe
from avtool.core.registry import Registry
from avtool.core.reporter import Reporter
from avtool.evaluation.published import PublishedResult
from avtool.evaluation.report import BenchmarkReport


class ListedSpec(Recipe):
    """What the TOML file of any benchmark has for its row of a listing."""

    title: str = Field(description="Its name for people.", min_length=1)
    summary: str = Field(description="One line for the listing.", min_length=1)
    licence: str = Field("", description="Of the data.")
    published: dict[str, tuple[PublishedResult, ...]] = Field(
        default_factory=dict, description="Published tables by name."
    )


@dataclass(frozen=True)
class BenchmarkFactSheet:
    """A benchmark in a listing.

    Attributes:
        title: its name for people.
        summary: one line.
        data: where its data come from: a layout of `avtool prepare`, `predictions`, or words.
        protocols: how models are scored.
        metric: the main one.
        published: rows of others, of all its protocols.
        licence: of the data; empty where it is not stated.
    """

    title: str
    summary: str
    data: str
    protocols: tuple[str, ...]
    metric: str
    published: tuple[PublishedResult, ...] = ()
    licence: str = ""

    @classmethod
    def of(
        cls, spec: ListedSpec, *, data: str, protocols: tuple[str, ...], metric: str
    ) -> "BenchmarkFactSheet":
        """The row of a benchmark's TOML file."""
        published = tuple(row for rows in spec.published.values() for row in rows)
        return cls(spec.title, spec.summary, data, protocols, metric, published, spec.licence)


class Benchmark(Protocol):
    """What the registry holds."""

    @property
    def facts(self) -> BenchmarkFactSheet:
        """Its row of a listing."""

    @property
    def settings(self) -> type[Recipe]:
        """Its settings, of which some have flags."""

    def run(self, settings: Recipe, reporter: Reporter) -> BenchmarkReport:
        """Runs it.

        Raises:
            AvtoolError: its data or its settings cannot be used, or a training failed.
        """


@dataclass(frozen=True)
class CodeBenchmark:
    """A benchmark with code of its own."""

    facts: BenchmarkFactSheet
    settings: type[Recipe]
    function: Callable[[Any, Reporter], BenchmarkReport]

    def run(self, settings: Recipe, reporter: Reporter) -> BenchmarkReport:
        """Runs it."""
        return self.function(settings, reporter)


BENCHMARKS: Registry[Benchmark] = Registry(
    "benchmark",
    "avtool eval --list",
    group="avtool.benchmarks",
    accepts=lambda entry: all(getattr_static(entry, name, None) for name in ("facts", "settings", "run")),
)
"""The benchmarks of avtool and, by the entry-point group `avtool.benchmarks`, those of other packages."""
