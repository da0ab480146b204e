"""Rows that two libraries build: timm's weights in transformers' network give the same logits."""

from collections.abc import Callable, Mapping

import pytest
import timm
import torch
import transformers
from torch import Tensor, nn

CLASSES = 7
VIT = {"embed_dim": 32, "depth": 3, "num_heads": 2, "img_size": 32, "num_classes": CLASSES}
CONFIG = {
    "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 128,
    "image_size": 32, "patch_size": 16, "num_labels": CLASSES, "layer_norm_eps": 1e-6,
}  # fmt: skip
BLOCK = {
    "norm1": "layernorm_before", "norm2": "layernorm_after", "attn.proj": "attention.o_proj",
    "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2",
}  # fmt: skip


def of_block(state: Mapping[str, Tensor], prefix: str, target: str) -> dict[str, Tensor]:
    """A block's tensors under transformers' names, query, key and value apart."""
    found = {}
    for name, other in BLOCK.items():
        for kind in ("weight", "bias"):
            found[f"{target}.{other}.{kind}"] = state[f"{prefix}.{name}.{kind}"]
    for kind in ("weight", "bias"):
        for name, part in zip("qkv", state[f"{prefix}.attn.qkv.{kind}"].chunk(3), strict=True):
            found[f"{target}.attention.{name}_proj.{kind}"] = part
    return found


def randomize(network: nn.Module) -> nn.Module:
    """Every parameter random, the tokens and biases that begin at zero among them."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.normal_(1 if "norm" in name and name.endswith("weight") else 0, 0.1)
    return network.eval()


def of_vit(state: Mapping[str, Tensor], body: str) -> dict[str, Tensor]:
    found = {
        f"{body}.embeddings.cls_token": state["cls_token"],
        f"{body}.embeddings.position_embeddings": state["pos_embed"],
    }
    for kind in ("weight", "bias"):
        found[f"{body}.embeddings.patch_embeddings.projection.{kind}"] = state[f"patch_embed.proj.{kind}"]
        found[f"{body}.layernorm.{kind}"] = state[f"norm.{kind}"]
    for block in range(3):
        found |= of_block(state, f"blocks.{block}", f"{body}.layers.{block}")
    return found


def vit() -> tuple[nn.Module, nn.Module]:
    ours = randomize(timm.create_model("vit_base_patch16_224", **VIT))
    state = ours.state_dict()
    theirs = transformers.ViTForImageClassification(transformers.ViTConfig(**CONFIG))
    head = {f"classifier.{kind}": state[f"head.{kind}"] for kind in ("weight", "bias")}
    theirs.load_state_dict({**of_vit(state, "vit"), **head})
    return ours, theirs.eval()


def deit() -> tuple[nn.Module, nn.Module]:
    """Distilled: the mean of both heads."""
    ours = randomize(timm.create_model("deit_tiny_distilled_patch16_224", **VIT))
    state = ours.state_dict()
    theirs = transformers.DeiTForImageClassificationWithTeacher(transformers.DeiTConfig(**CONFIG))
    more = {"deit.embeddings.distillation_token": state["dist_token"]}
    for kind in ("weight", "bias"):
        more[f"cls_classifier.{kind}"] = state[f"head.{kind}"]
        more[f"distillation_classifier.{kind}"] = state[f"head_dist.{kind}"]
    theirs.load_state_dict({**of_vit(state, "deit"), **more})
    return ours, theirs.eval()


def swin() -> tuple[nn.Module, nn.Module]:
    """Two stages of two blocks: windows of 4, shifted in every second block, and a merging of patches."""
    shape = {"embed_dim": 16, "depths": (2, 2), "num_heads": (2, 4), "window_size": 4}
    ours = randomize(
        timm.create_model("swin_tiny_patch4_window7_224", img_size=32, num_classes=CLASSES, **shape)
    )
    state = ours.state_dict()
    config = transformers.SwinConfig(
        **{**shape, "depths": [2, 2], "num_heads": [2, 4]}, image_size=32, patch_size=4, num_labels=CLASSES
    )
    theirs = transformers.SwinForImageClassification(config)
    named = {}
    for kind in ("weight", "bias"):
        named[f"swin.embeddings.patch_embeddings.projection.{kind}"] = state[f"patch_embed.proj.{kind}"]
        named[f"swin.embeddings.norm.{kind}"] = state[f"patch_embed.norm.{kind}"]
        named[f"swin.layernorm.{kind}"] = state[f"norm.{kind}"]
        named[f"swin.encoder.layers.0.downsample.norm.{kind}"] = state[f"layers.1.downsample.norm.{kind}"]
        named[f"classifier.{kind}"] = state[f"head.fc.{kind}"]
    named["swin.encoder.layers.0.downsample.reduction.weight"] = state["layers.1.downsample.reduction.weight"]
    for stage in range(2):
        for block in range(2):
            prefix, target = f"layers.{stage}.blocks.{block}", f"swin.encoder.layers.{stage}.blocks.{block}"
            named |= of_block(state, prefix, target)
            table = f"{target}.attention.relative_position_bias.relative_position_bias_table"
            named[table] = state[f"{prefix}.attn.relative_position_bias_table"]
    theirs.load_state_dict(named)
    return ours, theirs.eval()


@pytest.mark.parametrize("pair", [vit, deit, swin])
def test_copied_weights_give_equal_logits(pair: Callable[[], tuple[nn.Module, nn.Module]]) -> None:
    ours, theirs = pair()
    images = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        logits, found = ours(images), theirs(pixel_values=images)
    assert logits.std() > 0.1
    torch.testing.assert_close(found.logits, logits, atol=1e-5, rtol=1e-5)
