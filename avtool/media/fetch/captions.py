"""The choice of a film's caption track from yt-dlp's description of the film, without the network."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

CaptionKind = Literal["human", "automatic", "none"]
CAPTION_FORMATS = ("vtt", "srt", "ttml", "dfxp", "ass", "ssa", "sbv", "scc", "stl", "smi", "sami")
"""The formats that avtool reads, the best first."""
UNDETERMINED = "und"

_SDH = re.compile(
    r"(?<![a-z])(sdh|hoh|cc\d?|closed[ _-]?captions?|hard[ _-]of[ _-]hearing|hearing[ _-]impaired|deaf)"
    r"(?![a-z])",
    re.IGNORECASE,
)
_FORCED = re.compile(r"(?<![a-z])forced(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CaptionTrack:
    """A caption track that can be downloaded.

    Attributes:
        kind: `human` (written by people) or `automatic` (by speech recognition or translation).
        language: the publisher's language tag, reduced to letters, digits and hyphens.
        ext: one of `CAPTION_FORMATS`.
        source: yt-dlp's own record of the track: its `url` or its `data`.
    """

    kind: CaptionKind
    language: str
    ext: str
    source: Mapping[str, Any]


def choose_captions(
    info: Mapping[str, Any], language: str, *, allow_automatic: bool = False
) -> CaptionTrack | None:
    """The best caption track of a film, or None.

    Tracks by people come before automatic ones; then tracks for deaf and hard-of-hearing viewers, which name
    the sounds; then the very language requested, before its regions; then the format; then the publisher's
    order. Tracks of forced subtitles (only the foreign lines of a film) come last. A track of undetermined
    language is taken only when none is known to match.
    """
    kinds: list[tuple[CaptionKind, str]] = [("human", "subtitles")]
    if allow_automatic:
        kinds.append(("automatic", "automatic_captions"))
    for kind, key in kinds:
        tracks = list(_tracks(info.get(key) or {}, kind))
        for wanted in (language, UNDETERMINED):
            matching = [track for track in tracks if matches_language(track.language, wanted)]
            if matching:
                return min(matching, key=lambda track: _rank(track, wanted))
    return None


def matches_language(tag: str, wanted: str) -> bool:
    """Whether a language tag is `wanted` or a region or variant of it; `eng` is `en`."""
    have, want = _subtags(tag), _subtags(wanted)
    return have[: len(want)] == want


def _subtags(tag: str) -> list[str]:
    from yt_dlp.utils import ISO639Utils

    primary, *rest = re.split(r"[^a-z0-9]+", tag.lower())
    return [ISO639Utils.long2short(primary) or primary, *rest]


def _tracks(languages: Mapping[str, Any], kind: CaptionKind) -> Iterator[CaptionTrack]:
    for tag, sources in languages.items():
        safe_tag = re.sub(r"[^A-Za-z0-9]+", "-", tag).strip("-")[:40] or UNDETERMINED
        for source in sources or ():
            on_the_web = str(source.get("url", "")).lower().startswith(("http://", "https://"))
            if source.get("ext") in CAPTION_FORMATS and (on_the_web or source.get("data")):
                yield CaptionTrack(kind, safe_tag, source["ext"], source)


def _rank(track: CaptionTrack, wanted: str) -> tuple[bool, bool, int, int]:
    """The smaller, the better; Python's `min` keeps the publisher's order among equals."""
    words = (
        f"{track.language} {track.source.get('name') or ''} {urlsplit(track.source.get('url') or '').path}"
    )
    rest = _subtags(track.language)[len(_subtags(wanted)) :]
    variant = 0 if not rest else 1 if rest == ["orig"] else 2
    return (
        bool(_FORCED.search(words)),
        not _SDH.search(words),
        variant,
        CAPTION_FORMATS.index(track.ext),
    )
