"""Prompted CLIP beside open_clip, another implementation of CLIP, and beside spliced embeddings."""

from typing import Any

import pytest
import torch
from torch import nn

from avtool.models.clip.host import ClipHost, Texts
from tests.clip_models import class_texts, prompted, random_clip, tiny_config

open_clip: Any = pytest.importorskip("open_clip.model", reason="open_clip_torch is not installed")
CLOSE = 1e-5


@pytest.fixture(scope="module")
def pair() -> tuple[ClipHost, nn.Module]:
    """The same random weights in our host and in open_clip."""
    source = random_clip(std=0.1)
    config = tiny_config()
    text, vision = config.text_config, config.vision_config
    peer = open_clip.CLIP(
        config.projection_dim,
        open_clip.CLIPVisionCfg(
            layers=vision.num_hidden_layers, width=vision.hidden_size, head_width=16, mlp_ratio=2.0,
            patch_size=vision.patch_size, image_size=vision.image_size,
        ),
        open_clip.CLIPTextCfg(
            context_length=text.max_position_embeddings, vocab_size=text.vocab_size, width=text.hidden_size,
            heads=text.num_attention_heads, layers=text.num_hidden_layers, mlp_ratio=2.0,
        ),
        quick_gelu=True,
    ).eval()  # fmt: skip
    peer.load_state_dict(_as_open_clip(source.state_dict()))
    host = prompted("coop").host
    host.load(source.state_dict())
    return host, peer


def _as_open_clip(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """transformers' names as open_clip's."""
    found = {
        "logit_scale": state["logit_scale"],
        "text_projection": state["text_projection.weight"].T,
        "token_embedding.weight": state["text_model.embeddings.token_embedding.weight"],
        "positional_embedding": state["text_model.embeddings.position_embedding.weight"],
        "visual.proj": state["visual_projection.weight"].T,
        "visual.class_embedding": state["vision_model.embeddings.class_embedding"],
        "visual.conv1.weight": state["vision_model.embeddings.patch_embedding.weight"],
        "visual.positional_embedding": state["vision_model.embeddings.position_embedding.weight"],
    }
    norms = {
        "text_model.final_layer_norm": "ln_final",
        "vision_model.pre_layrnorm": "visual.ln_pre",
        "vision_model.post_layernorm": "visual.ln_post",
    }
    for ours, theirs in norms.items():
        for part in ("weight", "bias"):
            found[f"{theirs}.{part}"] = state[f"{ours}.{part}"]
    for tower, prefix in (("text_model", ""), ("vision_model", "visual.")):
        layers = {key.split(".")[3] for key in state if key.startswith(f"{tower}.encoder.layers.")}
        for layer in layers:
            ours, theirs = f"{tower}.encoder.layers.{layer}", f"{prefix}transformer.resblocks.{layer}"
            for part in ("weight", "bias"):
                queries = [state[f"{ours}.self_attn.{name}_proj.{part}"] for name in "qkv"]
                found[f"{theirs}.attn.in_proj_{part}"] = torch.cat(queries)
                for one, other in (
                    ("self_attn.out_proj", "attn.out_proj"), ("layer_norm1", "ln_1"), ("layer_norm2", "ln_2"),
                    ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj"),
                ):  # fmt: skip
                    found[f"{theirs}.{other}.{part}"] = state[f"{ours}.{one}.{part}"]
    return found


def _texts(context: int) -> Texts:
    made = class_texts(context)
    return Texts(*(torch.tensor(made[name]) for name in ("tokens", "lengths", "places")))


def _padded(tokens: torch.Tensor, length: int = 24) -> torch.Tensor:
    return torch.nn.functional.pad(tokens, (0, length - tokens.shape[1]))


def test_plain_text_and_images_are_open_clips(pair: tuple[ClipHost, nn.Module]) -> None:
    host, peer = pair
    texts, images = _texts(0), torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(
            host.encode_text(texts), peer.encode_text(_padded(texts.tokens)), atol=CLOSE, rtol=0
        )
        torch.testing.assert_close(host.encode_image(images), peer.encode_image(images), atol=CLOSE, rtol=0)


def test_prompted_text_is_open_clip_with_spliced_embeddings(pair: tuple[ClipHost, nn.Module]) -> None:
    host, peer = pair
    texts, vectors = _texts(4), 0.1 * torch.randn(4, 48)
    with torch.no_grad():
        ours = host.encode_text(texts, vectors)
        tokens = _padded(texts.tokens)
        states = peer.token_embedding(tokens)
        states[:, 1:5] = vectors
        states = peer.ln_final(peer.transformer(states + peer.positional_embedding, attn_mask=peer.attn_mask))
        theirs = states[torch.arange(4), tokens.argmax(dim=1)] @ peer.text_projection
    torch.testing.assert_close(ours, theirs, atol=CLOSE, rtol=0)


@pytest.mark.parametrize("stay", [False, True])
def test_prompted_images_are_open_clip_with_appended_tokens(
    pair: tuple[ClipHost, nn.Module], stay: bool
) -> None:
    host, peer = pair
    images, prompts = torch.randn(2, 3, 32, 32), 0.1 * torch.randn(4, 3, 64)
    visual = peer.visual
    with torch.no_grad():
        ours = host.encode_image(
            images,
            lambda layer, x: prompts[layer].expand(len(x), -1, -1) if not (stay and layer) else None,
            stay=stay,
        )
        patches = visual.conv1(images).flatten(2).transpose(1, 2)
        states = torch.cat([visual.class_embedding.expand(2, 1, -1), patches], dim=1)
        states = visual.ln_pre(states + visual.positional_embedding)
        for layer, block in enumerate(visual.transformer.resblocks):
            if not stay or layer == 0:
                states = torch.cat([states, prompts[layer].expand(2, -1, -1)], dim=1)
            states = block(states)
            if not stay:
                states = states[:, :17]
        theirs = visual.ln_post(states)[:, 0] @ visual.proj
    torch.testing.assert_close(ours, theirs, atol=CLOSE, rtol=0)
