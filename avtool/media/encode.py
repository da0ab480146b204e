"""Writing films: video, audio and text captions into MP4, MOV, MKV, WebM or MPEG-TS.

Everything streams: a film of any length takes the memory of some seconds. The same input writes the same
bytes (one thread, no random identifiers, no dates), and the file appears under its name when it is whole.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError
from av.stream import Stream
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.files import atomic_file
from avtool.media.caption_track import CaptionStream, CaptionTrack
from avtool.media.container import reason

Frame = NDArray[np.uint8]  # (height, width, 3), RGB
Audio = NDArray[np.int16] | NDArray[np.float32]  # (samples,) mono or (samples, channels); floats from -1 to 1

_CLOCK = Fraction(1, 90000)  # of video, as in MPEG: whole for 24, 25, 30, 50, 60 and 29.97 frames per second


@dataclass(frozen=True, slots=True)
class _Codecs:
    """FFmpeg's names of a container and of what it holds by default."""

    format: str
    video: str
    audio: str
    captions: str


_CODECS = {
    ".mp4": _Codecs("mp4", "libx264", "aac", "mov_text"),
    ".m4v": _Codecs("mp4", "libx264", "aac", "mov_text"),
    ".m4a": _Codecs("ipod", "", "aac", "mov_text"),
    ".mov": _Codecs("mov", "libx264", "aac", "mov_text"),
    ".mkv": _Codecs("matroska", "libx264", "aac", "subrip"),
    ".webm": _Codecs("webm", "libvpx", "libopus", "webvtt"),
    ".ts": _Codecs("mpegts", "libx264", "aac", ""),
}
_VIDEO_OPTIONS = {
    "libx264": {"preset": "veryfast", "crf": "23", "bf": "0"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "1M"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "35", "b": "0"},
}
# FFmpeg's slow searches make no difference to a machine.
_AUDIO_OPTIONS = {"aac": {"aac_coder": "fast"}, "libopus": {"compression_level": "0"}}


@dataclass(frozen=True, slots=True)
class FilmSettings:
    """How a film is written.

    Attributes:
        fps: frames per second.
        size: (height, width) of the frames, both even, or None for a film without any.
        sample_rate: of the audio in Hz, or None for a film without any.
        channels: of the audio, 1 or 2.
        gop: frames from one key frame to the next; short ones make seeking cheap, long ones the file small.
        video_codec, audio_codec: FFmpeg's names; by default what suits the container.
        video_options: of the encoder, over the defaults ("preset", "crf", …).
        audio_bit_rate: in bits a second.
        captions: text streams to put inside.
    """

    fps: float | Fraction = 25
    size: tuple[int, int] | None = None
    sample_rate: int | None = None
    channels: int = 1
    gop: int = 50
    video_codec: str = ""
    audio_codec: str = ""
    video_options: tuple[tuple[str, str], ...] = ()
    audio_bit_rate: int = 96_000
    captions: Sequence[CaptionTrack] = ()


class FilmWriter:
    """A film being written: give it video and audio in time order, at about the same pace.

    Attributes:
        frame_time, audio_time: film time in seconds up to which each was given.
    """

    def __init__(self, container: OutputContainer, settings: FilmSettings, codecs: _Codecs) -> None:
        self.frame_time = 0.0
        self.audio_time = 0.0
        self._container = container
        self._fps = Fraction(settings.fps).limit_denominator(1001)
        self._video = _video_stream(container, settings, codecs, self._fps) if settings.size else None
        self._audio = _audio_stream(container, settings, codecs) if settings.sample_rate else None
        self._captions = [CaptionStream(container, track, codecs.captions) for track in settings.captions]
        self._sample_rate = settings.sample_rate or 0
        self._frames = 0
        self._samples = 0

    def frame(self, pixels: Frame, time: float | None = None) -> None:
        """Appends a frame: (height, width, 3) RGB, shown from `time` on or one frame after the last."""
        assert self._video is not None, "this film has no video"
        moment = self._frames / self._fps if time is None else Fraction(time)
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = round(moment / _CLOCK), _CLOCK
        self._container.mux(self._video.encode(frame))
        self._frames += 1
        self.frame_time = float(moment + 1 / self._fps)
        self._write_captions(float(moment))

    def audio(self, samples: Audio) -> None:
        """Appends audio: (samples,) or (samples, channels)."""
        assert self._audio is not None, "this film has no audio"
        packed = cast(Audio, np.ascontiguousarray(samples).reshape(1, -1))
        kind = "s16" if packed.dtype == np.int16 else "flt"
        frame = av.AudioFrame.from_ndarray(packed, format=kind, layout=self._audio.layout.name)
        frame.sample_rate = self._sample_rate
        frame.pts, frame.time_base = self._samples, Fraction(1, self._sample_rate)
        self._container.mux(self._audio.encode(frame))
        self._samples += frame.samples
        self.audio_time = self._samples / self._sample_rate
        self._write_captions(self.audio_time)

    def finish(self) -> None:
        """Writes what the encoders and the captions still hold."""
        if self._video is not None:
            self._container.mux(self._video.encode(None))
        if self._audio is not None:
            self._container.mux(self._audio.encode(None))
        self._write_captions(inf)

    def _write_captions(self, time: float) -> None:
        for captions in self._captions:
            for packet in captions.packets_until(time):
                self._container.mux(packet)


