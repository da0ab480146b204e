"""Caption streams inside a film: which there are, which one to take, and its cues."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from av.container import InputContainer
from av.error import FFmpegError
from av.sidedata.sidedata import Type
from av.stream import Disposition

from avtool.core.errors import BadInputError
from avtool.media.captions import cea608, packets
from avtool.media.captions.cue import Captions
from avtool.media.captions.draft import Draft
from avtool.media.container import ReadLog, decoded, film_start, film_time, open_media
from avtool.media.languages import bcp47, same_language

Kind = Literal["text", "bitmap", "cea608", "other"]

_BITMAP_CODECS = {"hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle", "xsub"}
_NAMES = {"hdmv_pgs_subtitle": "PGS", "dvd_subtitle": "VobSub", "dvb_subtitle": "DVB", "eia_608": "CEA-608"}
_SDH_TITLE = re.compile(r"\b(SDH|CC|HoH|closed captions?|hard of hearing|hearing impaired)\b", re.IGNORECASE)
_FRAMES_TO_LOOK_AT = 24
_PACKETS_TO_LOOK_AT = 20_000
_CODECS_WITH_CEA608 = {"h264", "hevc", "mpeg2video", "mpeg1video", "av1"}
_UNKNOWN, _WEBVTT_IN_MP4 = "unknown", "wvtt"


@dataclass(frozen=True, slots=True)
class CaptionStream:
    """A stream of captions in a container.

    Attributes:
        index: the stream's number in the container; for CEA-608 inside the video that of the video.
        codec: FFmpeg's name of the codec, or what the packets look like where FFmpeg has none.
        language: BCP 47, or "".
        title: what the container calls it, or "".
        default, forced: the container's flags; forced ones translate only what is foreign in the film.
        hearing_impaired: whether the flags, the title or the kind mark described sounds.
        kind: `text` and `cea608` can be read; `bitmap` would need OCR, `other` has no decoder.
    """

    index: int
    codec: str
    language: str = ""
    title: str = ""
    default: bool = False
    forced: bool = False
    hearing_impaired: bool = False
    kind: Kind = "text"

    @property
    def readable(self) -> bool:
        """Whether its cues can be read."""
        return self.kind in ("text", "cea608")

    def __str__(self) -> str:
        language = self.language or "no language"
        marks = [mark for mark, on in (("SDH", self.hearing_impaired), ("forced", self.forced)) if on]
        return f"#{self.index} ({', '.join([language, _NAMES.get(self.codec, self.codec), *marks])})"


def list_caption_streams(path: Path) -> list[CaptionStream]:
    """All caption streams of a film, also those that cannot be read.

    Raises:
        BadInputError: the file cannot be opened as a film.
    """
    with open_media(path) as container:
        candidates = [stream for stream in container.streams if _may_be_captions(stream)]
        described = [_described(path, stream) for stream in candidates]
        streams = [stream for stream in described if stream is not None]
        videos = [stream.index for stream in container.streams.video if _may_hold_cea608(stream)]
    streams += [
        CaptionStream(index, "eia_608", hearing_impaired=True, kind="cea608")
        for index in videos
        if _has_cea608(path, index)
    ]
    return sorted(streams, key=lambda stream: stream.index)


def choose_caption_stream(
    streams: Sequence[CaptionStream], language: str = "en", *, for_dialogue: bool = False
) -> CaptionStream:
    """The stream to learn sounds from: in the language, not forced, describing sounds, the default.

    Args:
        streams: those of a film.
        language: the wanted one.
        for_dialogue: prefer a stream that does not describe sounds.

    Raises:
        BadInputError: there is none that can be read.
    """
    readable = [stream for stream in streams if stream.readable]
    if not readable:
        found = f"only {', '.join(map(str, streams))}" if streams else "none"
        is_bitmap = any(stream.kind == "bitmap" for stream in streams)
        hint = "OCR is not offered: give a text file" if is_bitmap else "give a caption file"
        raise BadInputError(f"the film has no caption stream that can be read: {found}", hint)

    def preference(stream: CaptionStream) -> tuple[int, bool, bool, bool]:
        fits = 2 if same_language(stream.language, language) else int(not stream.language)
        return fits, not stream.forced, stream.hearing_impaired is not for_dialogue, stream.default

    return max(readable, key=preference)  # the first of equals


def read_caption_stream(path: Path, index: int, *, keep_rows: bool = False) -> Captions:
    """Reads a caption stream; film time zero is the container's start.

    Args:
        path: the film.
        index: of the stream in the container.
        keep_rows: whether rows that roll-up captions repeat stay, as the stream has them.

    Raises:
        BadInputError: there is no such stream, or none that can be read.
    """
    streams = list_caption_streams(path)
    described = next((stream for stream in streams if stream.index == index), None)
    if described is None:
        found = ", ".join(map(str, streams)) or "none at all"
        raise BadInputError(f"{path} has no caption stream #{index}", f"caption streams: {found}")
    if not described.readable:
        why = "is a bitmap: OCR is not offered" if described.kind == "bitmap" else "has no decoder"
        others = ", ".join(str(stream) for stream in streams if stream.readable)
        raise BadInputError(
            f"caption stream {described} of {path} {why}",
            f"readable: {others}" if others else "give a text file",
        )
    name, language = f"{path} stream #{index}", described.language
    draft = Draft(name, "utf-8", described.codec, language=language, keep_rows=keep_rows)
    with open_media(path) as container:
        stream: Any = container.streams[index]
        start = film_start(container)
        if described.kind == "text":
            return packets.read(container, stream, described.codec, start, draft)
        draft.format, draft.encoding = "cea608", "CEA-608"
        cea608.read_pairs(packets.until_damage(_caption_data(container, stream, start, draft), draft), draft)
        return draft.finish()


def _caption_data(
    container: InputContainer, stream: Any, start: Fraction, draft: Draft
) -> Iterator[tuple[float, bytes]]:
    """The CEA-608 codes of a video stream or of captions, with their film times."""
    if stream.type == "video":
        stream.thread_type = "AUTO"
        log = ReadLog()
        for frame in decoded(container, stream, log):
            side_data = frame.side_data.get(Type.A53_CC)
            time = film_time(frame, start)
            if side_data is not None and time is not None:
                yield time, bytes(side_data)
        draft.count("stream cut off", bool(log.stopped))
        return
    for packet in container.demux(stream):
        if packet.pts is not None:
            yield float(packet.pts * packet.time_base - start), bytes(packet)


def _may_be_captions(stream: Any) -> bool:
    """Captions by FFmpeg's codec, or data of an unknown one: WebVTT in MP4 comes so."""
    return stream.type == "subtitle" or (stream.type == "data" and stream.name is None)


