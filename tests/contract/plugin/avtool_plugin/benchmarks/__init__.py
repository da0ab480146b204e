"""Benchmarks of this package: a TOML file each."""

from pathlib import Path

from avtool.benchmarks import add_tables

add_tables(Path(__file__).parent)
