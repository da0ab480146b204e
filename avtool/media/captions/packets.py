"""The packets of a caption stream, turned into cues by the same rules as files."""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias, TypeVar

from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.subtitles.stream import SubtitleStream

from avtool.core.errors import BadInputError
from avtool.media.captions.cue import Captions, RawCue
from avtool.media.captions.decoding import decode
from avtool.media.captions.document import MAX_BYTES
from avtool.media.captions.draft import Draft
from avtool.media.captions.formats import substation, ttml
from avtool.media.captions.markup import Plain, plain_ass, plain_subrip, plain_text, plain_webvtt
from avtool.media.captions.segments import join_cues

SubtitlePacket: TypeAlias = "Packet[SubtitleStream]"  # generic for the type checker only
Item = TypeVar("Item")
_EVENT_COMMAS = 8  # before the text of an ASS event: order, layer, style, name, three margins, effect
_PLAIN: dict[str, Callable[[str], Plain]] = {
    "subrip": plain_subrip,
    "text": plain_text,
    "webvtt": plain_webvtt,
    "wvtt": plain_webvtt,
}


@dataclass(frozen=True, slots=True)
class _Piece:
    """A packet's content with its film time in milliseconds; no end where the container gives none."""

    start_ms: int
    end_ms: int | None
    data: bytes


def read(
    container: InputContainer, stream: SubtitleStream, codec: str, start: Fraction, draft: Draft
) -> Captions:
    """The cues of a stream of text.

    Args:
        container: the open film.
        stream: its stream.
        codec: as `CaptionStream` has it.
        start: film time zero in the container's time, in seconds.
        draft: takes the cues.
    """
    if codec in ("ass", "ssa"):
        pieces = list(_pieces(container, stream, start, draft))
        substation.read(_ass_file(stream, pieces, draft), draft)
    elif codec == "ttml":
        _read_documents(list(_pieces(container, stream, start, draft)), start, draft)
    elif codec in _PLAIN:
        _read_texts(list(_pieces(container, stream, start, draft)), codec, draft)
    else:
        _read_decoded(container, stream, start, draft)
    captions = draft.finish()
    return _without_cuts(captions) if codec in ("ttml", "wvtt") else captions


def _without_cuts(captions: Captions) -> Captions:
    """These formats cut or repeat a cue wherever another begins or ends, and where a segment ends."""
    cues = tuple(join_cues([cue] for cue in captions.cues))
    num_joined = len(captions.cues) - len(cues)
    joined = {"cue repeated at a segment border skipped": num_joined} if num_joined else {}
    return replace(captions, cues=cues, repairs=captions.repairs | joined)


def until_damage(items: Iterable[Item], draft: Draft) -> Iterator[Item]:
    """What comes before the file breaks off, as for any truncated film.

    PyAV raises an IndexError for a packet of a stream that the header did not announce.
    """
    try:
        yield from items
    except (FFmpegError, IndexError):
        draft.count("stream cut off")


def _packets(container: InputContainer, stream: SubtitleStream, draft: Draft) -> Iterator[SubtitlePacket]:
    num_bytes = 0
    for packet in until_damage(container.demux(stream), draft):
        num_bytes += packet.size
        if num_bytes > MAX_BYTES:
            raise BadInputError(f"{draft.source} holds over {MAX_BYTES >> 20} MiB of text", "no film does")
        if packet.size and packet.pts is None:
            draft.unreadable(0, "a packet", "packet without a time skipped")
        elif packet.size:
            yield packet


def _times(packet: SubtitlePacket, start: Fraction) -> tuple[int, int | None]:
    assert packet.pts is not None, "packets without a time are skipped before"
    begin = packet.pts * packet.time_base - start
    end = begin + packet.duration * packet.time_base if packet.duration else None
    return round(1000 * begin), None if end is None else round(1000 * end)


def _pieces(
    container: InputContainer, stream: SubtitleStream, start: Fraction, draft: Draft
) -> Iterator[_Piece]:
    for packet in _packets(container, stream, draft):
        yield _Piece(*_times(packet, start), bytes(packet))


