"""Inputs of encoders of other libraries: their own preprocessing, over our reading of files and films."""

import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import CorruptArtifactError, MissingError
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.base import known_false
from avtool.data.inputs.image import ImageInput
from avtool.data.inputs.settings import AudioSettings, VideoSettings
from avtool.data.items import Item
from avtool.data.manifest import Clip, Manifest
from avtool.media.still_images import is_image, read_image
from avtool.media.video_frames import read_frames
from avtool.media.waveforms import Waveform

if TYPE_CHECKING:
    import torch
    from torch import Tensor

PROCESSOR = "processor"
"""The key of an input that another library preprocesses, and the folder of its files within the model's."""
_HUB = "pip install 'avtool[hub]'"


@dataclass(frozen=True)
class ProcessedImage(ImageInput):
    """Images (3, H, W) as timm or transformers preprocesses them for evaluation.

    Training samples are the same: encoders that are fed so stay frozen.

    Attributes:
        library: `timm` or `transformers`.
        config: of timm's transform; empty for transformers.
        folder: of the processor's files; None for timm.
    """

    settings: VideoSettings = VideoSettings(num_frames=1, seconds=1.0)  # noqa: RUF009 - frozen
    library: str = "timm"
    config: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    noun: ClassVar[str] = "image"

    def sample(
        self,
        clips: Manifest,
        index: int,
        place: float,
        rng: np.random.Generator | None,  # noqa: ARG002 - without augmentation
    ) -> "dict[str, Tensor]":
        """Reads an image, of a film the frame at `place`."""
        clip = clips[index]
        return {self.name: self.process(self._image(clips.local(clip.video), _moment(clip, place)))}

    def absent(self) -> "dict[str, Tensor]":
        """A grey image."""
        return {self.name: self.process(np.full((256, 256, 3), 128, np.uint8))}

    def lacking(self, clips: Manifest) -> NDArray[np.bool_]:
        """Which clips are known to have no video."""
        return known_false(clips, "has_video")

    def window(self, item: Item, start: float, end: float) -> "Tensor":
        """A photograph, or the frame in the middle between two times."""
        if is_image(item.path):
            return self.process(read_image(item.path))
        path, offset = item.video()
        return self.process(self._image(path, offset + (start + end) / 2))

    def process(self, image: NDArray[np.uint8]) -> "Tensor":
        """(H, W, 3) RGB bytes → what the encoder takes, (3, H, W)."""
        from PIL import Image

        found: Tensor = self._processor(Image.fromarray(image))
        return found

    def whole(self, image: NDArray[np.uint8]) -> "Tensor":
        """RGB bytes (H, W, 3) of the size that the encoder takes → (3, H, W), neither scaled nor cut."""
        import torch

        if self.library == "transformers":
            found: Tensor = self._processor(image, do_resize=False, do_center_crop=False)
            return found
        values = torch.from_numpy(image.copy()).permute(2, 0, 1).float() / 255
        mean, std = (values.new_tensor(self.config[name])[:, None, None] for name in ("mean", "std"))
        return (values - mean) / std

    def to_json(self) -> dict[str, Any]:
        """Its part of `preprocess.json`."""
        values: dict[str, Any] = {PROCESSOR: self.library, "seconds": self.seconds}
        return {**values, "config": dict(self.config)} if self.library == "timm" else values

    def assets(self) -> dict[str, Path]:
        """The folder of the processor's files."""
        return {PROCESSOR: self.folder} if self.folder is not None else {}

    @classmethod
    def from_json(cls, name: str, values: Mapping[str, Any], folder: Path) -> Self:
        """Reads it back; the model's folder keeps the processor."""
        library = str(values[PROCESSOR])
        if library not in ("timm", "transformers"):
            raise ValueError(f"`{library}` preprocesses no images")
        return cls(
            VideoSettings(num_frames=1, seconds=float(values["seconds"])),
            name,
            library=library,
            config=values.get("config", {}),
            folder=folder / PROCESSOR if library == "transformers" else None,
        )

    @cached_property
    def _processor(self) -> Any:
        """From an image of Pillow to a tensor.

        Raises:
            MissingError, CorruptArtifactError: it cannot be made.
        """
        if self.library == "transformers":
            processor = load_processor(self.folder or Path(), "AutoImageProcessor")
            return lambda image, **options: processor(images=image, return_tensors="pt", **options)[
                "pixel_values"
            ][0]
        try:
            from timm.data.transforms_factory import create_transform
        except ImportError as error:
            raise MissingError("the model's images are preprocessed by timm", _HUB) from error
        config = {
            key: tuple(value) if isinstance(value, list) else value for key, value in self.config.items()
        }
        make: Any = create_transform
        return make(**config)

    def _image(self, path: Path, time: float) -> NDArray[np.uint8]:
        if is_image(path):
            return read_image(path)
        (frame,), _ = read_frames(path, [time], threads=1)
        return np.asarray(frame, np.uint8)


