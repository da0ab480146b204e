"""A data set with the names of ESC-10 and no sound in it."""

import csv
from pathlib import Path

from avtool.benchmarks.esc50.dataset import ESC10_CLASSES, FOLDS


def make_esc10(folder: Path, classes: tuple[str, ...] = ESC10_CLASSES) -> Path:
    """400 empty files and their table; each recording has two clips."""
    (folder / "meta").mkdir(parents=True)
    (folder / "audio").mkdir()
    rows = []
    for target, label in enumerate(classes):
        for fold in FOLDS:
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
