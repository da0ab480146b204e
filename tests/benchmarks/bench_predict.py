"""What `avtool predict` takes for three hours of sound, beside ten minutes: memory must not grow.

The same for an hour of film. The model has random weights; each prediction runs in a process of its own.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.settings import AudioSettings, VideoSettings
from avtool.data.inputs.spec import InputSpec
from avtool.data.inputs.video import VideoInput
from avtool.inference.outputs import OutputSpec
from avtool.media.encode import FilmSettings, write_film
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import create
from tests.benchmarks.cost import Cost, cost_of

FOLDER = Path("bench")
BIN = Path(sys.executable).parent
RATE, FRAME_RATE = 16000, 1
SHORT, LONG_SOUND, LONG_FILM = 10, 180, 60  # minutes
LABELS = tuple(f"class {number}" for number in range(10))


def sound(minutes: int) -> Iterator[NDArray[np.float32]]:
    """A minute at a time: noise, and a tone of another pitch each minute."""
    rng = np.random.default_rng(0)
    time = np.arange(60 * RATE) / RATE
    for minute in range(minutes):
        tone = np.sin(2 * np.pi * (200 + 10 * minute) * time)
        yield (0.2 * tone + 0.05 * rng.standard_normal(time.size)).astype(np.float32)


def pictures(minutes: int) -> Iterator[NDArray[np.uint8]]:
    """A bright bar that moves over a grey ground."""
    for frame in range(60 * FRAME_RATE * minutes):
        picture = np.full((96, 128, 3), 60, np.uint8)
        picture[:, frame % 120 : frame % 120 + 8] = 220
        yield picture


def make_sound(minutes: int) -> Path:
    """A FLAC file, made once."""
    path = FOLDER / f"long{minutes}.flac"
    if not path.exists():
        with soundfile.SoundFile(path.with_suffix(".partial"), "w", RATE, 1, format="FLAC") as file:
            for block in sound(minutes):
                file.write(block)
        path.with_suffix(".partial").replace(path)
    return path


def make_film(minutes: int) -> Path:
    """The same sound as AAC, with small pictures; made once."""
    path = FOLDER / f"long{minutes}.mp4"
    if not path.exists():
        settings = FilmSettings(fps=FRAME_RATE, sample_rate=RATE)
        write_film(path, settings, frames=pictures(minutes), audio=sound(minutes))
    return path


def make_model(builder: str, inputs: tuple[str, ...], **arguments: int) -> Path:
    """A model folder of random weights, for windows of five seconds."""
    audio, video = AudioSettings(), VideoSettings(num_frames=4, seconds=5.0, size=64, short_side=64)
    frames = audio.num_steps(5.0)
    known = {"audio": AudioInput(audio, frames, -6.0, 5.0), "video": VideoInput(video)}
    spec = InputSpec(tuple(known[name] for name in inputs))
    preprocess = {**OutputSpec("single-label", LABELS, (10,)).to_json(), **spec.to_json()}
    torch.manual_seed(0)
    network = create(builder, num_classes=10, **arguments)
    description = ModelDescription(builder, {"num_classes": 10, **arguments}, preprocess)
    save_model(FOLDER / builder, network.state_dict(), description)
    return FOLDER / builder


def predict(media: Path, model: Path) -> Cost:
    """`avtool predict --events`, from nothing."""
    out = FOLDER / "predicted"
    shutil.rmtree(out, ignore_errors=True)
    arguments = ["--model", str(model), "--out", str(out), "--events", "--device", "cpu", "-q"]
    return cost_of([str(BIN / "avtool"), "predict", str(media), *arguments])


def main() -> None:
    """Prints what each file takes, and the ratios that matter."""
    FOLDER.mkdir(exist_ok=True)
    cnn = make_model("cnn", ("audio",))
    shapes = {"audio_frames": 498, "num_mel_bins": 128, "video_frames": 4, "image_size": 64}
    mbt = make_model("mbt_tiny", ("video", "audio"), **shapes)
    works = (("sound, CNN", cnn, make_sound, LONG_SOUND), ("film, MBT", mbt, make_film, LONG_FILM))
    for what, model, make, long in works:
        costs = {minutes: predict(make(minutes), model) for minutes in (SHORT, long)}
        for minutes, cost in costs.items():
            print(f"{what:10} {minutes:4} min: {cost}   {60 * minutes / cost.cpu_s:6.0f} x real time")
        ratio = costs[long].memory_mib / costs[SHORT].memory_mib
        print(f"{what:10} memory, {long} / {SHORT} minutes: {ratio:.2f} (at most 1.1)")


if __name__ == "__main__":
    main()
