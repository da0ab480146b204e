"""The report's plot: a film's alignment."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from avtool.core.report.figures import ACCENT, INK, SOFT, WARM, drawing, svg

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes


def alignment_figure(plot: dict[str, Any], *, narrow: bool = False) -> "Markup":
    """Speech in the audio against dialogue captions, before and after, and the correlation by offset.

    Args:
        plot: what `avtool.mining.sync.plot_data.alignment_plot` gave.
        narrow: for a telephone: the two plots one above the other.
    """
    with drawing(3.9 if narrow else 9.0, 4.2 if narrow else 2.3) as figure:
        if narrow:
            film, curve = figure.subplots(nrows=2, height_ratios=(3, 2))
        else:
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
