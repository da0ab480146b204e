"""Example inputs of a row's network, and the MACs of one image."""

import torch
from torch import Tensor, nn

from avtool.models.zoo.count import count_macs
from avtool.models.zoo.row import Row

_TOKENS = 1024  # of ImageGPT: 32 x 32 colour clusters


def macs_of_network(network: nn.Module, row: Row, size: tuple[int, int], in_channels: int = 3) -> int:
    """The MACs of a row's network, on its own device, for one image."""
    device = next(network.parameters()).device
    inputs = example_of(row, size, 1, in_channels, device)
    if row.library == "transformers":
        return count_macs(network, lambda: network(**inputs))
    return count_macs(network, lambda: network(*inputs.values()))


def example_of(
    row: Row, size: tuple[int, int], batch: int, in_channels: int, device: torch.device
) -> dict[str, Tensor]:
    """Random input of a row's network, by the name of its argument.

    Returns:
        `pixel_values` (B, channels, H, W), of a normal distribution; or ImageGPT's `input_ids` (B, 1024).
    """
    if row.target.startswith("ImageGPT"):
        return {"input_ids": torch.zeros(batch, _TOKENS, dtype=torch.long, device=device)}
    return {"pixel_values": torch.randn(batch, in_channels, *size, device=device)}
