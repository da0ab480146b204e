"""Matplotlib figures as SVG inside a page, in the page's own colours."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, ACCENT, SOFT, WARM = "#3b4252", "#2f6f8f", "#b8cfd9", "#c8743a"

_VARIABLES = {INK: "--ink", ACCENT: "--accent", SOFT: "--soft", WARM: "--warm"}
"""The page's names of these colours, which differ on dark paper."""

_STYLE: Any = {
    "font.size": 9, "font.family": "sans-serif", "svg.fonttype": "none", "svg.hashsalt": "avtool",
    "text.parse_math": False,  # names of classes and files are no formulas
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": INK, "axes.labelcolor": INK,
    "xtick.color": INK, "ytick.color": INK, "text.color": INK, "legend.frameon": False,
}  # fmt: skip


@contextmanager
def plain_text() -> Iterator[None]:
    """Draws texts as they are: a `$` in a file's name begins no formula."""
    from matplotlib import rc_context

    with rc_context({"text.parse_math": False}):
        yield


@contextmanager
def drawing(width: float, height: float) -> Iterator["Figure"]:
    """A figure in the report's style, `width` by `height` inches."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        yield figure


def log_x(axes: "Axes") -> None:
    """Makes the horizontal axis logarithmic, with plain numbers: matplotlib's own labels are formulas."""
    from matplotlib.ticker import LogFormatter

    class Plain(LogFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:g}" if super().__call__(x, pos) else ""

    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(Plain())
    axes.xaxis.set_minor_formatter(Plain(minor_thresholds=(1, 0.4)))


def svg(figure: "Figure") -> "Markup":
    """The figure as an inline SVG element; equal figures give equal text."""
    from markupsafe import Markup
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context(_STYLE), warnings.catch_warnings():
        # texts stay texts, and the reader's browser has the letters that this machine's fonts lack
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        warnings.filterwarnings("ignore", "constrained_layout not applied")  # very long names of classes
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    for colour, variable in _VARIABLES.items():
        text = text.replace(f": {colour}", f": var({variable})")  # in styles, after `fill` and `stroke`
    return Markup(re.sub(r"\s*\n\s*", "\n", text))  # noqa: S704 - matplotlib escapes the texts it draws
