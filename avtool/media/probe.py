"""The streams of a film, read from its headers (and one frame, for its rotation)."""

from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from avtool.media.container import codec_name, film_start, layout_name, open_media

_ROTATION_PACKETS = 64  # a stream without a frame in so many packets has none worth turning
_MOST_FPS = 1000  # Matroska files without a frame rate claim one frame a millisecond


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What every stream has.

    Attributes:
        index: the container's number of the stream.
        codec: FFmpeg's name of it, "unknown" without a decoder.
        language: as the container writes it (mostly ISO 639-2), or "".
        title: or "".
        default: whether the container marks it as the one to choose.
        hearing_impaired: whether the container marks it as made for deaf or hard-of-hearing people.
        start_s: film time of its first frame in seconds, None when the header has none.
        duration_s: in seconds, None when the header has none.
    """

    index: int
    codec: str
    language: str
    title: str
    default: bool
    hearing_impaired: bool
    start_s: float | None
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class AudioInfo(StreamInfo):
    """A stream of audio: rate in Hz, number of channels, FFmpeg's name of their layout ("5.1(side)")."""

    sample_rate: int
    channels: int
    layout: str


@dataclass(frozen=True, slots=True)
class VideoInfo(StreamInfo):
    """A video stream.

    Attributes:
        width, height: in pixels, as shown, that is after the rotation.
        rotation: by which the stored frames are turned for showing, in degrees counter-clockwise, 0 to 359.
        fps: mean frames per second, or None.
        num_frames: or None when the header has none.
        cover: whether it is a single attached image.
    """

    width: int
    height: int
    rotation: int
    fps: float | None
    num_frames: int | None
    cover: bool


@dataclass(frozen=True, slots=True)
class CaptionInfo(StreamInfo):
    """A stream of captions, text or bitmaps."""


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """A film or an audio file.

    Attributes:
        path: the file.
        format: FFmpeg's name of the container.
        duration_s: in seconds, or None.
        start_s: the container's start time, which is film time zero, on the container's own clock.
        audio, video, captions: its streams, in the container's order.
    """

    path: Path
    format: str
    duration_s: float | None
    start_s: float
    audio: tuple[AudioInfo, ...]
    video: tuple[VideoInfo, ...]
    captions: tuple[CaptionInfo, ...]

    @property
    def fps(self) -> float | None:
        """Frames per second of the first video stream that is no cover image, None without one."""
        return next((stream.fps for stream in self.video if not stream.cover), None)


def probe(path: Path) -> MediaInfo:
    """Reads what a file holds; its name does not matter.

    Raises:
        BadInputError: the file is missing, empty, a folder, unreadable, or no film or audio file.
    """
    with open_media(path) as container:
        return MediaInfo(
            path,
            container.format.name,
            container.duration / av.time_base if container.duration else None,
            float(film_start(container)),
            tuple(_audio(container, stream) for stream in container.streams.audio),
            tuple(_video(container, stream, path) for stream in container.streams.video),
            tuple(CaptionInfo(**_common(container, stream)) for stream in container.streams.subtitles),
        )


def _common(container: InputContainer, stream: Stream) -> dict[str, Any]:
    seconds = stream.time_base
    started = None if stream.start_time is None or seconds is None else stream.start_time * seconds
    return {
        "index": stream.index,
        "codec": codec_name(stream),
        "language": "" if stream.language in (None, "und") else stream.language,
        "title": stream.metadata.get("title") or stream.metadata.get("name", ""),
        "default": bool(stream.disposition & Disposition.default),
        "hearing_impaired": bool(stream.disposition & Disposition.hearing_impaired),
        "start_s": None if started is None else float(started - film_start(container)),
        "duration_s": None if not stream.duration or seconds is None else float(stream.duration * seconds),
    }


def _audio(container: InputContainer, stream: AudioStream) -> AudioInfo:
    common = _common(container, stream)
    if common["codec"] == "unknown":
        return AudioInfo(**common, sample_rate=0, channels=0, layout="")
    return AudioInfo(
        **common, sample_rate=stream.sample_rate, channels=stream.channels, layout=layout_name(stream)
    )


def _video(container: InputContainer, stream: VideoStream, path: Path) -> VideoInfo:
    common = _common(container, stream)
    cover = bool(stream.disposition & Disposition.attached_pic)
    if common["codec"] == "unknown":
        return VideoInfo(**common, width=0, height=0, rotation=0, fps=None, num_frames=None, cover=cover)
    rotation = 0 if cover else _rotation(path, stream.index)
    width, height = (stream.width, stream.height) if rotation % 180 == 0 else (stream.height, stream.width)
    return VideoInfo(
        **common,
        width=width,
        height=height,
        rotation=rotation,
        fps=frame_rate(stream),
        num_frames=stream.frames or None,
        cover=cover,
    )


def frame_rate(stream: VideoStream) -> float | None:
    """Mean frames per second of a stream, None when nothing sensible is known."""
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and rate < _MOST_FPS:
            return float(rate)
    return None


def _rotation(path: Path, index: int) -> int:
    """The rotation of a video stream, which only its decoded frames have."""
    with open_media(path) as container, suppress(FFmpegError):
        stream = next(stream for stream in container.streams.video if stream.index == index)
        stream.codec_context.thread_count = 1
        for packet in islice(container.demux(stream), _ROTATION_PACKETS):
            for frame in packet.decode():
                return frame.rotation % 360
    return 0
