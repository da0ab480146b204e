"""The bag of tokens, and its loss."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from avtool.models.layers.output import ClassifierOutput


@dataclass(frozen=True)
class TokenBagSettings:
    """The settings of a bag of tokens."""

    num_classes: int = 10
    num_tokens: int = 259
    width: int = 16


class TokenBag(nn.Module):
    """A linear layer over the mean of token embeddings."""

    inputs = ("text", "text_mask")

    def __init__(self, settings: TokenBagSettings) -> None:
        super().__init__()
        self.settings = settings
        self.embedding = nn.Embedding(settings.num_tokens, settings.width)
        self.head = nn.Linear(settings.width, settings.num_classes)

    def forward(self, text: Tensor, text_mask: Tensor) -> ClassifierOutput:
        """Scores texts: token numbers (B, N), and where there are tokens (B, N)."""
        weights = text_mask / text_mask.sum(dim=1, keepdim=True).clamp_min(1)
        return ClassifierOutput(self.head((self.embedding(text) * weights[..., None]).sum(dim=1)), {})


def score(model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The cross-entropy of a batch, and its accuracy."""
    logits, label = model(batch["text"], batch["text_mask"]).logits, batch["label"]
    return {"loss": cross_entropy(logits, label), "accuracy": (logits.argmax(1) == label).float().mean()}
