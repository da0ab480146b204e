"""The page of a benchmark's report: tables, figures of its metrics, and mistakes to listen to."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from avtool.core.errors import AvtoolError
from avtool.core.report.page import data_uri, write_page
from avtool.core.reporter import Reporter
from avtool.data.waveforms import read_waveform
from avtool.evaluation.benchmark import BenchmarkReport, Mistake
from avtool.evaluation.mistakes import mistake_table
from avtool.evaluation.report_figures import metric_figures
from avtool.media.preview import encode_mp3, spectrogram_png

_TEMPLATE = Path(__file__).parent / "report.html"
_SAMPLE_RATE = 22050
_LONGEST = 10.0  # seconds of a clip that a player plays


def write_report_page(
    path: Path, name: str, report: BenchmarkReport, settings: Mapping[str, Any], reporter: Reporter
) -> None:
    """Writes the page.

    Args:
        path: the HTML file.
        name: its title.
        report: what to show.
        settings: those of the benchmark, by key.
        reporter: told of clips that cannot be played.
    """
    players = list(_players(report, reporter))
    heard = {player["mistake"].clip_id for player in players}
    silent = [mistake for mistake in report.mistakes if mistake.clip_id not in heard]
    write_page(
        path,
        _TEMPLATE,
        name=name,
        report=report,
        figures=metric_figures(report.metrics),
        players=players,
        tables=[*report.tables, *([mistake_table(silent)] if silent else [])],
        nyquist=f"{_SAMPLE_RATE / 2000:.0f}",
        settings=settings,
    )


def _players(report: BenchmarkReport, reporter: Reporter) -> Iterator[dict[str, Any]]:
    for mistake in report.mistakes:
        if mistake.media is not None:
            try:
                yield _player(mistake, mistake.media)
            except AvtoolError as error:
                reporter.warn(f"no player for {mistake.clip_id}: {error}")


def _player(mistake: Mistake, media: Path) -> dict[str, Any]:
    waveform = read_waveform(media, 0.0, _LONGEST, sample_rate=_SAMPLE_RATE)
    samples = np.clip(np.round(waveform * 32768), -32768, 32767).astype(np.int16)
    return {
        "mistake": mistake,
        "sound": data_uri(encode_mp3(samples, _SAMPLE_RATE), "audio/mpeg"),
        "spectrogram": data_uri(spectrogram_png(samples, _SAMPLE_RATE), "image/png"),
    }
