"""Reconstructions of several files on one sheet."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from avtool.core.files import atomic_file
from avtool.core.report.figures import plain_text
from avtool.inference.reconstruction import VIEWS, Pixels, Reconstruction

_MARK = ("Software", "avtool reconstruct")


def write_sheet(out: Path, names: Sequence[str], found: Sequence[Reconstruction]) -> None:
    """Writes a PNG: a row for each file and modality, a column for each view, video frames side by side.

    Args:
        out: the file.
        names: of the files.
        found: the reconstructions, by modality.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows: list[tuple[str, tuple[Pixels, Pixels, Pixels]]] = [
        (name, item.rows[number]) for number, name in enumerate(names) for item in found
    ]
    heights = [4.2 * row[0].shape[0] / row[0].shape[1] + 0.25 for _, row in rows]
    with plain_text():
        figure = Figure(figsize=(13, sum(heights) + 0.9), layout="constrained", dpi=110)
        FigureCanvasAgg(figure)
        grid = figure.subplots(len(rows), 3, squeeze=False, height_ratios=heights)
        for number, (name, panels) in enumerate(rows):
            for axes, title, pixels in zip(grid[number], VIEWS, panels, strict=True):
                axes.imshow(pixels, interpolation="nearest", aspect="auto")
                axes.set(xticks=[], yticks=[], title=title if number == 0 else "")
            grid[number][0].set_ylabel(name[:24], fontsize=8)
        figure.suptitle(_note(found), fontsize=9, x=0.01, ha="left")
        with atomic_file(out) as partial:
            figure.savefig(partial, format="png", metadata=dict([_MARK]))


def is_sheet(path: Path) -> bool:
    """Whether a file is a PNG of `write_sheet`."""
    try:
        with Image.open(path) as image:
            return image.info.get(_MARK[0]) == _MARK[1]
    except (OSError, ValueError):
        return False


def _note(found: Sequence[Reconstruction]) -> str:
    words = []
    for item in found:
        level = f", trivial loss {item.trivial:.3g}" if item.trivial is not None else ""
        words.append(f"{item.modality}: loss {item.loss:.3g}{level}")
    text = "; ".join(words)
    if any(item.normalised for item in found):
        text += "\nmean and contrast of each masked patch are the true ones: the model predicts the rest"
    return text
