"""Rows of the zoo that learn images by heart, one under each heading: the table of `docs/results/zoo.md`."""

import os

import torch

from avtool.models.zoo.catalogue import find_row
from tests.zoo_headings import CLASSIFIERS, STEPS, learn_classes

EVERYTHING = bool(os.environ.get("AVTOOL_BENCH_ALL"))
"""Trains under all headings, which takes minutes; else under every fifth."""


def main() -> None:
    """Trains a row under each heading on one core, and prints a line of the table for each."""
    torch.set_num_threads(1)
    for one in CLASSIFIERS[:: 1 if EVERYTHING else 5]:
        found, row = learn_classes(one), find_row(one.key)
        cells = [
            f"{row.heading}: {one.heading}", row.name, f"{found.parameters / 1e6:.1f}", one.side, STEPS,
            f"{found.first:.2f}", f"{found.loss:.4f}", f"{found.seconds:.0f}",
        ]  # fmt: skip
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
