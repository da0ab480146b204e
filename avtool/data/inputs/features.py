"""Frame features as an input: vectors by time, such as CLIP's of each second, that an encoder has given."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.inputs.base import ModelInput, Span
from avtool.data.inputs.frame_features import FrameEncoder, FrameFeatures
from avtool.data.items import Item
from avtool.data.manifest import Manifest

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_OLD_NUM_STEPS = 12
_CLIP_DIM = 512


@dataclass(frozen=True)
class FeaturesInput(ModelInput):
    """Features (num_steps, D) with a mask (num_steps,): the middle of more steps, zeros after fewer.

    Attributes:
        num_steps: steps that the model takes.
        name: of the model's argument; that of the mask is `<name>_mask`.
        dim: width D.
        features: where they are read from.
        crop_seconds: of the audio beside them: of longer clips, the steps of the same crop are taken; 0 for
            those of the whole clip.
        encoder: that gives them for new films; None where it is not known.
    """

    num_steps: int
    name: str = "clip"
    dim: int = _CLIP_DIM
    features: "FrameFeatures | None" = field(default=None, compare=False, repr=False)
    crop_seconds: float = field(default=0.0, compare=False)
    encoder: FrameEncoder | None = None

    noun: ClassVar[str] = "frame features"

    @property
    def seconds(self) -> float:
        """0: the steps of whatever window there is are taken."""
        return 0.0

    def check_clips(self, clips: Manifest) -> None:
        """Makes sure that the features are those of the clips."""
        if self.features is not None:
            self.features.need_clips(clips)

    def sample(
        self,
        clips: Manifest,
        index: int,
        place: float,
        rng: np.random.Generator | None,  # noqa: ARG002 - features are not augmented
    ) -> "dict[str, Tensor]":
        """The features of a clip, of a long one those of the crop at `place`."""
        clip = clips[index]
        start, end = 0.0, math.inf
        if self.crop_seconds:
            start = place * max(0.0, clip.duration - self.crop_seconds)
            end = start + self.crop_seconds
        return self.window(Item(clip.clip_id, Path(clip.media), clip, clips), start, end)

    def absent(self) -> "dict[str, Tensor]":
        """Steps that are all masked."""
        return self._fitted(np.zeros((0, self.dim), np.float32))

    def noise(self, count: int, generator: "torch.Generator") -> "dict[str, Tensor]":
        """Noise of the features' shape, with some steps masked."""
        import torch

        mask = torch.rand(count, self.num_steps, generator=generator) < 0.7
        mask[:, 0] = True
        steps = torch.randn(count, self.num_steps, self.dim, generator=generator) / 2
        return {self.name: steps, f"{self.name}_mask": mask}

    def windows(
        self, item: Item, hop: float, reporter: Reporter | None = None
    ) -> "Iterator[tuple[Span, dict[str, Tensor]]]":
        """A clip is one window."""
        del hop, reporter
        span = 0.0, item.seconds
        yield span, self.window(item, *span)

    def window(self, item: Item, start: float, end: float) -> "dict[str, Tensor]":
        """The features whose times lie in a window of a clip.

        Raises:
            BadInputError: there are no features, or none of the clip.
        """
        if self.features is None:
            message = f"`{item.name}` has no {self.noun}, which the model takes"
            raise BadInputError(message, "give the table of `avtool embed`: --frame-features")
        values, times = self.features.of_item(item)
        return self._fitted(values[(start <= times) & (times < end)])

    def batch(self, windows: "Sequence[Mapping[str, Tensor]]", device: "torch.device") -> "dict[str, Tensor]":
        """(B, num_steps, D) and the mask (B, num_steps), True where there is a step."""
        from avtool.data.inputs.collate import collate

        return {name: values.to(device) for name, values in collate(windows).items()}

    def to_json(self) -> dict[str, Any]:
        """Its part of `preprocess.json`."""
        known = {"encoder": self.encoder.to_json()} if self.encoder else {}
        return {"num_steps": self.num_steps, "dim": self.dim, **known}

    @classmethod
    def from_json(cls, name: str, values: Mapping[str, Any], folder: Path) -> Self:  # noqa: ARG003
        """Reads it back."""
        dim = int(values.get("dim", _CLIP_DIM))
        encoder = FrameEncoder(**values["encoder"]) if "encoder" in values else None
        return cls(int(values.get("num_steps", _OLD_NUM_STEPS)), name, dim, encoder=encoder)

    def _fitted(self, steps: "NDArray[np.floating[Any]]") -> "dict[str, Tensor]":
        import torch

        from avtool.data.inputs.spectrogram import pad_or_cut

        values = torch.from_numpy(steps.astype(np.float32))
        mask = torch.arange(self.num_steps) < len(values)
        return {
            self.name: pad_or_cut(values, self.num_steps, cut="centre"),
            f"{self.name}_mask": mask,
        }
