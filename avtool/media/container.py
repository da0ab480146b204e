"""The opening of films and audio files: known formats, local files only, FFmpeg's refusals as one line.

**The film-time rule.** Every time in avtool is *film time*: seconds since the container's start time, which
is where players put zero and what captions count from. A frame or audio block with timestamp (PTS) p is at
film time `p * time_base - start`; `film_start` gives the start.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.frame import Frame
from av.packet import Packet
from av.stream import Discard, Disposition, Stream
from av.video.stream import VideoStream

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.media.languages import same_language

# Demuxers of films and audio. The rest of FFmpeg's are excluded: playlists (they read other files than the
# one given), images, caption files, text art, games and raw data that accept almost anything.
_FORMATS = (
    "mov,matroska,webm,mpegts,mpeg,mpegvideo,avi,flv,asf,ogg,mxf,nut,rm,wtv,dv,gxf,ivf,gif,apng,m4v,h263,h264,"
    "hevc,av1,obu,vc1,mjpeg,wav,w64,aiff,au,caf,flac,mp3,aac,loas,ac3,eac3,ac4,dts,dtshd,truehd,mlp,amr,amrnb,"
    "amrwb,ape,tta,wv,tak,mpc,mpc8,voc,ircam,oma,qcp,dsf,iff,swf,nsv"
)
_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": _FORMATS}
_MAX_PIXELS = {"max_pixels": str(8192 * 4400)}  # 8K; a larger frame is damage, or an attack on memory
# A few kilobytes may unpack to minutes of decoding. Black frames of H.264 come to 0.4 million pixels a byte.
_MOST_PIXELS_A_BYTE, _FREE_PIXELS = 1e6, 2e9
_FORMAT_HINT = "avtool reads MP4, MOV, MKV, WebM, MPEG-TS, AVI, FLV, Ogg, WAV, FLAC, MP3 and their like"
# Audio description and commentary are not the film's own audio.
_SIDE_AUDIO = (
    Disposition.comment
    | Disposition.visual_impaired
    | Disposition.descriptions
    | Disposition.karaoke
    | Disposition.dependent
)


def reason(error: Exception) -> str:
    """FFmpeg's reason for a failure, in a few words and without its error number."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).lower()


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Opens a film or an audio file for reading; its format is decided by its content.

    Raises:
        BadInputError: it is missing, a folder, empty, unreadable, or in no format that avtool reads.
    """
    try:
        if not path.exists():
            raise BadInputError(f"`{path}` does not exist", "check the name and the folder")
        if not path.is_file():
            raise BadInputError(f"`{path}` is not a file", "name a film or an audio file")
        if path.stat().st_size == 0:
            raise BadInputError(f"`{path}` is empty", "copy or download it again")
        # The prefix keeps a name such as `Alien: Romulus.mkv` from being taken for a protocol.
        container = av.open(
            f"file:{path}", metadata_errors="replace", options=_MAX_PIXELS, container_options=_OPTIONS
        )
    except PermissionError as error:
        raise BadInputError(f"`{path}` cannot be read: permission denied", "check who owns it") from error
    except (av.error.ArgumentError, av.error.InvalidDataError) as error:
        raise BadInputError(f"`{path}` is not a readable film or audio file", _FORMAT_HINT) from error
    except (OSError, FFmpegError) as error:
        message = f"`{path}` cannot be opened: {reason(error)}"
        raise BadInputError(message, "it may be damaged: copy or download it again") from error
    with container:
        _check_work(container, path)
        for stream in container.streams:
            if stream.type == "video" and stream.codec_context is not None:
                stream.codec_context.options = dict(_MAX_PIXELS)
        yield container


def _check_work(container: InputContainer, path: Path) -> None:
    """Refuses video that is far larger than its file could honestly hold.

    Raises:
        BadInputError: it is.
    """
    for stream in container.streams.video:
        seconds = (container.duration or 0) / av.time_base
        frames = stream.frames or seconds * float(stream.average_rate or 0)
        pixels = stream.width * stream.height * frames if stream.codec_context is not None else 0
        if pixels > max(_FREE_PIXELS, _MOST_PIXELS_A_BYTE * path.stat().st_size):
            message = f"`{path}` claims {pixels / 1e9:.0f} billion pixels in {path.stat().st_size} bytes"
            raise BadInputError(message, "it is damaged, or made to exhaust the reader: leave it out")


def film_start(container: InputContainer) -> Fraction:
    """The container's start time in seconds: film time zero. Zero where the format has no such notion."""
    return Fraction(container.start_time or 0, av.time_base)


def film_time(frame: "Frame | Packet[Any]", start: Fraction) -> float | None:
    """The film time of a frame or packet in seconds, None when it has no timestamp."""
    if frame.pts is None or frame.time_base is None:
        return None
    return float(frame.pts * frame.time_base - start)


