"""The page of a benchmark's report: tables, figures of its metrics, and mistakes to listen to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avtool.core.report.page import write_page
from avtool.core.reporter import Reporter
from avtool.evaluation.mistakes import mistake_table
from avtool.evaluation.players import SAMPLE_RATE, make_players
from avtool.evaluation.report import BenchmarkReport, Table
from avtool.evaluation.report_figures import metric_figures

_TEMPLATE = Path(__file__).parent / "report.html"


def write_report_page(
    path: Path,
    name: str,
    report: BenchmarkReport,
    settings: Mapping[str, Any],
    reporter: Reporter,
    *,
    images: Sequence[tuple[str, str]] = (),
    links: Sequence[tuple[str, str]] = (),
) -> None:
    """Writes the page.

    Args:
        path: the HTML file.
        name: its title.
        report: what to show.
        settings: those of the benchmark, by key.
        reporter: warned of clips that cannot be played.
        images: titles, and data URIs of the images.
        links: titles of other pages, and their addresses relative to this one.
    """
    players = make_players(report.mistakes, reporter)
    playable = {player.mistake.clip_id for player in players}
    silent = [mistake for mistake in report.mistakes if mistake.clip_id not in playable]
    write_page(
        path,
        _TEMPLATE,
        name=name,
        report=report,
        figures=metric_figures(report.metrics),
        players=players,
        images=images,
        links=links,
        tables=[_aligned(table) for table in (*report.tables, *([mistake_table(silent)] if silent else []))],
        nyquist=f"{SAMPLE_RATE / 2000:.0f}",
        settings=dict(_flat(settings)),
    )


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Settings by dotted key, as people write them; without those that are empty."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif value not in (None, "", (), []):
            words = map(str, value) if isinstance(value, list | tuple) else [str(value)]
            yield prefix + key, {"True": "on", "False": "off"}.get(text := ", ".join(words), text)


@dataclass(frozen=True)
class _Cell:
    """What a cell shows, and whether its column holds numbers."""

    text: str
    numeric: bool


def _aligned(table: Table) -> Table:
    """The table with cells for the page: the numbers of a column have equally many decimals."""
    columns = [_column([row[place] for row in table.rows]) for place in range(len(table.columns))]
    return Table(table.title, table.columns, list(zip(*columns, strict=True)))


def _column(values: Sequence[Any]) -> list[_Cell]:
    numeric = any(isinstance(value, int | float) for value in values)
    plain = [text for value in values if isinstance(value, float) and "e" not in (text := repr(value))]
    decimals = max((len(text.partition(".")[2]) for text in plain), default=0)
    return [_Cell(_text(value, decimals), numeric) for value in values]


def _text(value: Any, decimals: int) -> str:
    return f"{value:.{decimals}f}" if isinstance(value, float) and "e" not in repr(value) else str(value)
