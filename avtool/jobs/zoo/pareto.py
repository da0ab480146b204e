"""The rows that no other row beats in two columns of `bench.csv`, as a page."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avtool.core.errors import BadInputError
from avtool.core.registry import nearest_hint
from avtool.core.report.figures import ACCENT, SOFT, drawing, log_x, svg
from avtool.core.report.page import write_page
from avtool.jobs.zoo.outputs import check_page
from avtool.jobs.zoo.timing import LESS_IS_BETTER, NUMBERS

_TEMPLATE = Path(__file__).with_name("pareto.html")
_MOST_NAMES = 25


@dataclass(frozen=True)
class Point:
    """A timing as a point.

    Attributes:
        name: of the row.
        x, y: its values.
        best: whether no other point is better in one column and as good in the other.
        cells: of `bench.csv`.
    """

    name: str
    x: float
    y: float
    best: bool
    cells: Mapping[str, str]

    @property
    def label(self) -> str:
        """What identifies it beside others of the same row."""
        return f"{self.name}, {self.cells['precision']}, batch {self.cells['batch']}"


def pareto(table: Path, x: str, y: str, out: Path, *, overwrite: bool = False) -> list[Point]:
    """Writes the page of two columns, with a point a timing, and returns the points.

    Args:
        table: `bench.csv`.
        x: column of the horizontal axis; of latency, memory, parameters and MACs less is better, of others
            more.
        y: column of the vertical axis.
        out: the HTML file to write.
        overwrite: replace an older page.

    Raises:
        BadInputError: the table cannot be read, or has no such column, or no timing has both numbers; or the
            page may not be written.
    """
    check_page(out, table, overwrite=overwrite)
    rows = _read(table)
    for column in (x, y):
        if column not in NUMBERS:
            hint = nearest_hint(column, list(NUMBERS), "avtool zoo pareto --help")
            raise BadInputError(f"`{column}` is no column of numbers of a bench", hint)
    found = [(row, _number(table, line, row, x), _number(table, line, row, y)) for line, row in rows]
    values = [(row, one, other) for row, one, other in found if one is not None and other is not None]
    if not values:
        raise BadInputError(f"no timing of `{table}` has both {x} and {y}", "time rows that have a score")
    signs = tuple(-1 if column in LESS_IS_BETTER else 1 for column in (x, y))
    scaled = [(signs[0] * one, signs[1] * other) for _, one, other in values]
    points = [
        Point(row["name"], one, other, not any(_beats(rival, own) for rival in scaled), row)
        for (row, one, other), own in zip(values, scaled, strict=True)
    ]
    best = sorted((point for point in points if point.best), key=lambda point: point.x)
    write_page(
        out, _TEMPLATE,
        title=f"{y} over {x}", x=x, y=y, figure=_figure(points, best, x, y), points=points, best=best,
        skipped=len(rows) - len(points), machine=sorted({row.get("machine", "") for _, row in rows}),
        devices=sorted({row.get("device", "") for _, row in rows}),
    )  # fmt: skip
    return points


def _beats(rival: tuple[float, float], own: tuple[float, float]) -> bool:
    return rival != own and rival[0] >= own[0] and rival[1] >= own[1]


def _read(table: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        text = table.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInputError(
            f"`{table}` cannot be read: {error.strerror}", "avtool zoo bench --out"
        ) from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"`{table}` is not in UTF-8", "avtool zoo bench --out writes one") from error
    lines = csv.DictReader(io.StringIO(text))
    if missing := [name for name in ("name", "precision", "batch") if name not in (lines.fieldnames or ())]:
        message = f"`{table}` is no table of `avtool zoo bench`: it has no column `{missing[0]}`"
        raise BadInputError(message, "avtool zoo bench --out writes one")
    return [(lines.line_num, {key: value or "" for key, value in row.items() if key}) for row in lines]


def _number(table: Path, line: int, row: Mapping[str, str], column: str) -> float | None:
    text = row.get(column, "")
    if not text:
        return None
    try:
        return float(text)
    except ValueError as error:
        message = f"`{table}`, line {line}, column `{column}`: `{text:.40}` is no number"
        raise BadInputError(message, "time the row again") from error


def _figure(points: Sequence[Point], best: Sequence[Point], x: str, y: str) -> Any:
    """The scatter plot; each point has a title, which a browser shows under the pointer."""
    from markupsafe import Markup, escape

    with drawing(9, 5) as figure:
        axes = figure.subplots()
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        if min(point.x for point in points) > 0 and max(p.x for p in points) > 20 * min(p.x for p in points):
            log_x(axes)
        axes.plot([p.x for p in best], [p.y for p in best], color=SOFT, zorder=1)
        for number, point in enumerate(points):
            colour = ACCENT if point.best else SOFT
            axes.plot(point.x, point.y, "o", color=colour, markersize=7, gid=f"point-{number}")
        for point in best[:_MOST_NAMES]:
            axes.annotate(
                point.name, (point.x, point.y), xytext=(5, 5), textcoords="offset points", fontsize=7
            )
        drawn = str(svg(figure))
    for number, point in enumerate(points):
        mark = f'<g id="point-{number}">'
        title = escape(f"{point.label}: {x} {point.x:g}, {y} {point.y:g}")
        drawn = drawn.replace(mark, f"{mark}<title>{title}</title>", 1)
    return Markup(drawn)  # noqa: S704 - of `svg`, and escaped titles
