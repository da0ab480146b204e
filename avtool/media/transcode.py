"""Small copies of films that are cheap to read: few lines, a key frame every second, audio ready to use.

Decoding such a copy takes a tenth of the time, and a frame anywhere in it is at most a second of decoding
away: training reads each film a hundred times, so one encoding pays.
"""

from collections.abc import Iterator
from pathlib import Path

from avtool.core.reporter import Reporter, Silent
from avtool.media.audio_decode import iter_audio
from avtool.media.audio_timeline import Samples
from avtool.media.encode import FilmSettings, film_writer
from avtool.media.probe import probe
from avtool.media.video_frames import iter_frames


def transcode_short_gop(
    path: Path,
    out: Path,
    *,
    height: int = 256,
    gop: int = 25,
    sample_rate: int = 16000,
    reporter: Reporter | None = None,
) -> None:
    """Writes a small copy of a film with short GOPs; film time stays what it was.

    Frames keep their times and their shape, turned upright. Audio becomes mono FLAC, the samples that
    `decode_audio` gives, so that decoding the copy gives the same. Captions stay in the original.

    Args:
        path: the film.
        out: the copy, `.mp4` or `.mkv`; only the first keeps times exactly, Matroska rounds them to 1 ms.
        height: pixels of the shorter side; a smaller film keeps its size.
        gop: frames from one key frame to the next.
        sample_rate: of the audio, in Hz.
        reporter: gets progress and damage.

    Raises:
        BadInputError: the film has no video, or the copy cannot be written.
    """
    reporter = reporter or Silent()
    info = probe(path)
    settings = FilmSettings(
        fps=info.fps or 25,
        size=_even_size(path, height),
        sample_rate=sample_rate if info.audio else None,
        gop=gop,
        audio_codec="flac",
    )
    frames = iter_frames(path, size=settings.size, reporter=reporter)
    audio = _timed(iter_audio(path, sample_rate, reporter=reporter), sample_rate) if info.audio else iter(())
    with (
        reporter.progress(f"copying {path.name}", info.duration_s) as bar,
        film_writer(out, settings) as writer,
    ):
        frame, block = next(frames, None), next(audio, None)
        done = 0.0
        while frame or block:
            if block is None or (frame and frame[0] <= block[0]):
                assert frame is not None
                time, pixels = frame
                writer.frame(pixels, time)
                bar.advance(time - done)
                done = time
                frame = next(frames, None)
            else:
                writer.audio(block[1])
                block = next(audio, None)


def _timed(blocks: Iterator[Samples], sample_rate: int) -> Iterator[tuple[float, Samples]]:
    """Blocks of audio with the film time at which each begins."""
    done = 0
    for samples in blocks:
        yield done / sample_rate, samples
        done += samples.size


def _even_size(path: Path, height: int) -> tuple[int, int]:
    """The (height, width) of the copy: shaped as the film is shown, no larger, even as encoders need it."""
    first = next(iter_frames(path, threads=1))[1]
    scale = min(1.0, height / min(first.shape[:2]))
    return max(2, 2 * round(first.shape[0] * scale / 2)), max(2, 2 * round(first.shape[1] * scale / 2))
