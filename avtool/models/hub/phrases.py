"""Zero-shot classifiers: an encoder of transformers, and phrases that its own text tower has embedded."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from avtool.core.errors import BadInputError
from avtool.models.encoder import FUSED
from avtool.models.hub.text_tower import Texts
from avtool.models.hub.transformers_encoder import TransformersEncoder
from avtool.models.layers.output import ClassifierOutput
from avtool.models.model_folder import one_line


class PhraseScorer(nn.Module):
    """Logits of phrases: the similarity of an encoder's feature with each, as its authors scale it.

    Args:
        encoder: gives the features (B, D).
        phrases: embedded by its text tower, for each of its features.
    """

    def __init__(self, encoder: nn.Module, phrases: Mapping[str, Texts]) -> None:
        super().__init__()
        assert isinstance(encoder, TransformersEncoder), "it has a text tower"
        self.encoder = encoder
        self.inputs = encoder.inputs
        self.phrases = phrases

    def forward(self, **inputs: Tensor) -> ClassifierOutput:
        """Scores what the encoder takes: logits (B, C); of audio and video together, those of both."""
        found = self.encoder.embed(**inputs)
        name = FUSED if FUSED in found else next(iter(found))
        with torch.autocast(found[name].device.type, enabled=False):
            return ClassifierOutput(self.phrases[name].logits(found[name]), {})

    @property
    def has_frames(self) -> bool:
        """Whether the encoder has a feature every few milliseconds."""
        return self.encoder.kind.has_frames

    def frame_logits(self, **inputs: Tensor) -> Tensor:
        """Logits (B, T, C) of the frames of what the encoder takes, for one that has such."""
        frames = self.encoder.embed_frames(**inputs)
        with torch.autocast(frames.device.type, enabled=False):
            return self.phrases[self.encoder.kind.input].logits(frames)


def read_phrases(path: Path) -> tuple[str, ...]:
    """The phrases of a text file, one a line.

    Raises:
        BadInputError: it cannot be read, or holds fewer than one, or one twice.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot read the phrases `{path}` ({one_line(error)})"
        raise BadInputError(message, "give a text file with a phrase a line") from error
    phrases = tuple(line for line in lines if line)
    if not phrases or len(set(phrases)) < len(phrases):
        message = f"`{path}` holds {'a phrase twice' if phrases else 'no phrase'}"
        raise BadInputError(message, "write each class once, a line each")
    return phrases
