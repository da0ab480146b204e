"""A pair of towers as a host: any text transformer joined to any image network by a linear map."""

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from avtool.core.requirements import require
from avtool.models.clip.host import Host, LayerPrompts, from_transformers, plain_config


class TowerPair(Host):
    """A text transformer, mean-pooled, mapped linearly into the features of an image network of timm.

    Args:
        config: `text`: configuration of a transformers model; `image`: name of a timm model; `scale`: the
            factor on cosines; `embed_dim`: width of the image network's features.

    Raises:
        MissingError: transformers or timm is not installed.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        settings = from_transformers("AutoConfig").for_model(**plain_config(config["text"]))
        self.text: Any = from_transformers("AutoModel").from_config(settings)
        self.image: Any = require("timm", "hub").create_model(config["image"], num_classes=0)
        self.text_width = self.text.config.hidden_size
        self.embed_dim = config["embed_dim"]
        self.projection = nn.Linear(self.text_width, self.embed_dim)
        self.logit_scale = nn.Parameter(torch.tensor(float(config["scale"])).log())
        self._splice_in()

    @property
    def token_embedding(self) -> nn.Embedding:
        """The text transformer's."""
        return cast(nn.Embedding, self.text.get_input_embeddings())

    def scale(self) -> Tensor:
        """The factor on cosines, a scalar."""
        return self.logit_scale.exp()

    def _text_features(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        mask = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]
        states = self.text(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
        mean = (states * mask[..., None]).sum(dim=1) / lengths[:, None]
        return cast(Tensor, self.projection(mean))

    def encode_image(
        self, image: Tensor, prompts: LayerPrompts | None = None, *, stay: bool = False
    ) -> Tensor:
        """(B, 3, size, size) → (B, E); see `Host.encode_image`. The image network takes no prompts."""
        del stay
        assert prompts is None, "the image tower is no vision transformer"
        return cast(Tensor, self.image(image))

    @property
    def published(self) -> nn.Module:
        """Itself."""
        return self
