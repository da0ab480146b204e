"""Images as still clips, and their tokens by an encoder of video."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avtool.data.inputs.video import VideoInput

if TYPE_CHECKING:
    from torch import Tensor

    from avtool.inference.predictor import Predictor


def still_clips(images: NDArray[np.uint8], video: VideoInput) -> "Tensor":
    """Images (B, S, S, 3) as clips (B, 3, T, S, S) in [-1, 1] in which nothing moves."""
    import torch

    values = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return values[:, :, None].expand(-1, -1, video.settings.num_frames, -1, -1).contiguous()


def tokens_of_clips(predictor: "Predictor", name: str, clips: "Tensor") -> "tuple[Tensor, Tensor]":
    """Tokens of clips as maps (B, C, rows, columns), their mean over time, and pooled features (B, C).

    Masked models of audio and video (MAViL) have a grid of patches; of other encoders the map is one token.
    """
    from avtool.models.masked.audio_video import AudioVideoEncoder

    model: Any = predictor.model
    pooled = model.embed(**{name: clips})[name]
    encoder = getattr(model, "encoder", None)
    if not isinstance(encoder, AudioVideoEncoder):
        return pooled[:, :, None, None], pooled
    own = encoder.of(name)
    tokens = own.norm(encoder.encode({name: clips})[name])[:, own.num_special :]
    grid = tokens.reshape(len(clips), *own.grid.shape, tokens.shape[-1])  # time, row, column
    return grid.mean(dim=1).permute(0, 3, 1, 2), pooled
