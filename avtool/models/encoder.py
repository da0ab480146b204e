"""The protocol of encoders: models that turn clips into features."""

from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from avtool.core.errors import BadInputError

FUSED = "both"
"""The name of a joint feature of audio and video."""


@runtime_checkable
class Encoder(Protocol):
    """A model with features.

    Attributes:
        inputs: the names of its inputs: "audio", "video", "image", and masks of what is present.
    """

    inputs: tuple[str, ...]

    def embed(self, *args: Any, **inputs: Any) -> dict[str, Tensor]:
        """One (B, D) float feature for each input given, by its name, and `FUSED` where the model fuses."""
        ...


def need_encoder(model: nn.Module, name: str) -> Encoder:
    """The model as an encoder.

    Raises:
        BadInputError: the model `name` has no features to give.
    """
    if not isinstance(model, Encoder):
        raise BadInputError(
            f"`{name}` gives no features",
            "choose the run of a `pretrain` or `finetune`, or its model",
        )
    return model
