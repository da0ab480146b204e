"""Benchmarks of known protocols: a TOML file each."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from avtool.benchmarks.benchmark import BENCHMARKS, Benchmark, BenchmarkFactSheet
from avtool.benchmarks.settings import complete, settings_of
from avtool.benchmarks.spec import BenchmarkSpec, read_spec
from avtool.core.recipe import Recipe
from avtool.core.reporter import Reporter
from avtool.evaluation.report import BenchmarkReport


@dataclass(frozen=True)
class TomlBenchmark:
    """A benchmark of known protocols: a TOML file, read on first use."""

    path: Path

    @cached_property
    def spec(self) -> BenchmarkSpec:
        """The content of the file."""
        return read_spec(self.path)

    @cached_property
    def facts(self) -> BenchmarkFactSheet:
        """Its row of a listing."""
        spec = self.spec
        return BenchmarkFactSheet.of(
            spec,
            data=spec.data.reader or "predictions",
            protocols=tuple(spec.protocols),
            metric=next(iter(spec.protocols.values())).metric,
        )

    @cached_property
    def settings(self) -> type[Recipe]:
        """The keys of `EvalRecipe` that it takes."""
        return settings_of(self.spec)

    def run(self, settings: Recipe, reporter: Reporter) -> BenchmarkReport:
        """Runs it."""
        from avtool.benchmarks.runner.run import run_benchmark

        return run_benchmark(self.path.stem, self.spec, complete(self.spec, settings), reporter)


OWN_DATA = TomlBenchmark(Path(__file__).parent / "runner" / "predictions.toml")
"""Scores predictions on one's own data, without published numbers."""


def add_tables(folder: Path) -> None:
    """Registers the TOML files of a folder; another package calls it in the module of its entry point."""
    for path in sorted(folder.glob("*.toml")):
        BENCHMARKS.add(path.stem, TomlBenchmark(path))


def find_benchmark(name: str) -> Benchmark:
    """A registered benchmark, or that of a TOML file.

    Raises:
        BadInputError: there is none; the message offers the nearest names.
    """
    return TomlBenchmark(Path(name)) if name.endswith(".toml") else BENCHMARKS.find(name)
