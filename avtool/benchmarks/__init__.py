"""Benchmarks: data, folds, protocols and published numbers, run end to end.

A benchmark of known protocols is a TOML file (`spec.py` has its keys): in this folder, in another package,
which announces it by an entry point of the group `avtool.benchmarks`, or anywhere (`--benchmark my.toml`).
Those that need code of their own are the folders whose `benchmark.py` adds a `CodeBenchmark`, or one for each
TOML file by `add_specs`.
"""

from pathlib import Path

from avtool.benchmarks.benchmark import BENCHMARKS
from avtool.benchmarks.toml_benchmark import OWN_DATA, add_tables, find_benchmark

__all__ = ["BENCHMARKS", "OWN_DATA", "add_tables", "find_benchmark"]

BENCHMARKS.live_in("avtool.benchmarks", "benchmark")
add_tables(Path(__file__).parent)
