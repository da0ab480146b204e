"""The audio of a film as 16 kHz mono int16 on the film's clock: all of it to a file, or a short span.

The film is opened once, other streams are skipped in the demuxer, and audio is resampled in blocks: AAC at
48 kHz decodes about a thousand times faster than it plays (`python -m tests.benchmarks.bench_decode`).
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError

from avtool.core.errors import BadInputError
from avtool.core.files import atomic_file
from avtool.core.reporter import Reporter, Silent
from avtool.media.audio_timeline import AudioTimeline, Samples
from avtool.media.container import ReadLog, decoded, film_start, open_media, pick_audio, reason

_LATE_S = 600.0  # how far past its stated end a film's audio may reach by a jump of its timestamps …
_BREATH_S = 60.0  # … and the gap that is no jump, wherever it is: stated ends may be estimates
_LONGEST_S = 100 * 3600.0  # the end assumed where none is stated
_SHORT_S = 1.0  # audio that ends so much before its stated end was cut short
_AUDIBLE_S = 0.05  # gaps and overlaps that add up to less are rounding
SILENT = "the audio is digital silence"
_PREROLL_S = 1.0  # how far before a span decoding starts …
_SETTLE_S = 0.2  # … and the least that decoders need to settle: 80 ms for Opus, some frames for MP3
# Formats that state the duration in their header; the others estimate it, or read it from the file's end.
_STATED_DURATION = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "asf", "flac"}


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """A film's decoded audio.

    Attributes:
        path: a `.npy` file of shape (num_samples,), int16, mono.
        sample_rate: in Hz. Sample n is film time n / sample_rate.
        num_samples: from film time zero to the end of the audio.
        stream: the container's number of the stream that was decoded.
        complete: False when the file is cut short or its audio could not be read to the end.
        last_pts_s: film time at which the last decoded audio ends, in seconds.
        warnings: problems that a user should look at, one line each.
    """

    path: Path
    sample_rate: int
    num_samples: int
    stream: int
    complete: bool
    last_pts_s: float
    warnings: tuple[str, ...] = ()

    def open(self) -> Samples:
        """The samples, (num_samples,) int16, memory-mapped read-only."""
        samples: Samples = np.load(self.path, mmap_mode="r" if self.num_samples else None, allow_pickle=False)
        return samples


def decode_audio(
    path: Path,
    out: Path,
    *,
    sample_rate: int = 16000,
    stream: int | None = None,
    language: str = "",
    reporter: Reporter | None = None,
) -> AudioTrack:
    """Decodes one audio stream of a film, once, into a `.npy` file.

    Memory does not grow with the film. What is missing (late start, gaps) is silent; where timestamps
    overlap, the audio that came first stays. A damaged or cut file gives what can be decoded, with
    `complete` false and a warning.

    Args:
        path: the film.
        out: the `.npy` file to write, atomically.
        sample_rate: of the result, in Hz.
        stream: the container's number of the stream; by default `pick_audio` decides.
        language: of the stream to prefer (BCP 47), or "".
        reporter: gets the choice of the stream, progress and warnings.

    Raises:
        BadInputError: no audio stream, nothing decodable, or timestamps far beyond the film's end.
    """
    reporter = reporter or Silent()
    with open_media(path) as container, atomic_file(out) as partial, partial.open("wb") as file:
        source = pick_audio(container, path, reporter, stream, language)
        index = source.index
        log = ReadLog()
        timeline = AudioTimeline(sample_rate, film_start(container), f"`{path}`")
        header = _write_header(file, 0)
        done, silent = 0, True
        duration_s = (container.duration or 0) / av.time_base
        with reporter.progress(f"decoding the audio of {path.name}", duration_s or None) as bar:
            for first, samples in _blocks(container, source, timeline, log, path):
                file.seek(header + 2 * first)  # a gap becomes a hole in the file: silence
                file.write(samples.data)
                bar.advance((first + samples.size - done) / sample_rate)
                done = first + samples.size
                silent = silent and not samples.any()
        if not done:
            raise _undecodable(path, source, log)
        file.seek(0)
        _write_header(file, done)
        stated_s = _stated_end(container, source)
    complete, warnings = _report(path, timeline, log, stated_s, reporter, silent=silent)
    return AudioTrack(out, sample_rate, done, index, complete, done / sample_rate, warnings)


def iter_audio(
    path: Path, sample_rate: int = 16000, stream: int | None = None, reporter: Reporter | None = None
) -> Iterator[Samples]:
    """Streams the samples of `decode_audio` in blocks of (samples,) int16, gaps filled with silence.

    The reporter gets the damage when the last block is taken, as from `decode_audio`.
    """
    with open_media(path) as container:
        source = pick_audio(container, path, Silent(), stream)
        timeline = AudioTimeline(sample_rate, film_start(container), f"`{path}`")
        log = ReadLog()
        done, silent = 0, True
        for first, samples in _blocks(container, source, timeline, log, path):
            while done < first:
                silence = np.zeros(min(first - done, sample_rate), np.int16)
                yield silence
                done += silence.size
            silent = silent and not samples.any()
            yield samples
            done += samples.size
        _report(path, timeline, log, _stated_end(container, source), reporter or Silent(), silent=silent)


def decode_audio_array(
    path: Path, start_s: float, duration_s: float, sample_rate: int = 16000, stream: int | None = None
) -> Samples:
    """Decodes a short span by seeking: `decode_audio(...).open()[round(start*sr):][:round(duration*sr)]`.

    Like a slice it is shorter where the film ends. The samples are those of the full decode where the
    container times its audio exactly (MP4, WAV, FLAC, Ogg, MP3), but for the noise that AAC fills bands with.
    Where timestamps are rounded (Matroska, FLV: 1 ms; Vorbis in WebM: 20 ms) they may be shifted by so much.

    Args:
        path: the film.
        start_s: film time of the first sample, in seconds.
        duration_s: length in seconds.
        sample_rate: of the result, in Hz.
        stream: the container's number of the stream; by default `pick_audio` decides.

    Returns:
        (samples,) int16, mono.
    """
    assert start_s >= 0, start_s
    assert duration_s >= 0, duration_s
    begin = round(start_s * sample_rate)
    wanted = round(duration_s * sample_rate)
    # A seek may land late, or too near for the decoder to settle: then try from further back, or the start.
    for back_s in (_PREROLL_S, 10 * _PREROLL_S):
        if start_s > back_s:
            with open_media(path) as container:
                source = pick_audio(container, path, Silent(), stream)
                _seek(container, start_s - back_s)
                earliest = begin - round(_SETTLE_S * sample_rate)
                span = _read_span(container, source, path, sample_rate, begin, wanted, earliest)
                if span is not None:
                    return span
    with open_media(path) as container:
        source = pick_audio(container, path, Silent(), stream)
        span = _read_span(container, source, path, sample_rate, begin, wanted, begin + wanted)
        return np.zeros(0, np.int16) if span is None else span


def _blocks(
    container: InputContainer, source: AudioStream, timeline: AudioTimeline, log: ReadLog, path: Path
) -> Iterator[tuple[int, Samples]]:
    """The stream on the film's clock, as (first sample, samples), in order and without overlap.

    Raises:
        BadInputError: the timestamps jump past the film's end, and filling up to there might fill the disk.
    """
    rate = timeline.sample_rate
    stated_s = (container.duration or 0) / av.time_base
    limit_s = min(stated_s + _LATE_S, _LONGEST_S) if stated_s else _LONGEST_S
    done = 0
    for first, samples in _decodable(_placed(container, source, timeline, log), path):
        if first > limit_s * rate and first - done > _BREATH_S * rate:
            raise _jump_error(path, done / rate, first / rate)
        yield first, samples
        done = first + samples.size


def _decodable(blocks: Iterator[tuple[int, Samples]], path: Path) -> Iterator[tuple[int, Samples]]:
    try:
        yield from blocks
    except FFmpegError as error:  # of the resampler; the decoder's are in the log
        message = f"the audio of `{path}` cannot be resampled: {reason(error)}"
        raise BadInputError(message, "convert it to mono or stereo first") from error


def _placed(
    container: InputContainer, source: AudioStream, timeline: AudioTimeline, log: ReadLog
) -> Iterator[tuple[int, Samples]]:
    source.codec_context.thread_count = 1
    refused = 0
    for frame in decoded(container, source, log):
        if log.bad_packets > refused:  # audio was lost just now: what follows goes by its own timestamp
            refused = log.bad_packets
            yield from timeline.flush()
        yield from timeline.place(frame)
    yield from timeline.flush()


def _read_span(
    container: InputContainer,
    source: AudioStream,
    path: Path,
    sample_rate: int,
    begin: int,
    wanted: int,
    earliest: int,
) -> Samples | None:
    """Samples begin … begin + wanted, or None if the audio from here on starts only after `earliest`."""
    timeline = AudioTimeline(sample_rate, film_start(container), f"`{path}`")
    span = np.zeros(wanted, np.int16)
    started = False
    for first, samples in _blocks(container, source, timeline, ReadLog(), path):
        if not started and first > earliest:
            return None
        started = True
        low, high = max(first, begin), min(first + samples.size, begin + wanted)
        if low < high:
            span[low - begin : high - begin] = samples[low - first : high - first]
        if timeline.end >= begin + wanted:
            break
    return span[: max(0, timeline.end - begin)] if started else None


def _seek(container: InputContainer, film_s: float) -> None:
    """Goes to somewhere before a film time, or stays at the start if the format cannot seek.

    By the container's own choice of a stream: where that is the video it lands seconds early, but Matroska
    has an index for no other stream, and would read through half of the film for the audio's.
    """
    with suppress(FFmpegError):
        container.seek(int((Fraction(film_s) + film_start(container)) * av.time_base))


def _write_header(file: BinaryIO, num_samples: int) -> int:
    """Writes the header of a `.npy` file of int16; its length does not depend on the number of samples."""
    header = {"descr": "<i2", "fortran_order": False, "shape": (num_samples,)}
    np.lib.format.write_array_header_1_0(file, header)
    return file.tell()


def _stated_end(container: InputContainer, source: AudioStream) -> float | None:
    """The film time of the stream's end by the file's header, None if that is not reliable."""
    if container.format.name not in _STATED_DURATION:
        return None
    start = film_start(container)
    if source.duration is not None and source.time_base is not None:
        return float(((source.start_time or 0) + source.duration) * source.time_base - start)
    for name, value in source.metadata.items():  # Matroska's statistics tags: DURATION, DURATION-eng
        tag = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", value)
        if name.upper().startswith("DURATION") and tag:
            return int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3]) - float(start)
    return container.duration / av.time_base - float(start) if container.duration else None


def _undecodable(path: Path, source: AudioStream, log: ReadLog) -> BadInputError:
    why = log.refusal or log.stopped or "it holds no samples"
    message = f"audio stream #{source.index} of `{path}` cannot be decoded: {why}"
    return BadInputError(message, "the file may be damaged: copy or download it again")


def _jump_error(path: Path, from_s: float, to_s: float) -> BadInputError:
    message = f"the timestamps of `{path}` jump from {_clock(from_s)} to {_clock(to_s)}, past the film's end"
    return BadInputError(message, "its clock is damaged: remux or re-encode it first")


def _report(
    path: Path,
    timeline: AudioTimeline,
    log: ReadLog,
    stated_s: float | None,
    reporter: Reporter,
    *,
    silent: bool,
) -> tuple[bool, tuple[str, ...]]:
    """Warns of all that is wrong with audio that was read to its end.

    Returns:
        Whether it is complete, and the warnings.
    """
    end_s = timeline.end / timeline.sample_rate
    short = stated_s is not None and end_s < stated_s - _SHORT_S
    warnings = _warnings(timeline, log, silent and timeline.end > 0)
    if short or log.stopped:
        warnings.insert(0, _cut_warning(end_s, stated_s, log))
    for text in warnings:
        reporter.warn(f"{path.name}: {text}")
    return not (short or log.stopped or log.bad_at_end), tuple(warnings)


def _cut_warning(end_s: float, stated_s: float | None, log: ReadLog) -> str:
    if log.stopped:
        return f"reading stopped at {_clock(end_s)}: {log.stopped}; the audio up to there is kept"
    return f"the audio ends at {_clock(end_s)} of {_clock(stated_s or 0)}: the file seems cut short"


def _warnings(timeline: AudioTimeline, log: ReadLog, silent: bool) -> list[str]:
    """Problems of the audio that a listener would notice, beside its being cut short."""
    rate = timeline.sample_rate
    texts = []
    if log.bad_packets:
        at = f", the first at {_clock(log.refused_at)}" if log.refused_at is not None else ""
        where = " at its end" if log.bad_at_end == log.bad_packets else at
        texts.append(f"{log.bad_packets} packets of audio could not be decoded{where}: {log.refusal}")
    if timeline.missing > _AUDIBLE_S * rate:
        at = _clock(timeline.first_gap / rate)
        gaps = f"1 gap at {at}" if timeline.gaps == 1 else f"{timeline.gaps} gaps, the first at {at}"
        texts.append(f"{timeline.missing / rate:.2f} s of audio are missing ({gaps}): left silent")
    if timeline.cut > _AUDIBLE_S * rate:
        at = _clock(timeline.first_cut / rate)
        texts.append(f"{timeline.cut / rate:.2f} s of audio at {at} overlapped what came before: cut")
    if silent:
        texts.append(SILENT)
    return texts


def _clock(seconds: float) -> str:
    minutes, hundredths = divmod(round(100 * max(seconds, 0.0)), 6000)
    return f"{minutes // 60}:{minutes % 60:02d}:{hundredths / 100:05.2f}"
