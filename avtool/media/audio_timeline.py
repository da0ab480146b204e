"""Decoded audio put on the film's clock, sample by sample.

Output sample n is film time n / sample_rate (`avtool.media.container` states the rule). Frames that follow
each other are one *run*: they are counted, not timed, because most containers round their timestamps (to
1 ms in Matroska). The median over its first second or so decides where a run lies, because the very
first timestamp is the least reliable one (encoder delay, edit lists). A frame that strays from the count by
more than 40 ms starts a new run: what is missing before it stays silent, what overlaps is cut.

A run is resampled from a common point of the input and output clocks, so that the same audio falls on the
same samples whether the film is decoded from its start or from a seek.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import gcd
from statistics import median_low

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


class _Run:
    """Frames of one kind that follow each other.

    Args:
        frame: the first of them.
        position: its film time in input samples.
        start: the container's start time in seconds.

    Attributes:
        position: film time of the run's first sample, in input samples.
        fifo: audio that waits to be resampled.
        resampler: None until the position is settled.
        first: the output sample of the run's start: what the resampler gives before it is padding.
        next_output: where on the film's clock the next resampled sample falls.
    """

    def __init__(self, frame: AudioFrame, position: int, start: Fraction) -> None:
        self.rate = frame.sample_rate
        self.position = position
        self.fifo = AudioFifo()
        self.resampler: AudioResampler | None = None
        self.first = self.next_output = 0
        self._format_name = frame.format.name
        self._layout = frame.layout
        self._ticks = float((frame.time_base or Fraction(1, self.rate)) * self.rate)
        self._start = float(start * self.rate)
        self._count = 0
        self._deviations = [0.0]

    def accepts(self, frame: AudioFrame) -> bool:
        """Whether the frame is of the same kind and comes when it is expected; notes how exactly it does."""
        if (
            frame.sample_rate != self.rate
            or frame.format.name != self._format_name
            or frame.layout != self._layout
        ):
            return False
        if frame.pts is None:
            return True
        deviation = frame.pts * self._ticks - self._start - self.position - self._count
        if abs(deviation) > _STRAY_S * self.rate:
            return False
        if self.resampler is None:
            self._deviations.append(deviation)
        return True

    def add(self, frame: AudioFrame) -> None:
        self._count += frame.samples
        frame.pts = None  # the FIFO would insist on timestamps without any rounding
        self.fifo.write(frame)

    def settle(self, sample_rate: int) -> None:
        """Decides where the run lies and readies its resampler."""
        self.position += round(median_low(self._deviations))
        lead = self.position % (self.rate // gcd(self.rate, sample_rate))
        self.first = round(Fraction(self.position * sample_rate, self.rate))
        self.next_output = (self.position - lead) * sample_rate // self.rate
        self.resampler = AudioResampler("s16", "mono", sample_rate)
        audio = self.fifo.read()
        assert audio is not None, "a run has at least the frame it began with"
        self.fifo = _padded(audio, lead)


class AudioTimeline:
    """Turns decoded frames into mono int16 blocks at their place on the film's clock.

    Multichannel audio is mixed down as ITU-R BS.775 does (5.1: left and right 0.71, centre 1, surrounds 0.5,
    no LFE; stereo: both alike), scaled so that the weights add up to 1 and the mix cannot clip.
    Channels without names are averaged.

    Args:
        sample_rate: of the output, in Hz.
        start: the container's start time in seconds.
        name: of the file, for messages.

    Attributes:
        end: number of output samples up to the end of what was placed so far.
        gaps: how many silences there are between runs.
        missing: output samples that they last.
        first_gap: the output sample at which the first of them begins.
        cut: output samples dropped because their place was taken, or lay before film time zero.
        first_cut: the output sample at which the first of them would have begun.
    """

    def __init__(self, sample_rate: int, start: Fraction, name: str = "the file") -> None:
        self.sample_rate = sample_rate
        self.name = name
        self.end = 0
        self.gaps = 0
        self.missing = 0
        self.first_gap = 0
        self.cut = 0
        self.first_cut = 0
        self._start = start
        self._run: _Run | None = None

    def place(self, frame: AudioFrame) -> Iterator[tuple[int, Samples]]:
        """Takes a frame; yields (first output sample, samples) for what is ready."""
        if not frame.samples or not frame.sample_rate:
            return
        if frame.layout.nb_channels > 2 and _is_unnamed(frame.layout):
            frame = _average(frame)
        run = self._run
        if run is None or not run.accepts(frame):
            yield from self.flush()
            run = self._run = _Run(frame, self._position_of(frame), self._start)
        run.add(frame)
        while run.fifo.samples >= _BLOCK:
            yield from self._resample(run, _BLOCK)

    def flush(self) -> Iterator[tuple[int, Samples]]:
        """Ends the current run and yields what was held back."""
        run, self._run = self._run, None
        if run is not None:
            yield from self._resample(run, 0)
            yield from self._emit(run, None)

    def _position_of(self, frame: AudioFrame) -> int:
        rate = frame.sample_rate
        if not _MIN_RATE <= rate <= _MAX_RATE:
            message = f"the audio of {self.name} claims a sample rate of {rate} Hz"
            raise BadInputError(message, "the file is damaged")
        if frame.pts is None or frame.time_base is None:
            return round(Fraction(self.end, self.sample_rate) * rate)
        return round((frame.pts * frame.time_base - self._start) * rate)

    def _resample(self, run: _Run, samples: int) -> Iterator[tuple[int, Samples]]:
        """Resamples so many of the samples that wait, all of them for 0."""
        if run.resampler is None:
            run.settle(self.sample_rate)
        block = run.fifo.read(samples)
        if block is not None:
            self._need_numbers(block)
            yield from self._emit(run, block)

    def _need_numbers(self, block: AudioFrame) -> None:
        """Refuses NaN and infinity, which files of floating-point numbers may hold, before they become noise.

        Raises:
            BadInputError: there are some.
        """
        if not block.format.name.startswith(("flt", "dbl")):
            return
        finite = np.isfinite(block.to_ndarray())
        if not finite.all():
            raise not_finite(self.name, int(finite.size - finite.sum()))

    def _emit(self, run: _Run, block: AudioFrame | None) -> Iterator[tuple[int, Samples]]:
        assert run.resampler is not None
        # A resampler without work to do hands back what it was given, be it the None of the end.
        for frame in filter(None, run.resampler.resample(block)):
            samples = frame.to_ndarray()[0]
            first, run.next_output = run.next_output, run.next_output + samples.size
            keep = max(run.first, self.end)
            if first < keep:
                taken = max(first, run.first)
                self.first_cut = self.first_cut if self.cut else taken
                self.cut += max(0, min(keep, run.next_output) - taken)
                samples = samples[keep - first :]
                first = keep
            if samples.size:
                if first > self.end > 0:
                    self.first_gap = self.first_gap if self.gaps else self.end
                    self.gaps += 1
                    self.missing += first - self.end
                self.end = first + samples.size
                yield first, samples


def not_finite(name: str, count: int) -> BadInputError:
    """The error of audio with samples that are NaN or infinite; every reader of audio raises it."""
    message = f"{name} holds samples that are no finite numbers (NaN or infinity): {count} of those read"
    return BadInputError(message, "leave the file out, or write it again")


def _is_unnamed(layout: AudioLayout) -> bool:
    """Whether the channels have no names; six and eight are surround in its usual order."""
    return layout.name.endswith(" channels") and layout.nb_channels not in (6, 8)


def _average(frame: AudioFrame) -> AudioFrame:
    """The mean of all channels, for audio whose channels have no names to weigh them by.

    Not by FFmpeg's mixer, which takes 64 of them at most.
    """
    values = frame.to_ndarray()
    channels = values if frame.format.is_planar else values.reshape(-1, frame.layout.nb_channels).T
    mean = channels.mean(axis=0, dtype=np.float64)
    if channels.dtype.kind in "iu":
        bits = 8 * channels.dtype.itemsize - 1
        mean = mean / 2.0**bits - (1.0 if channels.dtype.kind == "u" else 0.0)
    mono = AudioFrame.from_ndarray(mean.astype(np.float32)[np.newaxis], "flt", "mono")
    mono.sample_rate, mono.pts, mono.time_base = frame.sample_rate, frame.pts, frame.time_base
    return mono


def _padded(audio: AudioFrame, lead: int) -> AudioFifo:
    """The audio behind `lead` samples of itself: their output is dropped, they only set the phase."""
    fifo = AudioFifo()
    audio.pts = None
    while lead > 0:
        scratch = AudioFifo()
        scratch.write(audio)
        piece = scratch.read(min(lead, audio.samples))
        assert piece is not None
        piece.pts = None
        fifo.write(piece)
        lead -= piece.samples
    fifo.write(audio)
    return fifo
