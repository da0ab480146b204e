"""The curves of a run as figures of its report."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from avtool.core.report.figures import ACCENT, INK, WARM, drawing, svg

if TYPE_CHECKING:
    from markupsafe import Markup

_NO_TERMS = {"step", "epoch", "split"}
_CHANCE = "_chance"
_FIRST = ("loss",)
_LAST = ("grad_norm", "lr")


def curve_figures(lines: Sequence[Mapping[str, Any]]) -> "list[tuple[str, Markup]]":
    """A figure for each number of the log, the loss first.

    Args:
        lines: of `metrics.jsonl`. A number called `x_chance` is drawn as the level of `x`.
    """
    names = list(dict.fromkeys(name for line in lines for name in line if name not in _NO_TERMS))
    shown = [name for name in names if not name.endswith(_CHANCE)]
    middle = [name for name in shown if name not in (*_FIRST, *_LAST)]
    ordered = [name for name in (*_FIRST, *middle, *_LAST) if name in shown]
    return [(name.replace("_", " "), _curve(lines, name)) for name in ordered]


def _curve(lines: Sequence[Mapping[str, Any]], name: str) -> "Markup":
    with drawing(4.3, 2.0) as figure:
        axes = figure.subplots()
        for split, colour in (("train", ACCENT), ("val", WARM)):
            points = [
                (line["step"], line[name])
                for line in lines
                if line["split"] == split and line.get(name) is not None
            ]
            if points:
                marker = "o" if len(points) < 3 else ""
                axes.plot(*zip(*points, strict=True), color=colour, linewidth=1.3, marker=marker, label=split)
        levels = [line[name + _CHANCE] for line in lines if line.get(name + _CHANCE) is not None]
        if levels:
            axes.axhline(levels[-1], color=INK, linewidth=0.8, linestyle=":", label="chance")
        axes.set_xlabel("steps")
        if name not in _LAST:
            axes.legend(fontsize=8, loc="best")
        return svg(figure)
