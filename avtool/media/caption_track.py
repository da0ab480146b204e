"""Text captions as a stream inside a film that is being written."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from html import escape
from typing import cast

from av.container import OutputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.subtitles.stream import SubtitleStream

from avtool.core.errors import BadInputError
from avtool.media.captions.cue import Cue

_MILLISECOND = Fraction(1, 1000)
# FFmpeg opens an encoder for the stream, which needs a script, although the packets come ready.
_ASS_HEADER = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, \
Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, \
MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


@dataclass(frozen=True, slots=True)
class CaptionTrack:
    """A stream of text captions to put inside a film.

    Attributes:
        cues: in time order, in film time.
        language: ISO 639-2, such as "eng".
        title: as players list it.
        hearing_impaired: whether to mark it as made for deaf and hard-of-hearing people.
        codec: `subrip`, `ass`, `webvtt` or `mov_text`; by default what suits the container.
    """

    cues: Sequence[Cue]
    language: str = "eng"
    title: str = ""
    hearing_impaired: bool = False
    codec: str = ""


def _ass_line(cue: Cue) -> bytes:
    return b"0,0,Default,,0,0,0,," + r"\N".join(cue.lines).encode()


def _mov_text_sample(cue: Cue) -> bytes:
    text = cue.text.encode()
    return len(text).to_bytes(2, "big") + text


_PAYLOADS: dict[str, Callable[[Cue], bytes]] = {
    "subrip": lambda cue: cue.text.encode(),
    "webvtt": lambda cue: escape(cue.text, quote=False).encode(),
    "ass": _ass_line,
    "mov_text": _mov_text_sample,
}


class CaptionStream:
    """A caption stream of an open film; its cues are written when the film has come to them.

    Args:
        container: the film; no packet may have been written to it yet.
        track: what to write.
        codec: the container's usual one, used when the track names none.

    Raises:
        BadInputError: the container cannot hold captions of this kind.
    """

    def __init__(self, container: OutputContainer, track: CaptionTrack, codec: str) -> None:
        codec = track.codec or codec
        if codec not in _PAYLOADS:
            hint = f"captions inside a film are one of {', '.join(_PAYLOADS)}"
            raise BadInputError(f"captions cannot be written as `{codec}` into this film", hint)
        try:
            self._stream = cast(SubtitleStream, container.add_stream(codec))
        except ValueError as error:
            message = f"a {container.format.name} film cannot hold `{codec}` captions"
            raise BadInputError(message, "choose a .mkv film, or no caption codec at all") from error
        self._stream.codec_context.subtitle_header = _ASS_HEADER
        self._stream.time_base = _MILLISECOND
        self._stream.metadata["language"] = track.language
        if track.title:
            self._stream.metadata["title"] = track.title
        if track.hearing_impaired:
            self._stream.disposition = Disposition.default | Disposition.hearing_impaired
        self._payload = _PAYLOADS[codec]
        self._cues = iter(track.cues)
        self._waiting = next(self._cues, None)

    def packets_until(self, time: float) -> "Iterator[Packet[Stream]]":
        """The packets of the cues that start up to a film time, in seconds, and were not given before."""
        while self._waiting is not None and self._waiting.start_ms <= 1000 * time:
            cue = self._waiting
            packet = Packet(self._payload(cue))
            packet.stream = self._stream
            packet.pts = packet.dts = cue.start_ms
            packet.duration = cue.end_ms - cue.start_ms
            packet.time_base = _MILLISECOND
            yield packet
            self._waiting = next(self._cues, None)
