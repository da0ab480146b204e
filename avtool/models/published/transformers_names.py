"""The parameter names of Hugging Face transformers' ViT, DeiT and AST, in their two generations."""

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from avtool.models.published.report import State

_RENAMES = [
    (r"^(audio_spectrogram_transformer|vit|deit|beit|videomae)\.", ""),
    (r"^embeddings\.cls_token$", "cls_token"),
    (r"^embeddings\.distillation_token$", "dist_token"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^(encoder\.layer|layers)\.", "blocks."),
    (r"\.attention\.attention\.(query|key|value)\.", r".attn.\1."),
    (r"\.attention\.(q|k|v)_proj\.", r".attn.\1_proj."),
    (r"\.attention\.(output\.dense|o_proj)\.", ".attn.proj."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"^(blocks\.\d+)\.output\.dense\.", r"\1.mlp.fc2."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"^layernorm\.", "norm."),
    (r"^classifier\.layernorm\.", "head.0."),
    (r"^classifier\.dense\.", "head.1."),
]
_HEADS = [(r"^pooler\.layernorm\.", "fc_norm."), (r"^classifier\.(?=weight|bias)", "head.")]
_PART = re.compile(r"^(.*\.attn\.)(query|key|value|q_proj|k_proj|v_proj)\.(weight|bias)$")
_QUERY = re.compile(r"^(.*\.attn\.)(?:query|q_proj)\.(weight|bias)$")


def is_transformers(state: State) -> bool:
    """Whether the names are those of transformers."""
    return any("embeddings.patch_embeddings.projection" in name for name in state)


def from_transformers(state: State) -> State:
    """Renames to timm's names and joins queries, keys and values."""
    renamed: State = {}
    for name, tensor in state.items():
        renamed[_renamed(name)] = tensor
    for name in list(renamed):
        match = _QUERY.match(name)
        if match:
            parts = []
            for old, new in (("query", "q_proj"), ("key", "k_proj"), ("value", "v_proj")):
                candidates = [f"{match[1]}{part}.{match[2]}" for part in (old, new)]
                parts += [renamed.pop(candidate) for candidate in candidates if candidate in renamed]
            renamed[f"{match[1]}qkv.{match[2]}"] = torch.cat(parts)
    return renamed


def _renamed(name: str) -> str:
    """A name under timm's names; queries, keys and values keep names of their own."""
    for pattern, replacement in _RENAMES:
        name = re.sub(pattern, replacement, name)
    return name


def to_transformers(names: Iterable[str], state: Mapping[str, Tensor]) -> State:
    """Weights under the names of a network of transformers, of whichever generation is installed.

    Args:
        names: of the network's `state_dict`.
        state: the weights under timm's names, queries, keys and values joined. A bias of keys that the
            network has no place for is skipped: it adds the same to all scores of a query.

    Raises:
        KeyError: the weights lack one of them.
    """
    found: State = {}
    for name in names:
        ours = _renamed(name)
        for pattern, replacement in _HEADS:
            ours = re.sub(pattern, replacement, ours)
        if match := _PART.match(ours):
            third = ("q", "k", "v").index(match[2][0])
            found[name] = state[f"{match[1]}qkv.{match[3]}"].chunk(3)[third].clone()
        else:
            found[name] = state[ours]
    return found
