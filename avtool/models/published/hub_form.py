"""A network as timm or transformers has it: architecture, arguments, weights, and the form of its input."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import Tensor

Library = Literal["timm", "transformers"]


@dataclass(frozen=True)
class HubForm:
    """A network of another library that computes the same function.

    Attributes:
        architecture: of timm a registered name, of transformers a class.
        settings: of timm the arguments of `create_model`, of transformers those of the class's config.
        state: the weights under the names of timm, or of `timm_name`.
        feed: our input, as a batch → theirs.
        argument: the name of its `forward`'s argument.
        axes: of its input, such as `(B, 1, T, F)`.
    """

    architecture: str
    settings: Mapping[str, Any]
    state: "Mapping[str, Tensor]"
    feed: "Callable[[Tensor], Tensor]"
    argument: str
    axes: str