@contextmanager
def film_writer(path: Path, settings: FilmSettings) -> Iterator[FilmWriter]:
    """Opens a film for writing; it appears at `path` only if the block ends well.

    Args:
        path: the file; its suffix decides the container.
        settings: what it holds.

    Raises:
        BadInputError: the container is unknown, cannot hold the streams, or cannot be written.
    """
    codecs = _CODECS.get(path.suffix.lower())
    if codecs is None:
        known = ", ".join(_CODECS)
        raise BadInputError(
            f"avtool cannot write films as `{path.suffix or path.name}`", f"choose among {known}"
        )
    if settings.size and (settings.size[0] % 2 or settings.size[1] % 2):
        height, width = settings.size
        raise BadInputError(f"a frame of {width}x{height} cannot be encoded", "use even sides")
    with atomic_file(path) as partial:
        try:
            # Without `bitexact` containers hold a random identifier and the version of the library.
            options = {"fflags": "+bitexact"}
            with av.open(
                f"file:{partial}", "w", format=codecs.format, container_options=options
            ) as container:
                writer = FilmWriter(container, settings, codecs)
                yield writer
                writer.finish()
        except FFmpegError as error:
            if isinstance(error, OSError):
                raise
            raise BadInputError(
                f"cannot encode `{path}`: {reason(error)}", "try another container"
            ) from error


def write_film(
    path: Path,
    settings: FilmSettings,
    *,
    frames: Iterable[Frame] = (),
    audio: Iterable[Audio] = (),
) -> None:
    """Writes a film from streams of video and audio, taking from each as its time comes.

    Args:
        path: the file; its suffix decides the container.
        settings: rates and codecs; the frame size and the number of channels are taken from the first
            frame and the first block of audio.
        frames: (height, width, 3) RGB each.
        audio: blocks of (samples,) or (samples, channels).
    """
    frames, audio = iter(frames), iter(audio)
    frame, block = next(frames, None), next(audio, None)
    settings = replace(
        settings,
        size=None if frame is None else (frame.shape[0], frame.shape[1]),
        sample_rate=None if block is None else settings.sample_rate,
        channels=block.shape[1] if block is not None and block.ndim == 2 else 1,
    )
    with film_writer(path, settings) as writer:
        while frame is not None or block is not None:
            if block is None or (frame is not None and writer.frame_time <= writer.audio_time):
                assert frame is not None
                writer.frame(frame)
                frame = next(frames, None)
            else:
                writer.audio(block)
                block = next(audio, None)


def _video_stream(
    container: OutputContainer, settings: FilmSettings, codecs: _Codecs, fps: Fraction
) -> VideoStream:
    codec = settings.video_codec or codecs.video
    options = {**_VIDEO_OPTIONS.get(codec, {}), **dict(settings.video_options)}
    stream = cast(VideoStream, _add_stream(container, codec, fps, options))
    assert settings.size is not None
    stream.height, stream.width = settings.size
    stream.pix_fmt = "yuv420p"
    stream.gop_size = settings.gop
    stream.codec_context.time_base = _CLOCK
    stream.codec_context.thread_count = 1  # more would make the bytes depend on the machine
    return stream


def _audio_stream(container: OutputContainer, settings: FilmSettings, codecs: _Codecs) -> AudioStream:
    codec = settings.audio_codec or codecs.audio
    # Opus has its own rates: audio of any other is resampled on its way into the encoder.
    rate = 48000 if codec == "libopus" else settings.sample_rate
    stream = cast(AudioStream, _add_stream(container, codec, rate, _AUDIO_OPTIONS.get(codec, {})))
    stream.codec_context.layout = "mono" if settings.channels == 1 else "stereo"
    stream.bit_rate = settings.audio_bit_rate
    return stream


def _add_stream(
    container: OutputContainer, codec: str, rate: Fraction | int | None, options: dict[str, str]
) -> Stream:
    try:
        return container.add_stream(codec, rate=rate, options=options)
    except ValueError as error:  # an unknown codec, or one that the container cannot hold
        message = f"a {container.format.name} film cannot hold `{codec or 'video'}`"
        raise BadInputError(message, "choose another container, such as .mkv, or another codec") from error
