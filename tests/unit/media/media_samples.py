"""Media made on the spot: chirps whose pitch tells the time, pictures whose grey tells their number."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE = 16000
Samples = NDArray[np.int16]
Frame = NDArray[np.uint8]


def make_chirp(seconds: float, rate: int = RATE) -> Samples:
    """A sweep from 200 Hz up by 150 Hz a second: no two stretches of it look alike."""
    t = np.arange(round(seconds * rate)) / rate
    return np.round(16000 * np.sin(2 * np.pi * (200 * t + 75 * t**2))).astype(np.int16)


def lag_of(decoded: Samples, reference: Samples) -> int:
    """By how many samples `decoded` comes later than `reference`."""
    size = 2 * max(len(decoded), len(reference))
    spectrum = np.fft.rfft(decoded.astype(float), size) * np.conj(np.fft.rfft(reference.astype(float), size))
    peak = int(np.argmax(np.fft.irfft(spectrum, size)))
    return peak - size if peak > size // 2 else peak


def write_pcm(
    path: Path, chunks: Sequence[tuple[float, Samples]], rate: int = RATE, pictures: int = 0
) -> None:
    """Writes mono sound without compression, each chunk at its own time, and some pictures from time 0 on."""
    with av.open(str(path), "w") as container:
        sound = container.add_stream("pcm_s16le", rate=rate, layout="mono")
        if pictures:
            video = container.add_stream("libx264", rate=25, width=64, height=48, options={"bf": "0"})
            for number, picture in enumerate(numbered_pictures(pictures)):
                frame = av.VideoFrame.from_ndarray(picture)
                frame.pts, frame.time_base = number, Fraction(1, 25)
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
        for time, samples in chunks:
            packet = av.Packet(samples.tobytes())
            packet.stream, packet.time_base = sound, Fraction(1, rate)
            packet.pts = packet.dts = round(time * rate)
            packet.duration = len(samples)
            container.mux(packet)


def write_sound(
    path: Path, codec: str, samples: NDArray, rate: int, layout: str = "mono", **muxer: str
) -> None:
    """Encodes int16 sound, (samples,) or (samples, channels), into a container of its own."""
    with av.open(str(path), "w", container_options=muxer) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        container.mux([*stream.encode(frame), *stream.encode(None)])


def numbered_pictures(count: int, height: int = 48, width: int = 64, step: int = 4) -> Iterator[Frame]:
    """Plain pictures whose grey is their number times `step`."""
    for number in range(count):
        yield np.full((height, width, 3), step * number, np.uint8)


def numbers_of(pictures: Sequence[Frame] | Frame, step: int = 4) -> list[int]:
    """Which numbered pictures these are."""
    return [round(float(picture.mean()) / step) for picture in pictures]
