"""What a classifier's `preprocess.json` says: how files become its inputs, and its outputs words."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from avtool.core.errors import AvtoolError, CorruptArtifactError
from avtool.core.recipe import validate
from avtool.data.audio_settings import AudioSettings
from avtool.data.labels import Task
from avtool.data.video_settings import VideoSettings

MOST_ROLLS = 100


@dataclass(frozen=True)
class Preprocess:
    """How to feed a classifier.

    Attributes:
        task: what its answers are.
        labels: names of the logits; verbs, then nouns.
        sizes: classes of each part of them.
        inputs: `audio`, `video`, `image`, `clip`: what it takes.
        audio: settings of the spectrograms.
        num_frames: frames that it takes.
        mean, std: of the training spectrograms.
        pad_waveform: whether short sound is padded before the filter bank (with silence) or, as published,
            after it (with 0).
        video: the window of pictures; of an image, its size.
        rolls: rotations of the sound in time whose scores are averaged.
    """

    task: Task
    labels: tuple[str, ...]
    sizes: tuple[int, ...]
    inputs: tuple[str, ...]
    audio: AudioSettings
    num_frames: int
    mean: float
    std: float
    pad_waveform: bool
    video: VideoSettings
    rolls: int = 1

    @property
    def seconds(self) -> float:
        """The length of sound that the model takes at once."""
        return self.audio.samples_of(self.num_frames) / self.audio.sample_rate

    def to_json(self) -> dict[str, Any]:
        """As `preprocess.json` has it."""
        values: dict[str, Any] = {
            "task": self.task,
            "labels": list(self.labels),
            "sizes": list(self.sizes),
            "inputs": list(self.inputs),
        }
        if "audio" in self.inputs:
            values |= {
                "sample_rate": self.audio.sample_rate,
                "seconds": self.seconds,
                "num_frames": self.num_frames,
                "fbank": self.audio.model_dump(mode="json"),
                "mean": self.mean,
                "std": self.std,
                "pad_waveform": self.pad_waveform,
                "rolls": self.rolls,
            }
        if {"video", "image"} & set(self.inputs):
            values["video"] = self.video.model_dump(mode="json")
        return values


def read_preprocess(folder: Path, values: Mapping[str, Any]) -> Preprocess:
    """Reads it back.

    Args:
        folder: the model, for messages.
        values: the content of its `preprocess.json`.

    Raises:
        CorruptArtifactError: it is not that of a classifier, or damaged.
    """
    try:
        _need(values["task"] in get_args(Task), f"its task is {values['task']!r}")
        found = Preprocess(
            task=values["task"],
            labels=tuple(str(label) for label in values["labels"]),
            sizes=tuple(int(size) for size in values["sizes"]),
            inputs=tuple(str(name) for name in values["inputs"]),
            audio=validate(AudioSettings, values.get("fbank", {}), "fbank"),
            num_frames=int(values.get("num_frames", 1)),
            mean=float(values.get("mean", 0.0)),
            std=float(values.get("std", 1.0)),
            pad_waveform=bool(values.get("pad_waveform", False)),
            video=validate(VideoSettings, values.get("video", {}), "video"),
            rolls=int(values.get("rolls", 1)),
        )
        _need(sum(found.sizes) == len(found.labels), "it has more or fewer labels than classes")
        _need(found.std > 0 and found.num_frames > 0, "it cannot scale or cut its input")
        _need(1 <= found.rolls <= MOST_ROLLS, f"it asks for {found.rolls} rotations")
    except (KeyError, TypeError, ValueError, AvtoolError) as error:
        reason = str(error) if not isinstance(error, KeyError) else f"it has no {error}"
        raise CorruptArtifactError(
            f"`{folder}` is no classifier of clips ({reason})",
            "give a model that `avtool finetune` trained",
        ) from error
    return found


def _need(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ValueError(otherwise)
