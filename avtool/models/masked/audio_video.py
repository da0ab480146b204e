"""The joint encoder of MAViL: a Vision Transformer for audio, one for video, and blocks over both."""

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.models.layers.block import run_block
from avtool.models.layers.settings import require
from avtool.models.masked.autoencoder import MaskedPrediction
from avtool.models.masked.initialize import xavier_uniform
from avtool.models.masked.patch_encoder import NORM_EPS, PatchEncoder, make_blocks

AUDIO, VIDEO = "audio", "video"


class AudioVideoEncoder(nn.Module):
    """Two separate encoders, and fusion blocks over the tokens of both.

    The fusion blocks begin where the encoders' blocks end, as in the published model, before any norm. They
    take class token and patches of the audio, then class token and patches of the video, without a modality
    embedding: positions and encoders distinguish them. Their names are no numbered tower, so that with layer
    decay they learn at the full rate, as the head does.

    Args:
        encoders: by modality, "audio", "video" or both in this order.
        fusion_layers: blocks over both; with one modality there are none.
        num_heads: attention heads of these.
        final_norm: whether `norm` is a layer norm of fused tokens, or does nothing.
    """

    def __init__(
        self, encoders: dict[str, PatchEncoder], fusion_layers: int, num_heads: int, *, final_norm: bool
    ) -> None:
        super().__init__()
        self.modalities = tuple(encoders)
        for name, encoder in encoders.items():
            self.add_module(name, encoder)
        self.recompute = next(iter(encoders.values())).recompute
        if len(encoders) == 1:
            return
        dim = encoders[AUDIO].pos_embed.shape[-1]
        self.fusion = make_blocks(dim, num_heads, [0.0] * fusion_layers)
        self.norm = nn.LayerNorm(dim, eps=NORM_EPS) if final_norm else nn.Identity()
        self.fusion.apply(xavier_uniform)

    def of(self, name: str) -> PatchEncoder:
        """The encoder of a modality."""
        encoder = self.get_submodule(name)
        assert isinstance(encoder, PatchEncoder), f"{name} is a modality"
        return encoder

    def fuse(self, tokens: dict[str, Tensor]) -> dict[str, Tensor]:
        """Runs the fusion blocks over tokens (B, N, D) of both modalities; `norm` is left to the caller."""
        audio, video = tokens[AUDIO], tokens[VIDEO]
        joined = torch.cat([audio, video], dim=1)
        for block in self.fusion:
            joined = run_block(block, joined, recompute=self.recompute)
        return {AUDIO: joined[:, : audio.shape[1]], VIDEO: joined[:, audio.shape[1] :]}

    def encode(self, clips: dict[str, Tensor]) -> dict[str, Tensor]:
        """Whole clips by modality → each one's tokens (B, N, D), not fused and not normed."""
        got = " and ".join(sorted(clips)) or "nothing"
        require(
            bool(clips) and clips.keys() <= set(self.modalities),
            f"the model takes {' and '.join(self.modalities)}, and got {got}",
        )
        encoders = {name: self.of(name) for name in self.modalities if name in clips}
        return {name: encoder(encoder.grid.cut(clips[name])) for name, encoder in encoders.items()}


class MaskedPair(NamedTuple):
    """The outputs of a masked audio-visual model, by modality.

    Attributes:
        predictions: predictions for masked tokens.
        pooled: (B, D) means of the visible tokens before fusion.
        pooled2: the same under the second mask; empty without one.
    """

    predictions: dict[str, MaskedPrediction]
    pooled: dict[str, Tensor]
    pooled2: dict[str, Tensor]


def unit_variance(tokens: Tensor) -> Tensor:
    """(..., D) tokens with mean 0 and variance 1 each: a layer norm with nothing learned."""
    return F.layer_norm(tokens.float(), tokens.shape[-1:])
