"""A dataset with the names of ESC-10 and empty audio files, and its benchmark."""

import csv
from pathlib import Path

from avtool.benchmarks import find_benchmark
from avtool.benchmarks.runner.data import BenchmarkData, read_data
from avtool.benchmarks.spec import BenchmarkSpec
from avtool.benchmarks.toml_benchmark import TomlBenchmark
from avtool.core.reporter import Silent


def spec_of(name: str) -> BenchmarkSpec:
    benchmark = find_benchmark(name)
    assert isinstance(benchmark, TomlBenchmark)
    return benchmark.spec


ESC10, ESC50 = spec_of("esc10"), spec_of("esc50")


def read_esc10(folder: Path) -> BenchmarkData:
    return read_data(ESC10, folder, 1, Silent())


def make_esc10(folder: Path, classes: tuple[str, ...] = ESC10.data.labels) -> Path:
    """400 empty files and their table; each recording has two clips."""
    (folder / "meta").mkdir(parents=True)
    (folder / "audio").mkdir()
    rows = []
    for target, label in enumerate(classes):
        for fold in ESC10.data.folds:
            for number in range(8):
                source = f"{target}{fold}{number // 2}"
                name = f"{fold}-{source}-{'AB'[number % 2]}-{target}.ogg"
                (folder / "audio" / name).touch()
                rows.append([name, fold, target, label, source])
    write_table(folder, rows)
    return folder


def write_table(folder: Path, rows: list[list[object]]) -> None:
    with (folder / "meta" / "esc50.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["filename", "fold", "target", "category", "src_file"], *rows])


def read_table(folder: Path) -> list[list[object]]:
    with (folder / "meta" / "esc50.csv").open(newline="") as stream:
        return [list(row) for row in csv.reader(stream)][1:]
