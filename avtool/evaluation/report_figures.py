"""Figures of a benchmark's report, drawn from its metrics: the confusion matrix and each class's score."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from avtool.core.report.figures import ACCENT, INK, drawing, svg
from avtool.evaluation.feature_map import draw_map

if TYPE_CHECKING:
    from markupsafe import Markup

_MOST_BARS = 60
_MOST_NUMBERS = 20


def metric_figures(metrics: Mapping[str, Any]) -> "list[tuple[str, Markup]]":
    """Titles and figures of what the metrics hold.

    Args:
        metrics: of a `BenchmarkReport`: `confusion` {classes, counts} and `per_class`
            [{class, clips, accuracy or average_precision}] are drawn, those of each of its `parts`, a
            `feature_map` (`avtool.evaluation.feature_map.map_values`), and `curves` (`curve_figure`).
    """
    figures = []
    for part, values in metrics.get("parts", {}).items():
        figures += [(f"{part}: {title}", figure) for title, figure in metric_figures(values)]
    if confusion := metrics.get("confusion"):
        figures.append(
            ("which class is taken for which", confusion_figure(confusion["classes"], confusion["counts"]))
        )
    if found := metrics.get("feature_map"):
        figures.append(("the two main directions of the features", draw_map(found)))
    if curves := metrics.get("curves"):
        figures.append((f"{curves['y']} against {curves['x']}", curve_figure(curves)))
    if per_class := metrics.get("per_class"):
        measure = "accuracy" if "accuracy" in per_class[0] else "average_precision"
        values = [(row["class"], row[measure]) for row in per_class if row[measure] is not None]
        title = f"{measure.replace('_', ' ')} of each class in %"
        if len(values) > _MOST_BARS:
            values = sorted(values, key=lambda pair: pair[1])[:_MOST_BARS]
            title = f"{title}, the {_MOST_BARS} worst"
        figures.append((title, class_figure(values)))
    return figures


def confusion_figure(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> "Markup":
    """A square of true (rows) against predicted classes (columns), shaded by share of the row.

    Args:
        classes: (C,) names.
        counts: (C, C) clips.
    """
    from matplotlib.colors import to_rgb

    table = np.asarray(counts)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    # A tint of one colour by its opacity: the page's paper, light or dark, shows through.
    tint = np.dstack([np.broadcast_to(to_rgb(ACCENT), (*table.shape, 3)), shares])
    size = min(9.0, 2.2 + 0.34 * len(classes))
    with drawing(size, size) as figure:
        axes = figure.subplots()
        axes.imshow(tint, interpolation="none")
        places = range(len(classes))
        font = 8 if len(classes) <= _MOST_NUMBERS else 7
        axes.set_xticks(places, [_words(name) for name in classes], rotation=90, fontsize=font)
        axes.set_yticks(places, [_words(name) for name in classes], fontsize=font)
        axes.set(xlabel="predicted", ylabel="true")
        axes.tick_params(length=0)
        if len(classes) <= _MOST_NUMBERS:
            for row, column in np.argwhere(table):
                colour = "white" if shares[row, column] > 0.5 else INK
                axes.text(
                    column, row, str(table[row, column]), ha="center", va="center", color=colour, fontsize=7
                )
        return svg(figure)


def curve_figure(curves: Mapping[str, Any]) -> "Markup":
    """Lines with bands from their lowest to their highest value, over a logarithmic axis of counts.

    Args:
        curves: `x` and `y`, names of the axes; `lines`, each with a `name` and `points` [x, mean, low, high].
    """
    with drawing(6.4, 3.8) as figure:
        axes = figure.subplots()
        for line in curves["lines"]:
            x, centre, low, high = np.array(line["points"], np.float64).T
            (drawn,) = axes.plot(x, centre, marker="o", markersize=3, linewidth=1.3, label=line["name"])
            axes.fill_between(x, low, high, color=drawn.get_color(), alpha=0.15, linewidth=0)
        ticks = sorted({int(point[0]) for line in curves["lines"] for point in line["points"]})
        axes.set_xscale("log", base=2)
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.set(xlabel=curves["x"], ylabel=curves["y"])
        axes.legend(fontsize=8, loc="best")
        return svg(figure)


def class_figure(values: Sequence[tuple[str, float]]) -> "Markup":
    """Horizontal bars of a share for each class, the lowest first.

    Args:
        values: (class, share from 0 to 1).
    """
    shown = sorted(values, key=lambda pair: pair[1])
    with drawing(5.2, 0.5 + 0.19 * len(shown)) as figure:
        axes = figure.subplots()
        places = range(len(shown))
        bars = axes.barh(places, [100 * share for _, share in shown], color=ACCENT, height=0.72)
        axes.bar_label(bars, fmt="%.0f", padding=3, fontsize=8)
        axes.set_yticks(places, [_words(name) for name, _ in shown])
        axes.set(xlim=(0, 108), ylim=(len(shown) - 0.4, -0.6), xticks=[])
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        return svg(figure)


def _words(name: str) -> str:
    return name.replace("_", " ")
