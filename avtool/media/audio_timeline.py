"""Decoded audio put on the film's clock, sample by sample.

Output sample n is film time n / sample_rate (`avtool.media.container` states the rule). Frames that follow
each other are one *run*: they are counted, not timed, because most containers round their timestamps (to
1 ms in Matroska). A frame that strays from the count by more than 40 ms starts a new run at its own
timestamp: what is missing before it stays silent, what overlaps is cut.

A run starts on a common point of the input and output clocks, so that the same sound falls on the same
samples whether the film is decoded from its start or from a seek.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from math import gcd

import numpy as np
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from avtool.core.errors import BadInputError

Samples = NDArray[np.int16]

# Vorbis in WebM strays by 20 ms to and fro between long and short blocks; two lost AAC frames are 43 ms.
_STRAY_S = 0.04
# Filter graphs cost the same for a frame of 1024 samples as for 64 of them: resampling in blocks is twice as
# fast as resampling frames, and larger blocks gain nothing more.
_BLOCK = 65536
_MIN_RATE, _MAX_RATE = 1000, 3_000_000  # outside of it a header is damaged, or an attack on memory


@dataclass(slots=True)
class _Run:
    """Frames of one kind that follow each other."""

    layout: AudioLayout
    format_name: str
    input_rate: int
    ticks: float  # input samples per unit of the frames' time base
    resampler: AudioResampler
    first: int  # the output sample of the run's start: what the resampler gives before it is padding
    next_output: int  # where on the film's clock the next resampled sample falls
    next_input: int  # film time of the next frame expected, in input samples
    fifo: AudioFifo = field(default_factory=AudioFifo)


class AudioTimeline:
    """Turns decoded frames into mono int16 blocks at their place on the film's clock.

    Multichannel sound is mixed down as ITU-R BS.775 does (5.1: left and right 0.71, centre 1, surrounds 0.5,
    LFE left out; stereo: both alike), scaled so that the weights add up to 1 and the mix cannot clip.
    Channels without names are averaged.

    Args:
        sample_rate: of the output, in Hz.
        start: the container's start time in seconds.

    Attributes:
        end: number of output samples up to the end of what was placed so far.
        gaps: silences put in between runs, as (start, end) in output samples.
        cut: output samples dropped because their place was taken, or lay before film time zero.
        frames: decoded frames seen.
    """

    def __init__(self, sample_rate: int, start: Fraction) -> None:
        self.sample_rate = sample_rate
        self.end = 0
        self.gaps: list[tuple[int, int]] = []
        self.cut = 0
        self.frames = 0
        self._start = start
        self._run: _Run | None = None

    def place(self, frame: AudioFrame) -> Iterator[tuple[int, Samples]]:
        """Takes a frame; yields (first output sample, samples) for what is ready."""
        if not frame.samples or not frame.sample_rate:
            return
        if frame.layout.nb_channels > 2 and _is_unnamed(frame.layout):
            frame = _average(frame)
        run = self._run
        if run is None or self._strays(frame, run):
            yield from self.flush()
            run = self._run = self._begin(frame)
        self.frames += 1
        run.next_input += frame.samples
        frame.pts = None  # the FIFO would insist on timestamps without any rounding
        run.fifo.write(frame)
        while run.fifo.samples >= _BLOCK:
            yield from self._resample(run, run.fifo.read(_BLOCK))

    def flush(self) -> Iterator[tuple[int, Samples]]:
        """Ends the current run and yields what was held back."""
        run, self._run = self._run, None
        if run is not None:
            yield from self._resample(run, run.fifo.read())
            yield from self._resample(run, None)

    def _strays(self, frame: AudioFrame, run: _Run) -> bool:
        if (
            frame.sample_rate != run.input_rate
            or frame.format.name != run.format_name
            or frame.layout != run.layout
        ):
            return True
        if frame.pts is None:
            return False
        expected = run.next_input + float(self._start) * run.input_rate
        return abs(frame.pts * run.ticks - expected) > _STRAY_S * run.input_rate

    def _begin(self, frame: AudioFrame) -> _Run:
        rate = frame.sample_rate
        if not _MIN_RATE <= rate <= _MAX_RATE:
            raise BadInputError(f"its sound claims a sample rate of {rate} Hz", "the file is damaged")
        time_base = frame.time_base or Fraction(1, rate)
        if frame.pts is None:
            position = round(Fraction(self.end, self.sample_rate) * rate)
        else:
            position = round((frame.pts * time_base - self._start) * rate)
        lead = position % (rate // gcd(rate, self.sample_rate))
        run = _Run(
            layout=frame.layout,
            format_name=frame.format.name,
            input_rate=rate,
            ticks=float(time_base * rate),
            resampler=AudioResampler("s16", "mono", self.sample_rate),
            first=round(Fraction(position * self.sample_rate, rate)),
            next_output=(position - lead) * self.sample_rate // rate,
            next_input=position,
        )
        _pad(run.fifo, frame, lead)
        return run

    def _resample(self, run: _Run, block: AudioFrame | None) -> Iterator[tuple[int, Samples]]:
        # A resampler without work to do hands back what it was given, be it the None of the end.
        for frame in filter(None, run.resampler.resample(block)):
            samples = frame.to_ndarray()[0]
            first, run.next_output = run.next_output, run.next_output + samples.size
            keep = max(run.first, self.end)
            if first < keep:
                self.cut += max(0, min(keep, run.next_output) - max(first, run.first))
                samples = samples[keep - first :]
                first = keep
            if samples.size:
                if first > self.end:
                    self.gaps.append((self.end, first))
                self.end = first + samples.size
                yield first, samples


def _is_unnamed(layout: AudioLayout) -> bool:
    """Whether nobody says what the channels are; six and eight are surround in its usual order."""
    return layout.name.endswith(" channels") and layout.nb_channels not in (6, 8)


def _average(frame: AudioFrame) -> AudioFrame:
    """The mean of all channels, for sound whose channels have no names to weigh them by."""
    packed = AudioResampler("flt").resample(frame)[0]
    channels = packed.to_ndarray().reshape(-1, frame.layout.nb_channels)
    mono = AudioFrame.from_ndarray(channels.mean(axis=1, dtype=np.float32)[np.newaxis], "flt", "mono")
    mono.sample_rate, mono.pts, mono.time_base = frame.sample_rate, frame.pts, frame.time_base
    return mono


def _pad(fifo: AudioFifo, frame: AudioFrame, lead: int) -> None:
    """Writes `lead` samples of the frame's own sound: their output is dropped, they only set the phase."""
    pts, frame.pts = frame.pts, None
    while lead > 0:
        scratch = AudioFifo()
        scratch.write(frame)
        piece = scratch.read(min(lead, frame.samples))
        assert piece is not None
        piece.pts = None
        fifo.write(piece)
        lead -= piece.samples
    frame.pts = pts
