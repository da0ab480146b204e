"""The inputs of a model by name: their windows, their batches, and their entries of `preprocess.json`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from avtool.core.errors import AvtoolError, BadInputError, CorruptArtifactError
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.base import ModelInput
from avtool.data.inputs.features import FeaturesInput
from avtool.data.inputs.image import ImageInput
from avtool.data.inputs.processed import PROCESSOR, ProcessedAudio, ProcessedImage
from avtool.data.inputs.processed_video import ProcessedVideo
from avtool.data.inputs.prompt import PromptInput
from avtool.data.inputs.text import TextInput
from avtool.data.inputs.video import VideoInput

if TYPE_CHECKING:
    import torch
    from torch import Tensor

InputType = TypeVar("InputType", bound=ModelInput)
INPUTS: dict[str, type[ModelInput]] = {
    "audio": AudioInput,
    "video": VideoInput,
    "image": ImageInput,
    "text": TextInput,
    "prompt": PromptInput,
    "clip": FeaturesInput,
}
"""By the names of models' arguments."""
PROCESSED: dict[str, type[ModelInput]] = {
    "audio": ProcessedAudio,
    "image": ProcessedImage,
    "video": ProcessedVideo,
}
"""Those that another library preprocesses."""


@dataclass(frozen=True)
class Window:
    """A part of a file.

    Attributes:
        start, end: in seconds of the file (of the clip, in a dataset).
        values: by the names of the inputs that the file has: what their `batch` takes.
    """

    start: float
    end: float
    values: Mapping[str, Any]


@dataclass(frozen=True)
class InputSpec:
    """The inputs of a model, in the model's order."""

    inputs: tuple[ModelInput, ...]

    def __post_init__(self) -> None:
        if not self.inputs:
            raise ValueError("it takes no input")
        assert len(set(self.names)) == len(self.inputs), "two inputs have one name"

    def __iter__(self) -> Iterator[ModelInput]:
        return iter(self.inputs)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> ModelInput:
        return next(one for one in self.inputs if one.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the model's arguments."""
        return tuple(one.name for one in self.inputs)

    @property
    def seconds(self) -> float:
        """Duration of a window: that of the stream, or without one of the longest input."""
        streams = [one.seconds for one in self.inputs if one.is_stream]
        return streams[0] if streams else max(one.seconds for one in self.inputs)

    @property
    def hop(self) -> float | None:
        """Seconds from one window of a file to the next, where the model has its own."""
        return next((one.hop for one in self.inputs if one.hop), None)

    def get(self, kind: type[InputType]) -> InputType | None:
        """The input of a kind, or None."""
        return next((one for one in self.inputs if isinstance(one, kind)), None)

    def reading(self, kind: type[ModelInput], **sources: Any) -> "InputSpec":
        """The same, the input of a kind read from other sources: `features=` or `source=`."""
        return InputSpec(
            tuple(
                replace(one, **sources)  # type: ignore[type-var]
                if isinstance(one, kind)
                else one
                for one in self.inputs
            )
        )

    def only(self, names: Sequence[str], origin: Path | str) -> "InputSpec":
        """The same with some of the inputs.

        Args:
            names: the inputs wanted.
            origin: the model, for messages.

        Raises:
            BadInputError: the model does not take one of them.
        """
        if lacking := [name for name in names if name not in self]:
            message = f"`{origin}` takes no {lacking[0]}: it takes {' and '.join(self.names)}"
            raise BadInputError(message, "choose another --modality, or another model")
        return InputSpec(tuple(one for one in self.inputs if one.name in names))

    def of_modality(self, modality: str, origin: Path | str) -> "InputSpec":
        """The same with one input by name, or with audio and video for `both`.

        Raises:
            BadInputError: the model does not take them.
        """
        return self.only(["audio", "video"] if modality == "both" else [modality], origin)

    def with_features(self, path: Path, origin: Path | str) -> "InputSpec":
        """The same, its frame features read from a table of `avtool embed`, or from a `features` artifact.

        Raises:
            BadInputError: there are none among the inputs, they are of another width, or there are none.
            CorruptArtifactError: they are damaged.
        """
        from avtool.data.inputs.frame_features import open_frame_features

        one = self.get(FeaturesInput)
        if one is None:
            raise BadInputError(f"`{origin}` takes no frame features", "run without --frame-features")
        found = open_frame_features(path)
        if found.width != one.dim:
            message = f"`{origin}` takes frame features of {one.dim} numbers, and `{path}` has {found.width}"
            raise BadInputError(message, "embed the films by the encoder that it was trained with")
        return self.reading(FeaturesInput, features=found)

    def batch(self, windows: Sequence[Window], device: "torch.device") -> "dict[str, Tensor]":
        """The model's arguments: of the inputs that all of the windows have."""
        found: dict[str, Tensor] = {}
        for one in self.inputs:
            values = [window.values[one.name] for window in windows if one.name in window.values]
            if len(values) == len(windows):
                found |= one.batch(values, device)
        return found

    def assets(self) -> dict[str, Path]:
        """Folders that belong beside the weights, by their names there."""
        return {name: path for one in self.inputs for name, path in one.assets().items()}

    def to_json(self) -> dict[str, Any]:
        """As `preprocess.json` has it."""
        return {"inputs": {one.name: one.to_json() for one in self.inputs}}


def read_inputs(folder: Path, values: Mapping[str, Any]) -> InputSpec:
    """Reads the inputs of a model back.

    Args:
        folder: of the model.
        values: the content of its `preprocess.json`.

    Raises:
        CorruptArtifactError: the content is damaged.
    """
    if "inputs" not in values and (task := values.get("task")):
        message = f"`{folder}` is a model of {task}: it takes films with their features, no clips"
        raise BadInputError(message, f"`{values.get('usage', 'avtool caption')}` applies it")
    try:
        parts = values["inputs"]
        parts = parts if isinstance(parts, Mapping) else _older_parts(values)
        return InputSpec(tuple(_read_input(name, part, folder) for name, part in parts.items()))
    except (KeyError, TypeError, ValueError, AttributeError, AvtoolError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        message = f"`{folder}` does not describe its inputs ({reason})"
        raise CorruptArtifactError(message, "train the model again") from error


def _read_input(name: str, part: Any, folder: Path) -> ModelInput:
    if name not in INPUTS:
        raise ValueError(f"`{name}` is no input")
    kind = PROCESSED[name] if PROCESSOR in part and name in PROCESSED else INPUTS[name]
    return kind.from_json(name, part, folder)


def _older_parts(values: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The parts of an older `preprocess.json`: a list of inputs, and the keys of all beside it."""
    audio = {
        "spectrogram": values.get("fbank", {}),
        "num_frames": values.get("num_frames", 1),
        "mean": values.get("mean", 0.0),
        "std": values.get("std", 1.0),
        "pad_waveform": values.get("pad_waveform", False),
    }
    video = values.get("video", {})
    parts = {"audio": audio, "video": video, "image": video, "clip": {}}
    return {name: parts.get(name, {}) for name in values["inputs"]}
