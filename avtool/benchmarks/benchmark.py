"""The interface of a benchmark, and the registry of all."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from inspect import getattr_static
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from pydantic import Field

from avtool.core.recipe import Recipe, read_recipe_file, validate
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


Spec = TypeVar("Spec", bound=ListedSpec)


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


@dataclass(frozen=True)
class SpecBenchmark(Generic[Spec]):
    """The benchmark of a TOML file, which is read on first use, with code that several such files share."""

    path: Path
    spec_type: type[Spec]
    settings: type[Recipe]
    function: Callable[[Spec, Any, Reporter], BenchmarkReport]
    fact_sheet: Callable[[Spec], BenchmarkFactSheet]

    @cached_property
    def spec(self) -> Spec:
        """The content of the file."""
        return validate(self.spec_type, read_recipe_file(self.path), origin=str(self.path))

    @cached_property
    def facts(self) -> BenchmarkFactSheet:
        """Its row of a listing."""
        return self.fact_sheet(self.spec)

    def run(self, settings: Recipe, reporter: Reporter) -> BenchmarkReport:
        """Runs it."""
        return self.function(self.spec, settings, reporter)


BENCHMARKS: Registry[Benchmark] = Registry(
    "benchmark",
    "avtool eval --list",
    group="avtool.benchmarks",
    accepts=lambda entry: all(getattr_static(entry, name, None) for name in ("facts", "settings", "run")),
)
"""The benchmarks of avtool and, by the entry-point group `avtool.benchmarks`, those of other packages."""


def add_specs(
    folder: Path,
    spec_type: type[Spec],
    settings: type[Recipe],
    function: Callable[[Spec, Any, Reporter], BenchmarkReport],
    fact_sheet: Callable[[Spec], BenchmarkFactSheet],
) -> None:
    """Registers a benchmark for each TOML file of a folder.

    Args:
        folder: of the files; a benchmark is named by its file.
        spec_type: the schema of the files.
        settings: of each benchmark.
        function: scores, by a file's content and settings.
        fact_sheet: the row of a listing.
    """
    for path in sorted(folder.glob("*.toml")):
        BENCHMARKS.add(path.stem, SpecBenchmark(path, spec_type, settings, function, fact_sheet))
