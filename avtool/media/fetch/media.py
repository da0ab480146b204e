"""Media files of `avtool fetch`, merged and measured without an FFmpeg program."""

import heapq
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av

from avtool.core.errors import BadInputError
from avtool.core.files import atomic_file
from avtool.media.container import open_media

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet

_MUXERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".webm": "webm"}
_MAX_OVERLAP_S = 1.0


def join_streams(parts: Sequence[Path], target: Path) -> None:
    """Writes the video and audio streams of several files into one, packet by packet, without encoding.

    Times are kept as they are, so that captions stay in time.

    Raises:
        BadInputError: a part is not media, or its times jump back.
        av.error.FFmpegError: the target's format cannot hold its streams.
    """
    with atomic_file(target) as partial, ExitStack() as stack:
        inputs = [stack.enter_context(open_media(part)) for part in parts]
        muxer = _MUXERS.get(target.suffix, "matroska")
        output = stack.enter_context(av.open(str(partial), "w", format=muxer))
        targets = {
            (index, stream.index): output.add_stream_from_template(stream)
            for index, container in enumerate(inputs)
            for stream in (*container.streams.video, *container.streams.audio)
        }
        output.start_encoding()  # only now is it known how finely the target counts time
        ticks = {key: stream.time_base or Fraction(1) for key, stream in targets.items()}
        timed = [_timed_packets(index, container, ticks) for index, container in enumerate(inputs)]
        for _, index, packet in heapq.merge(*timed, key=lambda item: item[:2]):
            packet.stream = targets[index, packet.stream.index]
            output.mux(packet)


def _timed_packets(
    index: int, container: "InputContainer", ticks: dict[tuple[int, int], Fraction]
) -> "Iterator[tuple[float, int, Packet[Any]]]":
    """The packets with their decoding times in seconds, each later than the one before.

    Segments of a stream overlap by a packet or so where each was encoded on its own; muxers refuse that, so
    such packets are moved to the end of what came before, as FFmpeg's own program does.
    """
    earliest: dict[int, int] = {}
    for packet in container.demux(*container.streams.video, *container.streams.audio):
        if packet.dts is None:  # the end of a stream
            continue
        stream = packet.stream.index
        late = earliest.get(stream, packet.dts) - packet.dts
        if late * packet.time_base > _MAX_OVERLAP_S:
            raise BadInputError("the times of the stream jump back", "choose another format")
        if late > 0:
            packet.dts += late
            packet.pts = packet.dts if packet.pts is None else max(packet.pts, packet.dts)
        earliest[stream] = packet.dts + max(1, math.ceil(ticks[index, stream] / packet.time_base))
        yield float(packet.dts * packet.time_base), index, packet


def duration_of(film: Path) -> float:
    """The length of a media file in seconds, 0 where its format has none.

    Raises:
        BadInputError: the file is not media.
    """
    with open_media(film) as container:
        if not container.streams.video and not container.streams.audio:
            raise BadInputError(f"`{film}` has neither video nor audio")
        length = container.duration or 0
        if "matroska" in container.format.name:  # it counts the length from zero, others from the start
            length -= container.start_time or 0
        return max(0.0, length / av.time_base)
