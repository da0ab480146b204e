"""The report's plots: a film's alignment, and counts per label."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from avtool.core.report.figures import ACCENT, INK, SOFT, WARM, drawing, svg

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

_MOST_BARS = 30


def alignment_figure(plot: dict[str, Any]) -> "Markup":
    """Speech in the audio against dialogue captions, before and after, and the correlation by offset.

    Args:
        plot: what `avtool.mining.sync.plot_data.alignment_plot` gave.
    """
    with drawing(9.0, 2.3) as figure:
        film, curve = figure.subplots(ncols=2, width_ratios=(3, 1))
        minutes = np.linspace(0, plot["duration"] / 60, len(plot["speech"]))
        _strip(film, minutes, plot["speech"], 2, ACCENT)
        _strip(film, minutes, plot["after"], 1, WARM)
        _strip(film, minutes, plot["before"], 0, SOFT)
        film.set_yticks([0.4, 1.4, 2.4], ["captions\nas given", "captions\nin time", "speech\nheard"])
        film.spines["left"].set_visible(False)
        film.tick_params(axis="y", length=0)
        film.set(xlabel="minutes", xlim=(0, plot["duration"] / 60), ylim=(-0.1, 3))
        if plot["curve"]:
            curve.plot(plot["offsets"], plot["curve"], color=INK, linewidth=0.8)
            curve.set(xlabel="offset in seconds", title="correlation")
            curve.title.set_fontsize(9)
        else:
            curve.set_axis_off()
        return svg(figure)


def _strip(axes: "Axes", x: Any, shares: Sequence[float], base: float, colour: str) -> None:
    axes.fill_between(x, base, base + 0.85 * np.asarray(shares), color=colour, step="mid", linewidth=0)


def count_figure(counts: Sequence[tuple[str, int]]) -> "Markup":
    """Horizontal bars of the most frequent labels."""
    shown = list(counts)[:_MOST_BARS]
    with drawing(4.3, 0.45 + 0.19 * len(shown)) as figure:
        axes = figure.subplots()
        places = range(len(shown))
        bars = axes.barh(places, [count for _, count in shown], color=ACCENT, height=0.72)
        axes.bar_label(bars, padding=3, fontsize=8)
        axes.set_yticks(places, [label for label, _ in shown])
        axes.set(ylim=(len(shown) - 0.4, -0.6), xticks=[])
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.margins(x=0.12)
        return svg(figure)
