"""Weight initialisation of masked autoencoders."""

from torch import nn


def xavier_uniform(module: nn.Module) -> None:
    """Xavier-uniform linear layers and patches with zero biases (for `Module.apply`; He et al., 2022).

    Queries, keys and values count as one matrix, and a patch's kernel as a matrix of all its values; the bias
    of the kernel keeps PyTorch's initialisation.
    """
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv2d | nn.Conv3d):
        nn.init.xavier_uniform_(module.weight.flatten(1))  # a view: fills the kernel in place


def nearly_zero_head(head: nn.Linear) -> None:
    """The initialisation of a classifier's last layer: deviation 2e-5, as published."""
    nn.init.trunc_normal_(head.weight, std=2e-5)
    nn.init.zeros_(head.bias)