def _encoding(pieces: list[_Piece], draft: Draft) -> str:
    """UTF-8, as containers demand, unless the bytes are of another encoding."""
    data = b"\n".join(piece.data.partition(b"\0")[0] for piece in pieces)
    draft.encoding = decode(data, draft.source).encoding
    return draft.encoding.partition(" ")[0]


def _read_texts(pieces: list[_Piece], codec: str, draft: Draft) -> None:
    if codec == "wvtt":
        pieces = [replace(piece, data=text) for piece in pieces for text in _wvtt_payloads(piece.data)]
    encoding = _encoding(pieces, draft)
    for piece in pieces:
        before_zero = piece.data.partition(b"\0")[0]  # some muxers end the text in zero and rubbish
        text = before_zero.decode(encoding, errors="replace")
        plain = _PLAIN[codec](text)
        draft.add(RawCue(piece.start_ms, piece.end_ms, plain.lines, plain.italic, plain.voice))


def _wvtt_payloads(sample: bytes) -> Iterator[bytes]:
    """The texts in a sample of WebVTT in MP4 (ISO 14496-30): boxes `vttc` that hold a box `payl`."""
    for name, content in _boxes(sample):
        if name == b"vttc":
            yield from (payload for inner, payload in _boxes(content) if inner == b"payl")


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    offset = 0
    while offset + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, offset)
        if size < 8:
            return
        yield name, data[offset + 8 : offset + size]
        offset += size


def _ass_file(stream: SubtitleStream, pieces: list[_Piece], draft: Draft) -> str:
    """The stream as the file it was made from: the header, and a Dialogue line a packet."""
    header = (stream.codec_context.subtitle_header or b"").partition(b"[Events]")[0]
    encoding = _encoding(pieces, draft)
    lines = [header.decode("utf-8", errors="replace"), "[Events]"]
    lines.append("Format: Start, End, Layer, Style, Name, MarginL, MarginR, MarginV, Effect, Text")
    for piece in pieces:
        _, _, event = piece.data.decode(encoding, errors="replace").rstrip("\0\r\n").partition(",")
        event = event.replace("\r\n", "\n").replace("\n", "\\N")
        end = "" if piece.end_ms is None else _ass_clock(piece.end_ms)
        lines.append(f"Dialogue: {_ass_clock(piece.start_ms)},{end},{event}")
    return "\n".join(lines)


def _ass_clock(time_ms: int) -> str:
    sign, time_ms = ("-", -time_ms) if time_ms < 0 else ("", time_ms)
    seconds, milliseconds = divmod(time_ms, 1000)
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{milliseconds:03}"


def _read_documents(pieces: list[_Piece], start: Fraction, draft: Draft) -> None:
    """TTML in MP4: each packet is a document, with times on the track's clock (ISO 14496-30)."""
    for piece in pieces:
        decoded = decode(piece.data, draft.source)
        draft.encoding = decoded.encoding
        num_before = len(draft.cues)
        ttml.read(decoded.text, draft)
        for cue in draft.cues[num_before:]:
            cue.start_ms -= round(1000 * start)
            cue.end_ms = None if cue.end_ms is None else cue.end_ms - round(1000 * start)


def _read_decoded(container: InputContainer, stream: SubtitleStream, start: Fraction, draft: Draft) -> None:
    """Any text that FFmpeg decodes (into ASS events), such as 3GPP timed text in MP4."""
    for packet in _packets(container, stream, draft):
        try:
            subtitles = stream.decode2(packet)
        except FFmpegError:
            draft.unreadable(0, "a packet", "packet that cannot be decoded skipped")
            continue
        for rectangle in subtitles or ():
            event = getattr(rectangle, "ass", b"").decode("utf-8", errors="replace")
            plain = plain_ass(event.split(",", _EVENT_COMMAS)[-1])
            draft.add(RawCue(*_times(packet, start), plain.lines, plain.italic))
