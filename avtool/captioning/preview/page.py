"""The page of a film's captions: player with the track on, timeline, and a table of every event."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from avtool.captioning.event import CaptionPlan, Decision
from avtool.captioning.preview.strips import make_strips
from avtool.core.report.page import data_uri, format_seconds, write_page
from avtool.core.reporter import Reporter
from avtool.media.captions.writing import render_captions

_TEMPLATE = Path(__file__).parent / "preview.html"
_SCRIPT = Path(__file__).parent / "preview.js"
_LARGEST_INSIDE = 8 << 20
"""Bytes of a film that is put into the page; larger ones are played from where they are."""
_MEDIA_TYPES = {
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg",
    ".mkv": "video/x-matroska", ".mp3": "audio/mpeg", ".wav": "audio/wav", ".flac": "audio/flac",
    ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg", ".m4a": "audio/mp4",
}  # fmt: skip
_MOST_ROWS = 1000


@dataclass(frozen=True)
class Row:
    """A cue in the table with the events that it shows, or an event that is not shown."""

    start: float
    times: str
    text: str
    score: str
    rules: str
    label: str
    kept: bool


def write_preview(
    path: Path,
    plan: CaptionPlan,
    seconds: float,
    *,
    film: Path | None = None,
    language: str = "en",
    settings: Sequence[tuple[str, str]] = (),
    reporter: Reporter,
) -> None:
    """Writes the page, whose size does not grow with the film's length.

    Args:
        path: the HTML file.
        plan: the captions.
        seconds: duration of the film.
        film: the file; one of up to 8 MiB is put into the page, others are played from where they are.
        language: of the captions (BCP 47).
        settings: names and values to print, such as model and style.
        reporter: warned of frames and audio that cannot be read.
    """
    strips = make_strips(plan, seconds, film, reporter)
    rows = _rows(plan.decisions)
    track = render_captions(plan.cues, "vtt").encode()
    write_page(
        path,
        _TEMPLATE,
        script=_SCRIPT,
        media_sources="data: 'self' file:",
        title=film.name if film else path.stem,
        film=_address(film, path) if film else "",
        poster=strips[0].frames[0] if strips[0].frames else "",
        track=data_uri(track, "text/vtt;charset=utf-8"),
        language=language,
        facts=_facts(plan, seconds),
        strips=strips,
        rows=sorted(rows[:_MOST_ROWS], key=lambda row: row.start),
        num_skipped=max(0, len(rows) - _MOST_ROWS),
        num_dropped=sum(not row.kept for row in rows[:_MOST_ROWS]),
        settings=settings,
    )


def _address(film: Path, page: Path) -> str:
    """The film as the page names it: inside it, or relative to it."""
    media_type = _MEDIA_TYPES.get(film.suffix.lower(), "video/mp4")
    if film.stat().st_size <= _LARGEST_INSIDE:
        return data_uri(film.read_bytes(), media_type)
    return quote(os.path.relpath(film.resolve(), page.resolve().parent))


def _facts(plan: CaptionPlan, seconds: float) -> list[tuple[str, str]]:
    shown = sum(decision.cue is not None for decision in plan.decisions)
    above = len({id(d.cue) for d in plan.decisions if d.cue is not None}) - len(plan.sound)
    dropped: Counter[str] = Counter()
    for decision in plan.decisions:
        dropped.update(rule.removeprefix("dropped: ") for rule in decision.rules if rule.drops)
    facts = [
        ("film", format_seconds(seconds)),
        ("sound cues", f"{len(plan.sound):,}"),
        ("a minute", f"{60 * len(plan.sound) / max(seconds, 1):.1f}"),
        ("events shown", f"{shown:,} of {len(plan.decisions):,}"),
    ]
    facts += [("above dialogue", f"{above:,}")] if above > 0 else []
    return facts + [(f"dropped: {reason}", f"{count:,}") for reason, count in dropped.most_common(3)]


def _rows(decisions: Sequence[Decision]) -> list[Row]:
    """Cues first, then events that are not shown, each in time order."""
    by_cue: dict[int, list[Decision]] = {}
    for decision in decisions:
        by_cue.setdefault(id(decision.cue or decision), []).append(decision)
    rows = [_row(members) for members in by_cue.values()]
    return sorted(rows, key=lambda row: (not row.kept, row.start))


def _row(members: Sequence[Decision]) -> Row:
    event, cue = members[0].event, members[0].cue
    start, end = (cue.start_ms / 1000, cue.end_ms / 1000) if cue else (event.start, event.end)
    texts = dict.fromkeys(one.text or one.event.phrase for one in members)
    labels = dict.fromkeys(one.event.label for one in members if one.event.label)
    return Row(
        start=max(0.0, start),
        times=f"{format_seconds(start)} – {format_seconds(end)}",
        text=" ".join(texts),
        score=f"{max(one.event.score for one in members):.2f}",
        rules="; ".join(dict.fromkeys(rule for one in members for rule in one.rules)),
        label=", ".join(labels),
        kept=cue is not None,
    )
