"""The bag of tokens: its sizes."""

from typing import TYPE_CHECKING, Any, ClassVar

from avtool.models.family import Family, Follows, Size, Sizes
from avtool.models.registry import register

if TYPE_CHECKING:
    from torch import nn


@register
class TokenBagFamily(Family):
    """A linear layer over the mean of token embeddings."""

    title = "Bag of tokens"
    paper = "after Joulin et al.: Bag of Tricks for Efficient Text Classification. EACL 2017"
    inputs = ("text",)
    sizes: ClassVar[Sizes] = {"token_bag_tiny": Size("For tests.")}
    follows: ClassVar[Follows] = {"num_classes": "num_classes"}

    def settings_type(self) -> type[Any]:
        from avtool_plugin.text_labels.network import TokenBagSettings

        return TokenBagSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool_plugin.text_labels.network import TokenBag

        return TokenBag(settings)
