"""Which samples of a batch have which modality, and averages that leave the absent out."""

import torch
from torch import Tensor

Presence = dict[str, Tensor | None]
"""For each modality (B,) True where a sample has it, or None where all samples do."""


def zero_absent(value: Tensor, present: Tensor | None) -> Tensor:
    """(B, ...) with zeros for the samples without the modality, whose values may be anything, NaN too."""
    return value if present is None else keep_present(value, torch.zeros_like(value), present)


def keep_present(value: Tensor, otherwise: Tensor, present: Tensor | None) -> Tensor:
    """`value` for the samples that have the modality, `otherwise` for the rest; all (B, ...)."""
    if present is None:
        return value
    return torch.where(present.reshape(-1, *(1,) * (value.dim() - 1)), value, otherwise)


def average_present(values: dict[str, Tensor], present: Presence) -> Tensor:
    """The mean over modalities of (B, ...), in each sample over those that it has."""
    stacked = torch.stack(list(values.values()))
    masks = [present[name] for name in values]
    if all(mask is None for mask in masks):
        return stacked.mean(dim=0)
    everyone = torch.ones(stacked.shape[1], dtype=torch.bool, device=stacked.device)
    weights = torch.stack([everyone if mask is None else mask for mask in masks]).to(stacked.dtype)
    weights = weights.reshape(*weights.shape, *(1,) * (stacked.dim() - 2))
    return (stacked * weights).sum(dim=0) / weights.sum(dim=0).clamp(min=1)


def key_mask(streams: dict[str, Tensor], present: Presence, names: list[str]) -> Tensor | None:
    """(B, tokens of the named modalities in order), True where the sample has the token; None if all do."""
    if all(present[name] is None for name in names):
        return None
    parts = []
    for name in names:
        batch_size, length = streams[name].shape[:2]
        mask = present[name]
        if mask is None:
            mask = torch.ones(batch_size, dtype=torch.bool, device=streams[name].device)
        parts.append(mask[:, None].expand(batch_size, length))
    return torch.cat(parts, dim=1)
