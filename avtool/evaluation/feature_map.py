"""A map of features for reports: their two main directions, coloured by class.

Principal components are a linear view without settings or chance: what lies apart on the map lies apart in
the features. Neighbourhoods that need more than two directions are not seen on it.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from avtool.core.arrays import Floats, as_scores
from avtool.core.report.figures import SOFT, drawing, svg

if TYPE_CHECKING:
    from markupsafe import Markup

_MOST_CLASSES = 20
_DOTS = "os"


def principal_map(features: ArrayLike) -> tuple[Floats, tuple[float, float]]:
    """The two main directions of features.

    Args:
        features: (N, D), at least three.

    Returns:
        (N, 2) places, and the share of the variance along each direction. The sign of a direction is chosen
        so that its largest weight is positive: equal features give equal maps.
    """
    from sklearn.decomposition import PCA

    values = as_scores(features)
    assert len(values) > 2, f"a map needs three points, not {len(values)}"
    width = min(2, values.shape[1])
    if not np.ptp(values, axis=0).any():
        return np.zeros((len(values), 2)), (0.0, 0.0)
    found = PCA(width, svd_solver="full").fit(values)
    largest = np.abs(found.components_).argmax(axis=1)
    signs = np.sign(found.components_[np.arange(width), largest])
    places = np.zeros((len(values), 2))
    places[:, :width] = found.transform(values) * signs
    shares = [*found.explained_variance_ratio_.tolist(), 0.0]
    return places, (shares[0], shares[1])


def map_values(features: ArrayLike, labels: Sequence[str] = ()) -> dict[str, Any]:
    """The map as plain values, for a report's metrics: `places`, `shares` of the variance, `labels`."""
    places, shares = principal_map(features)
    return {"places": np.round(places, 4).tolist(), "shares": list(shares), "labels": list(labels)}


def map_figure(features: ArrayLike, labels: Sequence[str] = ()) -> "Markup":
    """The map as a figure; with more than 20 classes, or none, all points look alike.

    Args:
        features: (N, D).
        labels: (N,) class names, or none.
    """
    return draw_map(map_values(features, labels))


def draw_map(values: Mapping[str, Any]) -> "Markup":
    """Draws what `map_values` gave."""
    from matplotlib import colormaps

    places, labels = np.array(values["places"]), np.array(values["labels"])
    names = sorted(set(values["labels"]))
    with drawing(6.4, 4.6) as figure:
        axes = figure.subplots()
        if 0 < len(names) <= _MOST_CLASSES:
            colours = colormaps["tab10"].colors  # type: ignore[attr-defined]
            for number, name in enumerate(names):
                x, y = places[labels == name].T
                look = {"color": colours[number % 10], "marker": _DOTS[number // 10]}
                axes.scatter(x, y, s=16, label=name.replace("_", " "), **look)
            axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
        else:
            axes.scatter(places[:, 0], places[:, 1], s=14, color=SOFT)
        first, second = values["shares"]
        axes.set(xlabel=f"first direction ({first:.0%})", ylabel=f"second ({second:.0%})")
        axes.set(xticks=[], yticks=[])
        return svg(figure)
