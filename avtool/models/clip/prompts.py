"""Learned prompts: text context (CoOp, CoCoOp), visual tokens (VPT), class-aware visual tokens (DPT)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

_STD = 0.02
_REDUCTION = 16
_KEY_WIDTH = 32
_MEMORY = 10


class TextPrompts(nn.Module):
    """Context vectors in the places of words: one set for all classes, or one a class.

    Args:
        count: vectors M.
        width: of a token embedding, D.
        classes: C, for vectors of each class; 0 shares them.
        condition: width E of image features that shift the vectors (CoCoOp); 0 for none.
    """

    def __init__(self, count: int, width: int, *, classes: int = 0, condition: int = 0) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(*((classes,) if classes else ()), count, width) * _STD)
        self.shift: nn.Sequential | None = None
        if condition:
            narrow = max(1, condition // _REDUCTION)
            self.shift = nn.Sequential(nn.Linear(condition, narrow), nn.ReLU(), nn.Linear(narrow, width))

    def forward(self, feature: Tensor | None = None) -> Tensor:
        """The vectors: (M, D), (C, M, D), or with normalised features (B, E) of images (B, M, D)."""
        if self.shift is None or feature is None:
            return self.vectors
        shifted: Tensor = self.vectors + self.shift(feature)[:, None]
        return shifted

    def start_from(self, embeddings: Tensor) -> None:
        """Takes the embeddings of words (M, D) as initial values."""
        with torch.no_grad():
            self.vectors.copy_(embeddings.expand_as(self.vectors))


class VisualPrompts(nn.Module):
    """Tokens beside an image's own, of some layers (VPT in CLIP).

    Args:
        layers: how many layers have some.
        count: tokens p of each.
        width: of the vision transformer.
    """

    def __init__(self, layers: int, count: int, width: int) -> None:
        super().__init__()
        self.tokens = nn.Parameter(torch.randn(layers, count, width) * _STD)

    def of(self, layer: int, batch: int) -> Tensor | None:
        """(B, p, D) of a layer, counted from 0; None for one without."""
        return self.tokens[layer].expand(batch, -1, -1) if layer < len(self.tokens) else None


class ClassAwarePrompts(nn.Module):
    """The generator of one layer: text features of likely classes attend to the image's tokens (DPT).

    Args:
        embed_dim: E of text features.
        width: D of the vision transformer.
        classes: C of the auxiliary classifier, which serves in training alone.
        stop_gradient: whether image tokens pass no gradient on, as in DPT.
    """

    def __init__(self, embed_dim: int, width: int, classes: int, *, stop_gradient: bool = True) -> None:
        super().__init__()
        self.stop_gradient = stop_gradient
        self.query_in = nn.Linear(embed_dim, width)
        self.query = nn.Linear(width, _KEY_WIDTH, bias=False)
        self.key = nn.Linear(width, _KEY_WIDTH, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.memory = nn.Parameter(torch.randn(_MEMORY, width) * _STD)
        self.norm_classes = nn.LayerNorm(width)
        self.norm_prompts = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, classes, bias=False)

    def forward(self, selected: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Prompts of a batch.

        Args:
            selected: (B, K, E) text features of each image's likely classes, not normalised.
            tokens: (B, N, D), the layer's input.

        Returns:
            The prompts (B, K, D); auxiliary logits (B, K, C); the attention of each class to the image's
            tokens and to the memory (B, K, N + 10).
        """
        query = self.query_in(selected)
        own = tokens.detach() if self.stop_gradient else tokens
        memory = torch.cat([own, self.memory.to(own.dtype).expand(own.shape[0], -1, -1)], dim=1)
        cosines = self.query(query) @ self.key(memory).transpose(1, 2) / math.sqrt(_KEY_WIDTH)
        attention = cosines.softmax(dim=-1)
        mixed = self.value(attention @ memory)  # the value projection comes after the mixing
        return self.norm_prompts(mixed + query), self.classifier(self.norm_classes(mixed)), attention


class VisualPass:
    """The prompts of one pass of images through a vision transformer, and what its generators give.

    Args:
        visual: prompts of layers; None for none.
        generators: of the last layers.
        selected: (B, K, E) for the generators.
        first: the first layer with a generator, counted from 0.
        beside: whether a layer with a generator takes its visual prompts too.

    Attributes:
        auxiliary: logits (B, K, C) of each generator.
        attention: (B, K, N + 10) of each.
    """

    def __init__(
        self,
        visual: VisualPrompts | None,
        generators: Sequence[nn.Module],
        selected: Tensor | None,
        first: int,
        *,
        beside: bool,
    ) -> None:
        self._visual = visual
        self._generators = generators
        self._selected = selected
        self._first = first
        self._beside = beside
        self.auxiliary: list[Tensor] = []
        self.attention: list[Tensor] = []

    def __call__(self, layer: int, tokens: Tensor) -> Tensor | None:
        """The tokens that a layer takes beside its own."""
        aware = self._generators and layer >= self._first
        plain = (
            self._visual.of(layer, tokens.shape[0]) if self._visual and (self._beside or not aware) else None
        )
        if not aware:
            return plain
        made, logits, attention = self._generators[layer - self._first](self._selected, tokens)
        self.auxiliary.append(logits)
        self.attention.append(attention.detach())
        return made if plain is None else torch.cat([plain.to(made.dtype), made], dim=1)
