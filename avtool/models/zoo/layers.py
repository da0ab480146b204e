"""Layers of a row's network from input to output, for layer-wise decay of the learning rate."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from torch import nn

from avtool.core.errors import BadInputError

_STAGE = re.compile(r"(?:^|\.)(?:stages|blocks?|layers?|transformers|patch_embeddings)\.?(\d+)\.")
_BLOCK = re.compile(r"(?:(?:blocks?|layers?)\.)?(\d+)\.")
_BEFORE, _AFTER = -1, 10**6
"""Of what stands before the first stage, or the first block of a stage, and behind the last one."""

Place = tuple[int, int]
"""Stage and block."""


def layers_of(network: nn.Module, name: str) -> Sequence[Sequence[nn.Module | nn.Parameter]]:
    """The parameters of a network by depth: the stem, then block after block, a last norm with the last.

    timm declares the depths of its networks. Others number their stages and blocks: what they register before
    the first block (of a stage) is a layer of its own, what they register behind the last one belongs to it.

    Args:
        network: without its last layer.
        name: of the row, for messages.

    Raises:
        BadInputError: its blocks have no numbers.
    """
    host: Any = network
    if hasattr(host, "group_matcher"):
        from timm.models import group_parameters

        depths: dict[str, Any] = group_parameters(host, host.group_matcher(coarse=False), reverse=True)
    else:
        depths = places([name for name, _ in network.named_parameters()])
    layers: dict[Any, list[nn.Module | nn.Parameter]] = {depth: [] for depth in sorted(set(depths.values()))}
    if len(layers) < 2:
        message = f"`{name}` has no layers for optimizer.layer_decay: its blocks have no numbers"
        raise BadInputError(message, "leave optimizer.layer_decay at 1, or choose another row")
    for parameter, depth in depths.items():
        layers[depth].append(network.get_parameter(parameter))
    return list(layers.values())


def places(names: Iterable[str]) -> dict[str, Place]:
    """The stage and block of each parameter, by its name; names are in the order of registration."""
    found: dict[str, Place] = {}
    for name in names:
        match = _STAGE.search(name)
        if match is None:
            in_stem = all(place == (_BEFORE, _BEFORE) for place in found.values())
            found[name] = (_BEFORE if in_stem else _AFTER, _BEFORE)
        else:
            block = _BLOCK.match(name, match.end())
            found[name] = (int(match[1]), int(block[1]) if block else _BEFORE)
    return _joined(found)


def _joined(found: dict[str, Place]) -> dict[str, Place]:
    """Places of what stands behind the last block of a stage, or of the network, are those of that block."""
    last: dict[int, int] = {}
    for stage, block in found.values():
        last[stage] = max(last.get(stage, _BEFORE), block)
    deepest = max((place for place in found.values() if place[0] != _AFTER), default=(_BEFORE, _BEFORE))
    seen: set[Place] = set()
    joined: dict[str, Place] = {}
    for name, (stage, block) in found.items():
        behind = block == _BEFORE and stage != _BEFORE and (stage, last[stage]) in seen
        place = deepest if stage == _AFTER else (stage, last[stage]) if behind else (stage, block)
        seen.add(place)
        joined[name] = place
    return joined
