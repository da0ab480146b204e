"""MBT: sizes and facts."""

from typing import TYPE_CHECKING, Any, ClassVar

from avtool.models.family import Family, Follows, Size, Sizes
from avtool.models.registry import register

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.published.report import LoadReport, State


@register
class MBTFamily(Family):
    """The Multimodal Bottleneck Transformer and its baselines."""

    title = "MBT"
    paper = "Nagrani et al.: Attention Bottlenecks for Multimodal Fusion. NeurIPS 2021"
    inputs = ("video", "audio")
    sizes: ClassVar[Sizes] = {
        "mbt_base": Size(
            "The published size: two ViT-B, 32 frames of 224 x 224, 8 s of audio, fusion at layer 8 of 12."
        ),
        "mbt_small": Size(
            "Two ViT-S over 8 frames and 8 s of audio.",
            {"embed_dim": 384, "num_heads": 6, "mlp_dim": 1536, "video_frames": 8},
        ),
        "mbt_tiny": Size(
            "32 wide, 4 layers, fusion at layer 2, 4 frames of 16 x 16 and a 32 x 16 spectrogram: for tests.",
            {
                "embed_dim": 32, "depth": 4, "num_heads": 4, "mlp_dim": 64, "fusion_layer": 2,
                "num_classes": 10, "audio_frames": 32, "num_mel_bins": 16, "video_frames": 4,
                "image_size": 16, "patch_size": 8,
            },
        ),
    }  # fmt: skip
    follows: ClassVar[Follows] = {
        "num_classes": "num_classes", "audio_frames": "audio_frames", "num_mel_bins": "num_mel_bins",
        "video_frames": "video_frames", "image_size": "image_size",
    }  # fmt: skip
    layouts = ("MBT of Scenic (Flax)", "image ViT or DeiT of timm or transformers")

    def settings_type(self) -> type[Any]:
        from avtool.models.mbt.mbt import MBTSettings

        return MBTSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.mbt.mbt import MBT

        return MBT(settings)

    def load_weights(self, model: Any, state: "State", *, interpolate: bool = False) -> "LoadReport":
        from avtool.models.mbt.scenic import is_scenic, load_scenic
        from avtool.models.mbt.weights import load_image_vit
        from avtool.models.published.image_vit import image_statistics

        if any(name.startswith("stems.") for name in state):
            return super().load_weights(model, state, interpolate=interpolate)
        if is_scenic(state):
            return load_scenic(model, state, interpolate=interpolate)
        return load_image_vit(model, state, image_statistics(state))
