"""Prompted CLIP: sizes and facts."""

from typing import TYPE_CHECKING, Any, ClassVar

from avtool.models.family import Family, Follows, Size, Sizes
from avtool.models.registry import register

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.published.report import LoadReport, State


def _host(text: dict[str, int], vision: dict[str, int], embed_dim: int) -> dict[str, Any]:
    """The configuration of a CLIP whose towers have the feed-forward ratio and head width of the paper."""
    towers = {
        name: {**sizes, "intermediate_size": ratio * sizes["hidden_size"]}
        for name, sizes, ratio in (("text_config", text, 4), ("vision_config", vision, 4))
    }
    return {"kind": "clip", "projection_dim": embed_dim, **towers}


_TEXT = {"hidden_size": 512, "num_hidden_layers": 12, "num_attention_heads": 8, "eos_token_id": 49407}
_VISION = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "patch_size": 16}
_TINY_TEXT = {
    "hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 24,
    "vocab_size": 100, "bos_token_id": 98, "eos_token_id": 99, "pad_token_id": 99,
}  # fmt: skip
_TINY_VISION = {
    "hidden_size": 64, "num_hidden_layers": 4, "num_attention_heads": 4, "image_size": 32, "patch_size": 8,
}  # fmt: skip


def _classes(start: int, end: int, context: int) -> dict[str, Any]:
    """Texts of two classes, each a token long: the classes of a training take their place."""
    prompted = [(start, *(1,) * context, 2 + number, end) for number in range(2)]
    plain = [(start, 2 + number, end) for number in range(2)]
    return {
        "tokens": tuple(prompted),
        "lengths": (context + 3,) * 2,
        "places": (tuple(range(1, 1 + context)),) * 2,
        "zero_shot_tokens": tuple(plain),
        "zero_shot_lengths": (3,) * 2,
    }


@register
class PromptedClipFamily(Family):
    """A frozen CLIP, or another pair of towers, with learned prompts."""

    title = "Prompted CLIP"
    paper = "Xing et al.: Dual Modality Prompt Tuning for Vision-Language Pre-Trained Model. TMM 2024"
    inputs = ("image",)
    sizes: ClassVar[Sizes] = {
        "clip_prompts": Size(
            "CLIP ViT-B/16 with the prompts of DPT; a training takes the sizes of its --backbone.",
            {"host": _host(_TEXT, _VISION, 512), "method": "dpt", **_classes(49406, 49407, 16)},
        ),
        "clip_prompts_tiny": Size(
            "Two and four layers, images of 32 pixels: for tests.",
            {
                "host": _host(_TINY_TEXT, _TINY_VISION, 32), "method": "dpt", "visual": 3, "aware_from": 4,
                "top_k": 2, **_classes(98, 99, 4),
            },
        ),
    }  # fmt: skip
    follows: ClassVar[Follows] = {}
    layouts = ("transformers (CLIPModel)",)

    def settings_type(self) -> type[Any]:
        from avtool.models.clip.prompted_clip import PromptedClipSettings

        return PromptedClipSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.clip.prompted_clip import PromptedClip

        return PromptedClip(settings)

    def load_weights(
        self,
        model: "nn.Module",
        state: "State",
        *,
        interpolate: bool = False,  # noqa: ARG002 - a host keeps its image size
    ) -> "LoadReport":
        """Loads a whole model, or a host as transformers names its weights."""
        from avtool.models.clip.host import Host
        from avtool.models.published.report import load_by_name

        if isinstance(model, Host):
            return model.load(state)
        return load_by_name(model, state)
