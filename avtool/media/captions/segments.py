"""Captions in pieces: an HLS playlist of WebVTT segments, or the documents of a stream."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import inside
from avtool.media.captions.cue import Captions, Cue
from avtool.media.captions.decoding import decode
from avtool.media.captions.document import read_bounded, read_document
from avtool.media.captions.draft import MAX_CUES, shorten

_MAX_SEGMENTS = 50_000
_DURATION = re.compile(r"#EXTINF:\s*(\d{1,6}(?:\.\d{1,9})?)")
_SUBTITLES = re.compile(r'#EXT-X-MEDIA:(?=.*TYPE=SUBTITLES).*URI="([^"]*)"')
_REFUSED = {
    "#EXT-X-BYTERANGE": "byte ranges",
    "#EXT-X-KEY:METHOD=AES": "encrypted segments",
    "#EXT-X-KEY:METHOD=SAMPLE": "encrypted segments",
}


@dataclass(frozen=True, slots=True)
class _Segment:
    """One segment of a playlist.

    Attributes:
        uri: its name as in the playlist.
        begin_s: where it begins on the playlist's time line, in seconds.
        period: how many discontinuities come before it: at each the clock may restart.
    """

    uri: str
    begin_s: float
    period: int


def read_caption_segments(playlist: Path) -> Captions:
    """Reads a caption playlist (HLS, RFC 8216): all segments joined, cues repeated at borders given once.

    Segments are looked for in the playlist's folder only, never on a network. Where the clock restarts
    at a discontinuity, times come from the playlist's durations, right to within a segment.

    Raises:
        BadInputError: it is no media playlist of captions, or a segment is missing or broken.
    """
    segments = _segments(playlist)
    read: list[Captions] = []
    repairs: Counter[str] = Counter()
    num_cues = 0
    for segment in segments:
        path = _beside(playlist, segment.uri)
        captions = read_document(str(path), read_bounded(path))
        if captions is None:
            raise BadInputError(
                f"{path} is an HLS playlist: its segments lie beside the file", "give its path"
            )
        read.append(captions)
        repairs.update(captions.repairs)
        num_cues += len(captions.cues)
        if num_cues > MAX_CUES:
            raise BadInputError(f"{playlist} has more than {MAX_CUES} cues", "no film needs so many")
    del repairs["overlap (kept)"]  # repeated cues overlap, and they go
    offset_s = next(
        (captions.mpegts_offset_s for captions in read if captions.mpegts_offset_s is not None), None
    )
    pieces = _on_one_clock(segments, read, offset_s, repairs)
    cues = join_cues(pieces)
    repairs["cue repeated at a segment border skipped"] += sum(map(len, pieces)) - len(cues)
    return Captions(
        cues=tuple(cues),
        format=read[0].format,
        encoding=read[0].encoding,
        source=str(playlist),
        language=next((captions.language for captions in read if captions.language), ""),
        repairs={what: times for what, times in repairs.items() if times},
        mpegts_offset_s=offset_s,
    )


def join_cues(pieces: Iterable[Sequence[Cue]]) -> list[Cue]:
    """The cues of consecutive pieces in time order.

    A cue that spans a border stands in both pieces, whole (then one copy goes) or cut in two there (then
    the two become one).
    """
    joined: list[Cue] = []
    seen: set[Cue] = set()
    ends: dict[Cue, int] = {}  # a cue without its start → where it stands in `joined`
    for piece in pieces:
        new = [cue for cue in piece if cue not in seen]
        new_ends: dict[Cue, int] = {}
        for cue in new:
            index = ends.get(replace(cue, start_ms=0, end_ms=cue.start_ms))
            if index is None:
                index = len(joined)
                joined.append(cue)
            else:
                joined[index] = replace(joined[index], end_ms=cue.end_ms)
            new_ends[replace(cue, start_ms=0)] = index
        ends |= new_ends
        seen.update(new)
    return sorted(joined, key=lambda cue: cue.start_ms)


def _segments(playlist: Path) -> list[_Segment]:
    text = decode(read_bounded(playlist), str(playlist)).text
    if text.lstrip()[:7] != "#EXTM3U":
        raise BadInputError(f"{playlist} is not an HLS playlist", "its first line must be #EXTM3U")
    if named := _SUBTITLES.findall(text):
        raise BadInputError(
            f"{playlist} is a master playlist", f"give its playlist of captions: {', '.join(named[:5])}"
        )
    segments: list[_Segment] = []
    begin_s, duration_s, period = 0.0, 0.0, 0
    for line in map(str.strip, text.split("\n")):
        if found := _DURATION.match(line):
            duration_s = float(found[1])
        elif line == "#EXT-X-DISCONTINUITY":
            period += 1
        elif refused := next((what for tag, what in _REFUSED.items() if line.startswith(tag)), ""):
            raise BadInputError(f"{playlist} has {refused}", "join the captions into one WebVTT file first")
        elif line and not line.startswith("#"):
            segments.append(_Segment(line, begin_s, period))
            begin_s += duration_s
    if not 0 < len(segments) <= _MAX_SEGMENTS:
        raise BadInputError(f"{playlist} names {len(segments)} segments", f"1 to {_MAX_SEGMENTS} can be read")
    return segments


def _beside(playlist: Path, uri: str) -> Path:
    """The segment's file in the playlist's folder."""
    name = unquote(uri.partition("?")[0])
    outside = BadInputError(
        f"{playlist} names a segment outside of its folder: {shorten(uri)}", "download the segments beside it"
    )
    if "://" in uri or "\0" in name:
        raise outside
    try:
        return inside(playlist.parent, name)
    except CorruptArtifactError as error:
        raise outside from error


def _on_one_clock(
    segments: list[_Segment], read: list[Captions], offset_s: float | None, repairs: Counter[str]
) -> list[list[Cue]]:
    """The cues of each segment, on the clock of the first."""
    period_begins: dict[int, float] = {}
    for segment in segments:
        period_begins.setdefault(segment.period, segment.begin_s)
    pieces: list[list[Cue]] = []
    origin_ms: int | None = None  # the clock's time at the playlist's begin, as far as cues determine it
    period, restart_ms, latest_ms = 0, 0, 0
    for segment, captions in zip(segments, read, strict=True):
        own_offset_s = offset_s if captions.mpegts_offset_s is None else captions.mpegts_offset_s
        shift_ms = round(1000 * ((own_offset_s or 0) - (offset_s or 0)))
        cues = [_shifted(cue, shift_ms) for cue in captions.cues]
        if cues and segment.period != period:
            period, restart_ms = segment.period, 0
            if cues[0].start_ms < latest_ms:
                restart_ms = (origin_ms or 0) + round(1000 * period_begins[period])
                repairs["clock that restarts at a discontinuity"] += 1
        cues = [_shifted(cue, restart_ms) for cue in cues]
        if cues and origin_ms is None:
            origin_ms = max(0, cues[0].start_ms - round(1000 * segment.begin_s))
        latest_ms = max([latest_ms, *(cue.start_ms for cue in cues)])
        pieces.append(cues)
    return pieces


def _shifted(cue: Cue, shift_ms: int) -> Cue:
    return replace(cue, start_ms=cue.start_ms + shift_ms, end_ms=cue.end_ms + shift_ms)
