"""How files become the inputs of a model: what `preprocess.json` says of every model, classifier or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from avtool.core.errors import AvtoolError, BadInputError, CorruptArtifactError
from avtool.core.recipe import validate
from avtool.data.inputs.audio_settings import AudioSettings
from avtool.data.inputs.video_settings import VideoSettings

MODALITIES = ("audio", "video", "image")


@dataclass(frozen=True)
class Feed:
    """How to feed a model.

    Attributes:
        inputs: of `audio`, `video` and `image`, what it takes.
        audio: settings of the spectrograms.
        num_frames: frames of a spectrogram.
        mean, std: that scale it: (x - mean) / (2 std).
        pad_waveform: whether short sound is padded before the filter bank (with silence) or, as published,
            after it (with 0).
        video: the window of pictures; of an image, its size.
    """

    inputs: tuple[str, ...]
    audio: AudioSettings
    num_frames: int = 1
    mean: float = 0.0
    std: float = 1.0
    pad_waveform: bool = False
    video: VideoSettings = VideoSettings()  # noqa: RUF009 - frozen

    @property
    def seconds(self) -> float:
        """The length of sound that the model takes at once."""
        return self.audio.samples_of(self.num_frames) / self.audio.sample_rate

    @property
    def window_seconds(self) -> float:
        """The length of a window: that of the sound, or where there is none of the pictures."""
        return self.seconds if "audio" in self.inputs else self.video.seconds

    def only(self, names: Sequence[str], origin: Path) -> "Feed":
        """The same with some of the inputs.

        Args:
            names: the inputs wanted.
            origin: the model, for messages.

        Raises:
            BadInputError: the model does not take one of them.
        """
        if lacking := [name for name in names if name not in self.inputs]:
            message = f"`{origin}` takes no {lacking[0]}: it takes {' and '.join(self.inputs)}"
            raise BadInputError(message, "choose another --modality, or another model")
        return replace(self, inputs=tuple(name for name in self.inputs if name in names))

    def to_json(self) -> dict[str, Any]:
        """As `preprocess.json` has it."""
        values: dict[str, Any] = {"inputs": list(self.inputs)}
        if "audio" in self.inputs:
            values |= {
                "sample_rate": self.audio.sample_rate,
                "seconds": self.seconds,
                "num_frames": self.num_frames,
                "fbank": self.audio.model_dump(mode="json"),
                "mean": self.mean,
                "std": self.std,
                "pad_waveform": self.pad_waveform,
            }
        if {"video", "image"} & set(self.inputs):
            values["video"] = self.video.model_dump(mode="json")
        return values


def read_feed(folder: Path, values: Mapping[str, Any]) -> Feed:
    """Reads it back.

    Args:
        folder: the model, for messages.
        values: the content of its `preprocess.json`.

    Raises:
        BadInputError: the model takes other inputs than sound and pictures.
        CorruptArtifactError: the content is damaged.
    """
    try:
        feed = Feed(**feed_fields(values))
    except (KeyError, TypeError, ValueError, AvtoolError) as error:
        reason = str(error) if not isinstance(error, KeyError) else f"it has no {error}"
        message = f"`{folder}` does not say how it is fed ({reason})"
        raise CorruptArtifactError(message, "train the model again") from error
    if foreign := [name for name in feed.inputs if name not in MODALITIES]:
        message = f"`{folder}` reads `{foreign[0]}`, which is not computed from files here"
        raise BadInputError(message, "choose a model of sound and pictures")
    return feed


def feed_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a `Feed` in a `preprocess.json`, checked.

    Raises:
        KeyError, TypeError, ValueError, AvtoolError: one is absent or wrong.
    """
    fields: dict[str, Any] = {
        "inputs": tuple(str(name) for name in values["inputs"]),
        "audio": validate(AudioSettings, values.get("fbank", {}), "fbank"),
        "num_frames": int(values.get("num_frames", 1)),
        "mean": float(values.get("mean", 0.0)),
        "std": float(values.get("std", 1.0)),
        "pad_waveform": bool(values.get("pad_waveform", False)),
        "video": validate(VideoSettings, values.get("video", {}), "video"),
    }
    if not fields["inputs"]:
        raise ValueError("it takes no input")
    if fields["std"] <= 0 or fields["num_frames"] <= 0:
        raise ValueError("it cannot scale or cut its input")
    return fields
