"""Writes a film as it comes, block by block: sound, pictures and captions into one container."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Disposition
from av.subtitles.stream import SubtitleStream
from av.video.stream import VideoStream

from avtool.core.files import atomic_file
from avtool.data.film_maker.picture import Frame
from avtool.data.film_maker.sounds import Samples
from avtool.media.captions.cue import Cue

ContainerKind = Literal["mkv", "mp4", "webm", "m4a"]


@dataclass(frozen=True, slots=True)
class _Codecs:
    """FFmpeg's names of what a container holds."""

    format: str
    audio: str
    video: str
    captions: str


_CODECS: dict[ContainerKind, _Codecs] = {
    "mkv": _Codecs("matroska", "aac", "libx264", "subrip"),
    "mp4": _Codecs("mp4", "aac", "libx264", "mov_text"),
    "webm": _Codecs("webm", "libopus", "libvpx", "webvtt"),
    "m4a": _Codecs("ipod", "aac", "", "mov_text"),
}
# As fast as the encoders go, without losing the edges of small drawn things; key frames every two seconds.
_OPTIONS = {
    "aac": {"aac_coder": "fast"},
    "libopus": {"compression_level": "0"},
    "libx264": {"preset": "ultrafast", "tune": "zerolatency", "crf": "24"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "400k"},
}
_AUDIO_BIT_RATE = 64_000
_MILLISECOND = Fraction(1, 1000)
# FFmpeg opens the encoder of a caption stream although its packets come ready, and that asks for a script.
_ASS_HEADER = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, \
Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, \
MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


@dataclass(frozen=True, slots=True)
class FilmWriter:
    """An open film; give it everything in time order and at about the same pace."""

    sample_rate: int
    frame_rate: int
    _container: OutputContainer
    _audio: AudioStream
    _video: VideoStream | None
    _captions: SubtitleStream | None

    def sound(self, first: int, samples: Samples) -> None:
        """Appends mono sound; `first` is the index of its first sample in the film."""
        pcm = np.round(samples * 32767).astype(np.int16)[None, :]
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate = self.sample_rate
        frame.pts = first
        frame.time_base = Fraction(1, self.sample_rate)
        self._container.mux(self._audio.encode(frame))

    def picture(self, index: int, pixels: Frame) -> None:
        """Appends frame number `index`. Shape (height, width, 3), RGB."""
        assert self._video is not None, "this film has no picture"
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts = index
        frame.time_base = Fraction(1, self.frame_rate)
        self._container.mux(self._video.encode(frame))

    def caption(self, cue: Cue) -> None:
        """Appends a cue, in film time."""
        assert self._captions is not None, "this film has no captions inside"
        text = cue.text.encode()
        if self._captions.codec_context.name == "mov_text":
            text = len(text).to_bytes(2, "big") + text
        packet = Packet(text)
        packet.stream = self._captions
        packet.pts = packet.dts = cue.start_ms
        packet.duration = cue.end_ms - cue.start_ms
        packet.time_base = _MILLISECOND
        self._container.mux(packet)

    def finish(self) -> None:
        """Writes out what the encoders still hold."""
        self._container.mux(self._audio.encode(None))
        if self._video is not None:
            self._container.mux(self._video.encode(None))


@contextmanager
def film_file(
    path: Path,
    kind: ContainerKind,
    sample_rate: int,
    frame_rate: int,
    size: tuple[int, int] | None,
    with_captions: bool,
) -> Iterator[FilmWriter]:
    """Opens a film for writing; it appears at `path` only when the block ends well.

    Args:
        path: where it goes.
        kind: of container.
        sample_rate: of the sound, in Hz.
        frame_rate: of the picture.
        size: (height, width) of the picture in pixels, both even, or None for a film without one.
        with_captions: whether there is a caption stream inside.
    """
    codecs = _CODECS[kind]
    # Without `bitexact` a container holds a random identifier, and no two runs would write the same bytes.
    options = {"fflags": "+bitexact"}
    with (
        atomic_file(path) as partial,
        av.open(str(partial), "w", format=codecs.format, options=options) as container,
    ):
        audio = cast(
            AudioStream,
            container.add_stream(
                codecs.audio, rate=sample_rate, layout="mono", options=_OPTIONS[codecs.audio]
            ),
        )
        audio.bit_rate = _AUDIO_BIT_RATE
        video = _video_stream(container, codecs.video, frame_rate, size) if size is not None else None
        captions = _caption_stream(container, codecs.captions) if with_captions else None
        writer = FilmWriter(sample_rate, frame_rate, container, audio, video, captions)
        yield writer
        writer.finish()


def _video_stream(
    container: OutputContainer, codec: str, frame_rate: int, size: tuple[int, int]
) -> VideoStream:
    stream = cast(VideoStream, container.add_stream(codec, rate=frame_rate, options=_OPTIONS[codec]))
    stream.height, stream.width = size
    stream.pix_fmt = "yuv420p"
    stream.gop_size = 2 * frame_rate
    stream.codec_context.thread_count = 1
    return stream


def _caption_stream(container: OutputContainer, codec: str) -> SubtitleStream:
    stream = cast(SubtitleStream, container.add_stream(codec))
    stream.codec_context.subtitle_header = _ASS_HEADER
    stream.time_base = _MILLISECOND
    stream.metadata.update({"language": "eng", "title": "English SDH"})
    stream.disposition = Disposition.hearing_impaired | Disposition.default
    return stream
