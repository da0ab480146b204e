"""Other ways to compute PVDM's U-Net, each with one decision undone, for `bench_generate`."""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.models.pvdm import unet, unet_blocks
from avtool.models.pvdm.unet_blocks import MapAttention, Planes
from tests.benchmarks.plain_pvdm import predict

Network = Callable[..., Tensor]


def ways(model: Any, *, compiled: bool) -> dict[str, Network]:
    """The U-Net as a CPU has it, with one decision undone each, and the plain one at the end.

    Args:
        model: the U-Net, with contiguous weights.
        compiled: add the compiled one.
    """
    found: dict[str, Network] = {
        "ours": model,
        "channels_last": channels_last(copy.deepcopy(model)),
        "plane by plane": undone(model, unet_blocks, "share", one_by_one, also=unet),
        "contiguous q, k, v": undone(model, MapAttention, "forward", attend_contiguous),
    }
    if compiled:
        found["compiled"] = torch.compile(model)
    return {**found, "plain": lambda *given: predict(model, *given)}


def channels_last(model: nn.Module) -> nn.Module:
    """The model with convolutions in the layout that `runtime.channels_last` gives them."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model


def undone(model: Network, owner: Any, name: str, other: Any, also: Any = None) -> Network:
    """The model with a function of a module or class replaced while it runs."""

    def run(*given: Tensor) -> Tensor:
        with replaced([owner, *([also] if also else [])], name, other):
            return model(*given)

    return run


@contextmanager
def replaced(owners: Sequence[Any], name: str, other: Any) -> Iterator[None]:
    """Puts `other` in the place of `owner.name`, and back."""
    old = [getattr(owner, name) for owner in owners]
    for owner in owners:
        setattr(owner, name, other)
    try:
        yield
    finally:
        for owner, value in zip(owners, old, strict=True):
            setattr(owner, name, value)


def one_by_one(planes: Planes, apply: Callable[[Tensor, int], Tensor]) -> Planes:
    """Shared layers, plane by plane."""
    return tuple(apply(plane, 1) for plane in planes)


def attend_contiguous(self: MapAttention, maps: Tensor) -> Tensor:
    """Attention over copies of queries, keys and values, and not over views."""
    tokens = self.norm(maps.flatten(2)).transpose(1, 2)
    parts = torch.unflatten(self.qkv(tokens), -1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).contiguous()
    attended = F.scaled_dot_product_attention(*parts.unbind(0))
    moved = self.proj(attended.transpose(1, 2).flatten(2)).transpose(1, 2)
    return maps + moved.reshape(maps.shape)
