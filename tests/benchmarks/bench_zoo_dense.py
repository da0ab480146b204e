"""Small detectors and segmenters that learn four images by heart: the table of `docs/results/zoo.md`."""

import os
from statistics import mean

import torch

from avtool.models.zoo.catalogue import find_row
from tests.zoo_dense_rows import LESSONS, learn_four

EVERYTHING = bool(os.environ.get("AVTOOL_BENCH_ALL"))
"""Trains all rows, which takes minutes; else every fifth."""


def main() -> None:
    """Trains each row on one core, and prints a line of the table for each."""
    torch.set_num_threads(1)
    for one in LESSONS[:: 1 if EVERYTHING else 5]:
        found, row = learn_four(one), find_row(one.key)
        worst, middle = min(found.overlap), mean(found.overlap)
        kind = "GIoU" if row.task == "detection" else "IoU"
        cells = [
            f"{row.heading}: {one.heading}", row.name, f"{found.parameters / 1e6:.2f}", one.side, one.steps,
            f"{found.first:.2f}", f"{found.last:.3f}", f"{kind} {middle:.3f} ({worst:.3f})",
            f"{sum(found.right)} of 4", f"{found.seconds:.0f}",
        ]  # fmt: skip
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
