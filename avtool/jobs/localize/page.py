"""The page of hits: for each query the scores over the films, and a player for each hit that starts there."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import AvtoolError
from avtool.core.files import is_file
from avtool.core.report.page import data_uri, format_seconds, write_page
from avtool.core.reporter import Reporter
from avtool.data.media_files import streams_in
from avtool.inference.localisation.frame_scores import FrameScores
from avtool.jobs.localize.hits import FilmHit, QueryHits
from avtool.media.encode import FilmSettings, write_film
from avtool.media.video_frames import iter_frames
from avtool.media.waveforms import read_waveform

_TEMPLATE = Path(__file__).parent / "hits.html"
_SCRIPT = Path(__file__).parent / "hits.js"
_MOST_SECONDS = 8.0
"""Of a hit that its player plays."""
_MOST_PLAYERS = 100
_SHORT_SIDE, _FPS, _RATE = 216, 12, 24000
_COLUMNS = 600
"""Of a curve: the largest foreground of so many parts of a film."""


@dataclass(frozen=True)
class Player:
    """A hit as the page shows it.

    Attributes:
        rank: 1 for the best.
        film: its name.
        times: of the hit, for people.
        score: of it.
        source: a data URI of the film's part, or empty where it cannot be played.
        boxes: JSON of (seconds in the part, left, top, width, height in parts of the frame); empty without.
        plays: seconds of the hit that the part has, where that is not all of it.
    """

    rank: int
    film: str
    times: str
    score: str
    source: str
    boxes: str
    plays: str


@dataclass(frozen=True)
class Curve:
    """The foreground of a film, as an SVG path of 1000 x 100, and the hits as (left, width, rank)."""

    film: str
    path: str
    hits: list[tuple[float, float, int]]
    end: str


def write_hits_page(path: Path, found: Sequence[QueryHits], reporter: Reporter) -> None:
    """Writes the page; it holds all that it plays: the first seconds of each hit, small.

    Args:
        path: the HTML file.
        found: hits of each query.
        reporter: warned of films that cannot be read.
    """
    left = _MOST_PLAYERS
    sections = []
    for one in found:
        players = [_player(rank, hit, reporter, left > 0) for rank, hit in enumerate(one.hits, 1)]
        left -= len(players)
        sections.append(
            {
                "hits": one,
                "shown": _shown(one),
                "players": players,
                "curves": [_curve(film, scores, one.hits) for film, scores in one.curves.items()],
                "baseline": _baseline(one),
            }
        )
    write_page(path, _TEMPLATE, script=_SCRIPT, sections=sections)


def _player(rank: int, one: FilmHit, reporter: Reporter, playable: bool) -> Player:
    hit, film = one.hit, Path(one.film)
    seconds = min(_MOST_SECONDS, hit.end - hit.start)
    source = ""
    if playable and is_file(film):
        try:
            source = _part(film, hit.start, max(seconds, 1.0))
        except AvtoolError as error:
            reporter.warn(f"no player for {film.name} at {hit.start:.1f} s: {error}")
    boxes = [[round(number, 4) for number in (row[0] - hit.start, *row[1:])] for row in hit.boxes]
    return Player(
        rank,
        film.name,
        f"{format_seconds(hit.start)} – {format_seconds(hit.end)}",
        f"{hit.score:.2f}",
        source,
        json.dumps(boxes) if boxes else "",
        f"{seconds:g}" if hit.end - hit.start > seconds else "",
    )


def _part(film: Path, start: float, seconds: float) -> str:
    """A part of a film as WebM, small, in a data URI."""
    streams = streams_in(film)
    frames: list[NDArray[np.uint8]] = []
    if streams.video:
        spans = iter_frames(film, fps=_FPS, start=start, end=start + seconds, size=_SHORT_SIDE, threads=1)
        frames = [frame[: len(frame) // 2 * 2, : frame.shape[1] // 2 * 2] for _, frame in spans]
    audio = []
    if streams.audio:
        audio = [read_waveform(film, start, start + seconds, sample_rate=_RATE)[:, None]]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "part.webm"
        settings = FilmSettings(
            fps=_FPS, sample_rate=_RATE if audio else None, gop=_FPS, audio_bit_rate=48_000
        )
        write_film(path, settings, frames=frames, audio=audio)
        kind = "video/webm" if frames else "audio/webm"
        return data_uri(path.read_bytes(), kind)


def _curve(film: str, scores: FrameScores, hits: Sequence[FilmHit]) -> Curve:
    parts = np.array_split(scores.foreground, min(_COLUMNS, max(1, len(scores))))
    heights = [float(part.max(initial=0.0)) for part in parts]
    width = 1000 / len(heights)
    steps = "".join(f"L{place * width:.1f} {100 - 100 * height:.1f}" for place, height in enumerate(heights))
    total = max(len(scores) * scores.step, 1e-9)
    marks = [
        (1000 * one.hit.start / total, max(2.0, 1000 * (one.hit.end - one.hit.start) / total), rank)
        for rank, one in enumerate(hits, 1)
        if one.film == film
    ]
    return Curve(Path(film).name, f"M0 100{steps}L1000 100Z", marks, format_seconds(total))


def _shown(found: QueryHits) -> tuple[str, str]:
    """What an image or audio query is, as (kind of element, data URI)."""
    query = found.query
    if query.kind == "image":
        from PIL import Image

        image = Image.fromarray(query.image)
        image.thumbnail((240, 160))
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=88)
        return "image", data_uri(buffer.getvalue(), "image/jpeg")
    if query.kind == "audio":
        from avtool.media.preview import encode_mp3

        clip = query.clip
        end = clip.start + _MOST_SECONDS if clip.end is None else min(clip.end, clip.start + _MOST_SECONDS)
        waveform = read_waveform(clip.path, clip.start, end, sample_rate=_RATE)
        samples = np.clip(np.round(waveform * 32768), -32768, 32767).astype(np.int16)
        return "audio", data_uri(encode_mp3(samples, _RATE), "audio/mpeg")
    return "text", ""


def _baseline(found: QueryHits) -> str:
    """The hits of the similarity engine in a line."""
    if found.baseline is None:
        return found.note
    times = [f"{format_seconds(one.hit.start)} ({one.hit.score:.2f})" for one in found.baseline]
    return f"similarity: {', '.join(times) or 'nothing found'}"