@dataclass(frozen=True)
class ProcessedAudio(AudioInput):
    """Waveforms that transformers' feature extractor turns into what the encoder takes.

    The settings are those of the waveform, and `num_frames` the samples of a window.

    Attributes:
        folder: of the extractor's files.
    """

    folder: Path | None = None

    def sample(
        self, clips: Manifest, index: int, place: float, rng: np.random.Generator | None
    ) -> "dict[str, Tensor]":
        """Reads and processes a crop."""
        waveform = super().sample(clips, index, place, rng)[self.name]
        return {self.name: self.process([waveform.numpy()])[0]}

    def absent(self) -> "dict[str, Tensor]":
        """Silence."""
        return {self.name: self.process([np.zeros(self.num_frames, np.float32)])[0]}

    def batch(self, windows: Sequence[Waveform], device: "torch.device") -> "dict[str, Tensor]":
        """What the extractor makes of waveforms; it pads short ones as it was set to."""
        return {self.name: self.process(windows).to(device)}

    def process(self, waveforms: Sequence[Waveform]) -> "Tensor":
        """Waveforms at the extractor's rate → what the encoder takes, (B, …)."""
        found = self._extractor(
            [np.ascontiguousarray(waveform) for waveform in waveforms],
            sampling_rate=self.settings.sample_rate,
            return_tensors="pt",
        )
        features: Tensor = found["input_features" if "input_features" in found else "input_values"]
        return features.float()

    def to_json(self) -> dict[str, Any]:
        """Its part of `preprocess.json`."""
        return {
            PROCESSOR: "transformers",
            "sample_rate": self.settings.sample_rate,
            "num_samples": self.num_frames,
        }

    def assets(self) -> dict[str, Path]:
        """The folder of the extractor's files."""
        return {PROCESSOR: self.folder} if self.folder is not None else {}

    @classmethod
    def from_json(cls, name: str, values: Mapping[str, Any], folder: Path) -> Self:
        """Reads it back; the model's folder keeps the extractor."""
        settings = AudioSettings(kind="waveform", sample_rate=int(values["sample_rate"]))
        return cls(settings, int(values["num_samples"]), name=name, folder=folder / PROCESSOR)

    @cached_property
    def _extractor(self) -> Any:
        extractor = load_processor(self.folder or Path(), "AutoFeatureExtractor")
        kaldi = sys.modules.get("torchaudio.compliance.kaldi")
        if kaldi is not None and kaldi.EPSILON.is_meta:  # first imported while a network was built on meta
            importlib.reload(kaldi)
        return extractor


def load_processor(folder: Path, kind: str) -> Any:
    """A processor of transformers, read from local files; no code of theirs is run.

    Raises:
        MissingError: transformers is not installed.
        CorruptArtifactError: the folder holds none.
    """
    try:
        import transformers
    except ImportError as error:
        raise MissingError("the model's inputs are preprocessed by transformers", _HUB) from error
    try:
        return getattr(transformers, kind).from_pretrained(
            str(folder.absolute()), local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        reason = " ".join(str(error).split())[:120]
        message = f"`{folder}` holds no preprocessing of transformers ({reason})"
        raise CorruptArtifactError(
            message, "get the model again, with its preprocessor_config.json"
        ) from error


def _moment(clip: Clip, place: float) -> float:
    media = clip.video
    return media.start + place * (media.end - media.start)
