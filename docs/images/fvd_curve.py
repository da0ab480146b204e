"""The plot of FVD and of the energy distance against the number of clips, of reports with subsets.

`python docs/images/fvd_curve.py docs/images/fvd-curve.png real=report-real frozen=report-frozen`
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np


def draw(out: Path, reports: Mapping[str, Path]) -> None:
    """Draws a column for evenly spaced and for random subsets, a row for each distance.

    Args:
        out: the PNG.
        reports: folders of `avtool eval --set draws=N --out FOLDER`, by name.
    """
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(9, 6.4), layout="constrained", sharex=True, sharey="row")
    counts: set[int] = set()
    for name, folder in reports.items():
        metrics = json.loads((folder / "metrics.json").read_text())
        for column, kind in zip(axes.T, ("even", "random"), strict=True):
            found = metrics["subsets"][kind]
            places = [int(count) for count in found]
            counts.update(places)
            for axis, measure in zip(column, ("distance", "energy_distance"), strict=True):
                values = [found[str(count)][measure] for count in places]
                low, high = (np.array([end(row) for row in values]) for end in (min, max))
                (line,) = axis.plot(places, [np.mean(row) for row in values], "o-", ms=3, lw=1.3, label=name)
                axis.fill_between(places, low, high, color=line.get_color(), alpha=0.15, lw=0)
    for column, kind in zip(axes.T, ("evenly spaced", "random"), strict=True):
        column[0].set_title(f"{kind} subsets", fontsize=10)
        column[1].set_xlabel("clips of each side", fontsize=9)
        column[1].axhline(0, color="0.6", lw=0.6)
    axes[0, 0].set(ylabel="FVD16", xscale="log", ylim=(0, None))
    axes[1, 0].set_ylabel("energy distance", fontsize=9)
    axes[0, 0].set_xticks(sorted(counts), [str(count) for count in sorted(counts)])
    axes[0, 0].minorticks_off()
    axes[0, 1].legend(fontsize=8)
    figure.savefig(out, dpi=90)


if __name__ == "__main__":
    pairs = (word.split("=", 1) for word in sys.argv[2:])
    draw(Path(sys.argv[1]), {name: Path(folder) for name, folder in pairs})
