"""AST-MM: an AST that also reads CLIP features of the frames (Hebbar et al., SAM-S, ICASSP 2023).

The frame features, led by a separator, follow the audio tokens through the same blocks; the score is read
from the special tokens of the audio.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from avtool.models.ast.ast import AST, ASTSettings
from avtool.models.layers.initialize import truncated_normal
from avtool.models.layers.output import ClassifierOutput
from avtool.models.layers.position import sinusoids
from avtool.models.layers.settings import require

AUDIO_TYPE, CLIP_TYPE = 0, 1


@dataclass(frozen=True)
class ASTMMSettings(ASTSettings):
    """The settings of an AST-MM, beyond its AST.

    Attributes:
        clip_steps: frame features a clip, about one a second.
        clip_dim: width of a frame feature.
        clip_positions: "learned" (the best published variant) or "sinusoid".
        clip_dropout: dropout of the embedded frame features.
    """

    clip_steps: int = 12
    clip_dim: int = 512
    clip_positions: Literal["learned", "sinusoid"] = "learned"
    clip_dropout: float = 0.1


class ClipEmbed(nn.Module):
    """Embeds frame features: separator first, plus positions and token type, then norm and dropout.

    The published model takes separator, types and optionally positions from BERT; here they are learned.
    """

    def __init__(self, settings: ASTMMSettings) -> None:
        super().__init__()
        dim, length = settings.embed_dim, 1 + settings.clip_steps
        self.proj = nn.Linear(settings.clip_dim, dim)
        self.separator = nn.Parameter(torch.empty(1, 1, dim).normal_(std=0.02))
        if settings.clip_positions == "learned":
            self.pos_embed = nn.Parameter(torch.empty(1, length, dim).normal_(std=0.02))
        else:
            self.register_buffer("pos_embed", sinusoids(length, dim)[None], persistent=False)
        self.norm = nn.LayerNorm(dim, eps=1e-12)
        self.dropout = nn.Dropout(settings.clip_dropout)
        self.apply(truncated_normal)

    def forward(self, clip: Tensor, token_type: Tensor) -> Tensor:
        """(B, steps, clip_dim) → (B, 1 + steps, D)."""
        tokens = torch.cat([self.separator.expand(clip.shape[0], -1, -1), self.proj(clip)], dim=1)
        embedded: Tensor = self.dropout(self.norm(tokens + self.pos_embed + token_type))
        return embedded


class ASTMM(nn.Module):
    """An AST over audio and frame features.

    Args:
        settings: of the network.
    """

    inputs = ("audio", "clip", "clip_mask")

    def __init__(self, settings: ASTMMSettings) -> None:
        super().__init__()
        self.settings = settings
        self.ast = AST(settings)
        self.clip_embed = ClipEmbed(settings)
        self.type_embed = nn.Parameter(torch.empty(2, settings.embed_dim).normal_(std=0.02))

    def forward(self, audio: Tensor, clip: Tensor, clip_mask: Tensor | None = None) -> ClassifierOutput:
        """Scores clips by audio and frames.

        Args:
            audio: (B, T, F) normalised log-mel spectrograms.
            clip: (B, steps, clip_dim) frame features, zeros after the end of a short clip.
            clip_mask: (B, steps), True where a step holds a frame. Without it every step is read, padding
                too, as in the published model.
        """
        expected = (self.settings.clip_steps, self.settings.clip_dim)
        require(
            clip.dim() == 3 and clip.shape[1:] == expected,
            f"the model takes frame features of (batch, {expected[0]}, {expected[1]}), "
            f"not {tuple(clip.shape)}",
        )
        audio_tokens = self.ast.tokenize(audio) + self.type_embed[AUDIO_TYPE]
        clip_tokens = self.clip_embed(clip, self.type_embed[CLIP_TYPE])
        key_mask = None
        if clip_mask is not None:
            always = clip_mask.new_ones(
                clip.shape[0], audio_tokens.shape[1] + 1
            )  # the audio, and the separator
            key_mask = torch.cat([always, clip_mask], dim=1)
        summary = self.ast.summarise(torch.cat([audio_tokens, clip_tokens], dim=1), key_mask)
        return ClassifierOutput(self.ast.head(summary), {})
