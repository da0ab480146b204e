"""How fast films are read: all of the sound, and pictures here and there, beside plain PyAV and FFmpeg."""

import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import soundfile

from avtool.media.audio_decode import decode_audio
from avtool.media.encode import FilmSettings, write_film
from avtool.media.transcode import transcode_short_gop
from avtool.media.video_frames import iter_frames, read_frames

SECONDS, RATE, FPS = 240, 48000, 25
REPEATS = 2


def cpu_seconds() -> float:
    """Processor time of this process and of its children that have ended."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def cost(work: Callable[[], object]) -> tuple[float, float]:
    """The least (wall, processor) seconds of a few runs."""
    costs = []
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), cpu_seconds()
        work()
        costs.append((time.perf_counter() - wall, cpu_seconds() - cpu))
    return min(costs, key=lambda pair: pair[1])


def pictures(count: int) -> Iterator[np.ndarray]:
    """A landscape of noise that slides, with a bar that moves: neither easy nor impossible to encode."""
    rng = np.random.default_rng(0)
    ground = np.kron(rng.integers(0, 255, (23, 54, 3), np.uint8), np.ones((16, 16, 1), np.uint8))
    for number in range(count):
        picture = np.roll(ground, number, axis=1)[:360, :640].copy()
        picture[:, number % 640 : number % 640 + 20] = 255
        yield picture


def sounds() -> Iterator[np.ndarray]:
    rng = np.random.default_rng(1)
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    for _ in range(SECONDS):
        noise = 0.1 * rng.standard_normal((RATE, 2))
        yield np.round(32767 * np.clip(noise + tone[:, None], -1, 1)).astype(np.int16)


def plain_pyav(film: Path) -> int:
    """Every frame resampled on its own."""
    resampler, samples = av.AudioResampler("s16", "mono", 16000), 0
    with av.open(str(film)) as container:
        for frame in container.decode(audio=0):
            samples += sum(out.to_ndarray().size for out in resampler.resample(frame))
    return samples


def ffmpeg(*arguments: str) -> int:
    """Bytes that FFmpeg writes into a pipe."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-threads", "1", *arguments, "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        size = 0
        while block := process.stdout.read(1 << 20):
            size += len(block)
    return size


def report(title: str, unit: float, works: dict[str, Callable[[], object]]) -> None:
    """Prints `unit` a second of each, and its time as a multiple of the first one's."""
    print(title)
    costs = {name: cost(work) for name, work in works.items()}
    ours = next(iter(costs.values()))[1]
    for name, (wall, cpu) in costs.items():
        times = f"{wall:7.2f} s wall {cpu:7.2f} s cpu"
        print(f"  {name:44} {times} {unit / cpu:8.0f} /s cpu   {cpu / ours:5.2f} x the time")


def main() -> None:
    """Makes a film of four minutes and reads it in several ways."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        film, wav, copy, out = (
            folder / "film.mp4",
            folder / "film.wav",
            folder / "copy.mp4",
            folder / "out.npy",
        )
        settings = FilmSettings(fps=FPS, sample_rate=RATE, gop=250, audio_bit_rate=128_000)
        write_film(film, settings, frames=pictures(SECONDS * FPS), audio=sounds())
        with soundfile.SoundFile(wav, "w", RATE, 2, "PCM_16") as file:
            for block in sounds():
                file.write(block)
        transcode_short_gop(film, copy)
        starts = np.random.default_rng(2).uniform(0, SECONDS - 4, 20)
        clips = [[start + 0.12 * k for k in range(16)] for start in starts]
        size = (224, 224)

        def read_clips(path: Path) -> None:
            for times in clips:
                read_frames(path, times, size=size, threads=1)

        def pipe_clips() -> None:
            scale = ["-vf", "fps=1/0.12,scale=224:224:flags=area", "-frames:v", "16", "-pix_fmt", "rgb24"]
            for times in clips:
                ffmpeg("-ss", str(times[0]), "-i", str(film), "-an", *scale, "-f", "rawvideo")

        to_mono = ["-vn", "-ac", "1", "-ar", "16000", "-f", "s16le"]
        report(
            f"sound: AAC, 48 kHz, stereo, {SECONDS} s, to 16 kHz mono (seconds of film)",
            SECONDS,
            {
                "avtool": lambda: decode_audio(film, out),
                "avtool, of the short-GOP copy (FLAC)": lambda: decode_audio(copy, out),
                "PyAV, frame by frame": lambda: plain_pyav(film),
                "FFmpeg through a pipe": lambda: ffmpeg("-i", str(film), *to_mono),
                "soundfile, WAV, mixed but not resampled": lambda: soundfile.read(wav)[0].mean(axis=1),
            },
        )
        report(
            "pictures: 20 clips of 16, 224 x 224 (pictures)",
            320,
            {
                "avtool": lambda: read_clips(film),
                "avtool, of the short-GOP copy": lambda: read_clips(copy),
                "FFmpeg through pipes": pipe_clips,
            },
        )
        report(
            "pictures: all of them, 224 x 224 (pictures)",
            SECONDS * FPS,
            {
                "avtool": lambda: sum(1 for _ in iter_frames(film, size=size, threads=1)),
                "avtool, of the short-GOP copy": lambda: sum(
                    1 for _ in iter_frames(copy, size=size, threads=1)
                ),
                "FFmpeg through a pipe": lambda: ffmpeg(
                    "-i",
                    str(film),
                    "-an",
                    "-vf",
                    "scale=224:224:flags=area",
                    "-pix_fmt",
                    "rgb24",
                    "-f",
                    "rawvideo",
                ),
            },
        )


if __name__ == "__main__":
    main()