def _described(path: Path, stream: Any) -> CaptionStream | None:
    """What a stream is; None for data that is no captions."""
    context = stream.codec_context
    codec = context.codec.canonical_name if context is not None else _codec_by_content(path, stream.index)
    if stream.type == "data" and codec != _WEBVTT_IN_MP4:
        return None
    title = stream.metadata.get("title", "") or stream.metadata.get("handler_name", "")
    if codec in _BITMAP_CODECS:
        kind: Kind = "bitmap"
    elif codec == "eia_608":
        kind = "cea608"
    else:
        kind = "other" if codec == _UNKNOWN else "text"
    flags = stream.disposition
    is_sdh = bool(flags & (Disposition.hearing_impaired | Disposition.captions) or _SDH_TITLE.search(title))
    return CaptionStream(
        index=stream.index,
        codec=codec,
        language=bcp47(stream.metadata.get("language", "")),
        title=stream.metadata.get("title", ""),
        default=bool(flags & Disposition.default),
        forced=bool(flags & Disposition.forced),
        hearing_impaired=is_sdh or kind == "cea608",
        kind=kind,
    )


def _codec_by_content(path: Path, index: int) -> str:
    """What a stream is for which FFmpeg has no decoder: WebVTT and TTML are text that needs none."""
    data = _first_packet(path, index)
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "ttml"
    if data[4:8] in (b"vttc", b"vtte"):
        return _WEBVTT_IN_MP4
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _UNKNOWN
    return "webvtt" if text and text.replace("\n", " ").isprintable() else _UNKNOWN


def _first_packet(path: Path, index: int) -> bytes:
    """The content of a stream's first packet; empty if none comes early in the film."""
    with open_media(path) as container:
        early = islice(container.demux(), _PACKETS_TO_LOOK_AT)
        try:
            return next(
                (bytes(packet) for packet in early if packet.stream.index == index and packet.size), b""
            )
        except (FFmpegError, IndexError):  # the latter for a stream that the header did not announce
            return b""


def _may_hold_cea608(stream: Any) -> bool:
    context = stream.codec_context
    is_cover = stream.disposition & Disposition.attached_pic
    return context is not None and not is_cover and context.codec.canonical_name in _CODECS_WITH_CEA608


def _has_cea608(path: Path, index: int) -> bool:
    """Whether the first frames carry caption codes."""
    with open_media(path) as container:
        frames = islice(decoded(container, container.streams[index], ReadLog()), _FRAMES_TO_LOOK_AT)
        try:
            return any(frame.side_data.get(Type.A53_CC) is not None for frame in frames)
        except IndexError:  # a stream that the header did not announce
            return False