def pick_audio(
    container: InputContainer, path: Path, reporter: Reporter, index: int | None = None, language: str = ""
) -> AudioStream:
    """The audio stream to listen to.

    Without an index: the film's own audio before commentary, audio description and karaoke; then
    the streams in the language wanted; then those flagged as default; then the most channels; then the
    highest sample rate; then the first.

    Args:
        container: the open film.
        path: its name, for messages.
        reporter: gets the chosen stream when there are several.
        index: the container's number of the stream wanted.
        language: BCP 47; "" for any.
    """
    streams = [stream for stream in container.streams.audio if _decodable(stream)]
    if not container.streams.audio:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "no stream at all"
        raise BadInputError(f"`{path}` has no audio stream (it has {kinds})", "choose a file with audio")
    if index is not None:
        for stream in container.streams.audio:
            if stream.index == index and _decodable(stream):
                return stream
        known = ", ".join(_describe(stream) for stream in container.streams.audio)
        raise BadInputError(f"`{path}` has no audio stream #{index}", f"its audio streams: {known}")
    if not streams:
        known = ", ".join(_describe(stream) for stream in container.streams.audio)
        raise BadInputError(
            f"no audio stream of `{path}` can be decoded ({known})", "convert its audio first"
        )
    best = max(streams, key=lambda stream: _in_language(_audio_rank(stream), stream, language))
    if len(container.streams.audio) > 1:
        others = ", ".join(_describe(stream) for stream in container.streams.audio if stream is not best)
        reporter.info(f"{path.name}: audio stream {_describe(best)} chosen (others: {others})")
        codes = [code for stream in streams if (code := stream.metadata.get("language", ""))]
        if language and codes and not any(same_language(code, language) for code in codes):
            reporter.warn(
                f"{path.name}: no audio stream is in the captions' language ({language}): choose one with"
                " --audio-stream"
            )
    return best


def _in_language(rank: tuple[Any, ...], stream: AudioStream, language: str) -> tuple[Any, ...]:
    """The rank of a stream, with the language wanted right after the mark of the film's own audio."""
    fits = bool(language) and same_language(stream.metadata.get("language", ""), language)
    return rank[:1], fits, rank[1:]


def pick_video(container: InputContainer, path: Path) -> VideoStream:
    """The video stream to decode: the default one, then the largest; cover images do not count."""
    streams = [
        stream
        for stream in container.streams.video
        if stream.codec_context is not None and not stream.disposition & Disposition.attached_pic
    ]
    if not streams:
        raise BadInputError(f"`{path}` has no video stream that can be decoded", "choose a file with video")
    return max(
        streams, key=lambda s: (bool(s.disposition & Disposition.default), s.width * s.height, -s.index)
    )


@dataclass(slots=True)
class ReadLog:
    """What went wrong while a stream was read.

    Attributes:
        stopped: why the file could not be read to its end, or "".
        bad_packets: packets that the decoder refused.
        bad_at_end: how many of them came after the last frame.
        refusal: the decoder's words for the first of them.
        refused_at: the film time of the first of them in seconds, None where it has none.
    """

    stopped: str = ""
    bad_packets: int = 0
    bad_at_end: int = 0
    refusal: str = ""
    refused_at: float | None = None


def decoded(container: InputContainer, stream: Stream, log: ReadLog) -> Iterator[Any]:
    """The frames of one stream; what cannot be decoded is skipped and noted in `log`.

    The demuxer skips every other stream, so that their packets cost nothing.

    Args:
        container: the open film.
        stream: one of its streams.
        log: takes what goes wrong.
    """
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except (FFmpegError, IndexError) as error:  # IndexError: a packet of a stream the header hid
            log.stopped = reason(error)
            return
        try:
            frames = packet.decode()
        except FFmpegError as error:
            if not log.bad_packets:
                log.refusal, log.refused_at = reason(error), film_time(packet, film_start(container))
            log.bad_packets += 1
            log.bad_at_end += 1
            continue
        for frame in frames:
            log.bad_at_end = 0
            yield frame


def codec_name(stream: Stream) -> str:
    """FFmpeg's name of the stream's codec, "unknown" without a decoder."""
    context: Any = stream.codec_context  # None then, against its type
    return context.name if context is not None else "unknown"


def layout_name(stream: AudioStream) -> str:
    """FFmpeg's name of the channel layout ("5.1(side)"), also where the file only counts the channels."""
    return {"1 channels": "mono", "2 channels": "stereo"}.get(stream.layout.name, stream.layout.name)


def _decodable(stream: AudioStream) -> bool:
    return stream.codec_context is not None and bool(stream.sample_rate)


def _audio_rank(stream: AudioStream) -> tuple[bool, bool, int, int, int]:
    flags = stream.disposition
    own = not flags & _SIDE_AUDIO
    return own, bool(flags & Disposition.default), stream.channels, stream.sample_rate, -stream.index


def _describe(stream: AudioStream) -> str:
    codec = codec_name(stream)
    if not _decodable(stream):
        return f"#{stream.index} ({codec}, cannot be decoded)"
    words = [codec, stream.language or "", stream.metadata.get("title", "")]
    facts = f"{layout_name(stream)}, {stream.sample_rate} Hz"
    return f"#{stream.index} ({' '.join(word for word in words if word)}, {facts})"
