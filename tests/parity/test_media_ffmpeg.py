"""Sound and pictures against those of the FFmpeg program."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from avtool.media.audio_decode import decode_audio
from avtool.media.video_frames import iter_frames, read_frames

imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")


def ffmpeg(path: Path, *arguments: str) -> bytes:
    """What the program writes to its standard output."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    command = [program, "-v", "error", "-i", str(path), *arguments, "-"]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


@pytest.mark.parametrize(
    "name",
    [
        "video/his_girl_friday_6s.mp4",  # AAC, 44.1 kHz
        "video/big_buck_bunny_480p_30s_surround.mp4",  # AAC, 5.1
        "video_edge/exo_testvid_1022ms.mp4",
        "audio/events/jfk_speech.flac",
        "audio/events/countdown.mp3",
        "audio/events/guitar.ogg",
        "audio/events/typing.wav",
        "audio/edge/exo_sample_ima_adpcm.wav",
    ],
)
def test_mono_16_khz(test_data: Path, tmp_path: Path, name: str) -> None:
    sound = decode_audio(test_data / name, tmp_path / "out.npy").open().astype(float)
    output = ffmpeg(test_data / name, "-vn", "-ac", "1", "-ar", "16000", "-f", "s16le")
    reference = np.frombuffer(output, np.int16).astype(float)
    assert 0 <= len(sound) - len(reference) <= 256  # the program cuts the padding of the last AAC frame
    size = min(len(sound), len(reference))
    error = np.sqrt(np.mean((sound[:size] - reference[:size]) ** 2))
    assert error <= 1 + 0.001 * np.sqrt(np.mean(reference**2))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("video/his_girl_friday_6s.mp4", (120, 160)),
        ("video/bear_vp9_opus_3s.webm", (120, 160)),
        ("video_edge/nasa_rotated.mp4", (240, 136)),
    ],
)
def test_pictures_scaled_and_turned(test_data: Path, name: str, shape: tuple[int, int]) -> None:
    height, width = shape
    scale = f"scale={width}:{height}:flags=area"
    arguments = ["-an", "-vf", scale, "-frames:v", "12", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    output = ffmpeg(test_data / name, *arguments)
    reference = np.frombuffer(output, np.uint8).reshape(12, height, width, 3)
    times = [time for time, _ in iter_frames(test_data / name, size=8)][:12]
    pictures, shown_at = read_frames(test_data / name, times, size=shape)
    np.testing.assert_array_equal(shown_at, times)
    assert np.abs(pictures.astype(int) - reference).mean() < 1.5
