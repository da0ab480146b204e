"""Encoders of frames: grids of tokens, and one feature a frame, of whole frames in their own shape."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.inputs.image import ImageInput
from avtool.data.inputs.processed import ProcessedImage
from avtool.data.inputs.video import VideoInput
from avtool.inference.localisation.still_clips import still_clips, tokens_of_clips
from avtool.inference.predictor import Predictor
from avtool.models.encoder import need_encoder
from avtool.models.foreign import locate
from avtool.models.model_files import WEIGHTS

if TYPE_CHECKING:
    from torch import Tensor

Images = NDArray[np.uint8]  # (B, height, width, 3), RGB
Vectors = NDArray[np.float32]

_CELL = 32
"""Sides of frames are multiples of it: the stride of convolutional backbones."""
_LONGEST = 2.0
"""Of the longer side, in shorter sides; wider frames are narrowed to it."""


@dataclass(frozen=True)
class FrameTokens:
    """The features of some images.

    Attributes:
        tokens: (B, V, C) float32, row by row of the grid.
        pooled: (B, Cp) float32.
        grid: (rows, columns).
    """

    tokens: Vectors
    pooled: Vectors
    grid: tuple[int, int]


_Network = Callable[["Tensor"], "tuple[Tensor, Tensor]"]
"""Preprocessed images (B, 3, H, W) → maps (B, C, rows, columns) and pooled features (B, Cp)."""


class FrameEncoder:
    """A network that turns images into a grid of tokens.

    Backbones of timm that take images of any shape see frames in their own shape; others see them scaled
    to a square, so that nothing is cut off. An encoder of video sees an image as a clip in which nothing
    moves. An encoder without a grid gives one token.

    Args:
        path: a model, a run, or weights of others, that takes images.
        runtime: device and precision.
        reporter: gets both.
        size: shorter side of the frames in pixels.
        grid: rows and columns of tokens at most.

    Attributes:
        path: as given.
        predictor: the network on its device.

    Raises:
        BadInputError: the path holds no encoder of images.
    """

    def __init__(
        self, path: Path, runtime: RuntimeRecipe, reporter: Reporter, *, size: int, grid: int
    ) -> None:
        self.path, self._size, self._grid = path, size, grid
        self.predictor = Predictor(path, runtime, reporter)
        need_encoder(self.predictor.model, str(path))
        found = self.predictor.inputs.get(ImageInput) or self.predictor.inputs.get(VideoInput)
        if found is None:
            message = f"`{path}` takes {' and '.join(self.predictor.inputs.names)}, no images"
            raise BadInputError(message, "give an encoder of images as --visual-encoder")
        self._input: ImageInput | VideoInput = found

    @cached_property
    def weights(self) -> str:
        """SHA-256 of the weights."""
        return sha256_of(locate(self.path) / WEIGHTS)

    def read_size(self, width: int, height: int) -> tuple[int, int]:
        """The (height, width) that frames of a size are read at, in pixels."""
        if not self.takes_any_shape:
            return self._side, self._side
        scale = self._size / min(width, height)
        tall, wide = (max(_CELL, round(side * scale / _CELL) * _CELL) for side in (height, width))
        most = max(_CELL, round(self._size * _LONGEST / _CELL) * _CELL)
        return min(tall, most), min(wide, most)

    def encode(self, images: Images) -> FrameTokens:
        """The tokens of images (B, H, W, 3), of a size of `read_size`.

        Raises:
            BadInputError: a feature is not finite.
        """
        from torch.nn.functional import adaptive_avg_pool2d

        with self.predictor.computing():
            maps, pooled = self._network(self._preprocessed(images))
            maps = maps.float()
            rows, columns = (min(side, self._grid) for side in maps.shape[2:])
            if (rows, columns) != tuple(maps.shape[2:]):
                maps = adaptive_avg_pool2d(maps, (rows, columns))
        tokens, features = maps.flatten(2).transpose(1, 2).cpu().numpy(), pooled.float().cpu().numpy()
        if not (np.isfinite(tokens).all() and np.isfinite(features).all()):
            raise BadInputError(f"`{self.path}` gives features that are not finite", "choose another encoder")
        return FrameTokens(tokens, features, (rows, columns))

    def encode_image(self, image: Images) -> FrameTokens:
        """The tokens of one image (H, W, 3) of any size: a crop keeps its shape where the encoder can."""
        from PIL import Image

        tall, wide = self.read_size(image.shape[1], image.shape[0])
        scaled = Image.fromarray(image).resize((wide, tall), Image.Resampling.BICUBIC)
        return self.encode(np.asarray(scaled, np.uint8)[None])

    def _preprocessed(self, images: Images) -> "Tensor":
        import torch

        if isinstance(self._input, VideoInput):
            return still_clips(images, self._input).to(self.predictor.device)
        values = torch.stack([self._input.whole(image) for image in images])
        return values.to(self.predictor.device, memory_format=torch.channels_last)

    @cached_property
    def _side(self) -> int:
        """Side of the square images that the network takes, in pixels."""
        return int(self._input.absent()[self._input.name].shape[-1])

    @cached_property
    def takes_any_shape(self) -> bool:
        """Whether the network is a backbone of timm that takes images of any shape."""
        import torch

        if not self.is_timm:
            return False
        noise = torch.zeros(1, 3, _CELL * 2, _CELL * 3, device=self.predictor.device)
        try:
            with self.predictor.computing():
                return bool(self._host.forward_features(noise).dim() == 4)
        except (AssertionError, RuntimeError, ValueError):  # of a network of one size
            return False

    @property
    def is_timm(self) -> bool:
        """Whether it is a backbone of timm."""
        return isinstance(self._input, ProcessedImage) and self._input.library == "timm"

    @property
    def _host(self) -> Any:
        """The network of the other library."""
        return self.predictor.model.host

    @property
    def _network(self) -> _Network:
        if self.is_timm:
            return self._by_timm
        if isinstance(self._input, VideoInput):
            return partial(tokens_of_clips, self.predictor, self._input.name)
        return self._by_transformers if isinstance(self._input, ProcessedImage) else self._without_grid

    def _by_timm(self, images: "Tensor") -> "tuple[Tensor, Tensor]":
        found = self._host.forward_features(images)
        pooled = self._host.forward_head(found, pre_logits=True)
        if found.dim() == 3:
            return _as_map(found[:, getattr(self._host, "num_prefix_tokens", 0) :]), pooled
        channels_last = found.shape[1] != self._host.num_features
        return found.permute(0, 3, 1, 2) if channels_last else found, pooled

    def _by_transformers(self, images: "Tensor") -> "tuple[Tensor, Tensor]":
        pooled = next(iter(self.predictor.model.embed(image=images).values()))  # type: ignore[operator]
        states = self._host(pixel_values=images).last_hidden_state
        side = int(states.shape[1] ** 0.5)
        return _as_map(states[:, states.shape[1] - side * side :]), pooled

    def _without_grid(self, images: "Tensor") -> "tuple[Tensor, Tensor]":
        pooled = next(iter(self.predictor.model.embed(image=images).values()))  # type: ignore[operator]
        return pooled[:, :, None, None], pooled


def _as_map(tokens: "Tensor") -> "Tensor":
    """Tokens (B, side², C) of a square grid → (B, C, side, side)."""
    side = int(tokens.shape[1] ** 0.5)
    return tokens[:, : side * side].transpose(1, 2).reshape(len(tokens), -1, side, side)
