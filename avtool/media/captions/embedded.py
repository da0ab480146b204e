"""Caption streams inside a film: which there are, which one to take, and its cues."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import av
from av.error import FFmpegError

from avtool.core.errors import BadInputError
from avtool.media.captions import cea608, packets
from avtool.media.captions.cue import Captions
from avtool.media.captions.draft import Draft
from avtool.media.captions.languages import bcp47, same_language

Kind = Literal["text", "bitmap", "cea608", "other"]

_BITMAP_CODECS = {"hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle", "xsub"}
_NAMES = {"hdmv_pgs_subtitle": "PGS", "dvd_subtitle": "VobSub", "dvb_subtitle": "DVB", "eia_608": "CEA-608"}
_SDH_TITLE = re.compile(r"\b(SDH|CC|HoH|closed captions?|hard of hearing|hearing impaired)\b", re.IGNORECASE)
_FRAMES_TO_LOOK_AT = 60
_PACKETS_TO_LOOK_AT = 20_000
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class CaptionStream:
    """A stream of captions in a container.

    Attributes:
        index: the stream's number in the container; for CEA-608 inside the picture that of the video.
        codec: FFmpeg's name of the codec, or what the packets look like where FFmpeg has none.
        language: BCP 47, or "".
        title: what the container calls it, or "".
        default, forced: the container's flags; forced ones translate only what is foreign in the film.
        hearing_impaired: whether the flags, the title or the kind say that sounds are described.
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

    def __str__(self) -> str:
        language = self.language or "no language"
        marks = [mark for mark, on in (("SDH", self.hearing_impaired), ("forced", self.forced)) if on]
        return f"#{self.index} ({', '.join([language, _NAMES.get(self.codec, self.codec), *marks])})"


def list_caption_streams(path: Path) -> list[CaptionStream]:
    """All caption streams of a film, also those that cannot be read.

    Raises:
        BadInputError: the file cannot be opened as a film.
    """
    with _opened(path) as container:
        streams = [_described(container, stream) for stream in container.streams.subtitles]
        videos = [stream.index for stream in container.streams.video if _may_hold_captions(stream)]
    streams += [
        CaptionStream(index, "eia_608", hearing_impaired=True, kind="cea608")
        for index in videos
        if _has_cea608(path, index)
    ]
    return sorted(streams, key=lambda stream: stream.index)


def choose_caption_stream(streams: Sequence[CaptionStream], language: str = "en") -> CaptionStream:
    """The stream to learn sounds from: in the language, not forced, describing sounds, the default.

    Raises:
        BadInputError: there is none that can be read.
    """
    readable = [stream for stream in streams if stream.kind in ("text", "cea608")]
    if not readable:
        found = f"only {', '.join(map(str, streams))}" if streams else "none"
        is_bitmap = any(stream.kind == "bitmap" for stream in streams)
        hint = "OCR is not offered: give a text file" if is_bitmap else "give a caption file"
        raise BadInputError(f"the film has no caption stream that can be read: {found}", hint)

    def preference(stream: CaptionStream) -> tuple[int, bool, bool, bool]:
        fits = 2 if same_language(stream.language, language) else int(not stream.language)
        return fits, not stream.forced, stream.hearing_impaired, stream.default

    return max(readable, key=preference)  # the first of equals


def read_caption_stream(path: Path, index: int) -> Captions:
    """Reads a caption stream; film time zero is the container's start.

    Raises:
        BadInputError: there is no such stream, or none that can be read.
    """
    streams = list_caption_streams(path)
    described = next((stream for stream in streams if stream.index == index), None)
    if described is None:
        found = ", ".join(map(str, streams)) or "none at all"
        raise BadInputError(f"{path} has no caption stream #{index}", f"caption streams: {found}")
    if described.kind not in ("text", "cea608"):
        why = "is a bitmap: OCR is not offered" if described.kind == "bitmap" else "has no decoder"
        others = ", ".join(str(stream) for stream in streams if stream.kind in ("text", "cea608"))
        raise BadInputError(
            f"caption stream {described} of {path} {why}", f"readable: {others}" if others else "give a text file"
        )
    draft = Draft(f"{path} stream #{index}", "utf-8", described.codec, language=described.language)
    with _opened(path) as container:
        start_s = (container.start_time or 0) / _MICROSECONDS
        stream = container.streams[index]
        if described.kind == "text":
            return packets.read(container, stream, described.codec, start_s, draft)
        draft.format = "cea608"
        if stream.type == "video":
            stream.thread_type = "AUTO"
            timed = cea608.pairs_in_frames(_decoded(container, stream, draft), start_s)
        else:
            timed = (
                (packet.pts * packet.time_base - start_s, bytes(packet))
                for packet in container.demux(stream)
                if packet.pts is not None
            )
        cea608.read_pairs(timed, draft)
    return draft.finish()
