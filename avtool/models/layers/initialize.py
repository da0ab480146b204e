"""Weight initialisation."""

import math

from torch import Tensor, nn

from avtool.models.layers.attention import Attention
from avtool.models.layers.block import Mlp


def truncated_normal(module: nn.Module) -> None:
    """Linear and convolution weights of deviation 0.02, biases 0 (for `Module.apply`)."""
    if isinstance(module, nn.Linear | nn.Conv2d | nn.Conv3d):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def xavier_transformer(module: nn.Module) -> None:
    """The initialisation of the Vision Transformer's JAX code (for `Module.apply`).

    Xavier-uniform attention and MLP, MLP biases of deviation 1e-6, LeCun-normal patches, other biases 0.
    """
    if isinstance(module, Attention):
        for matrix in module.qkv.weight.chunk(3):  # three matrices in one: each has its own fan-out
            nn.init.xavier_uniform_(matrix)
        nn.init.xavier_uniform_(module.proj.weight)
        nn.init.zeros_(module.qkv.bias)
        nn.init.zeros_(module.proj.bias)
    elif isinstance(module, Mlp):
        for linear in (module.fc1, module.fc2):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.normal_(linear.bias, std=1e-6)
    elif isinstance(module, nn.Conv2d | nn.Conv3d):
        lecun_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def lecun_normal_(weight: Tensor) -> None:
    """A normal cut at two deviations, of variance 1 / fan-in after it, for weights (outputs, inputs, …)."""
    deviation = 1 / math.sqrt(weight[0].numel()) / 0.87962566  # a unit normal cut at two has this deviation
    nn.init.trunc_normal_(weight, std=deviation, a=-2 * deviation, b=2 * deviation)
