"""AST and AST-MM: sizes and facts."""

from typing import TYPE_CHECKING, Any, ClassVar

from avtool.models.family import Family, Follows, Size, Sizes
from avtool.models.registry import register

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.published.hub_form import HubForm, Library
    from avtool.models.published.report import LoadReport, State


@register
class ASTFamily(Family):
    """The Audio Spectrogram Transformer."""

    title = "AST"
    paper = "Gong, Chung, Glass: AST: Audio Spectrogram Transformer. Interspeech 2021"
    inputs = ("audio",)
    sizes: ClassVar[Sizes] = {
        "ast_base": Size("The published size: 1214 tokens of 1024 frames x 128 mel bins."),
        "ast_small": Size("The width of DeiT-small.", {"embed_dim": 384, "num_heads": 6, "mlp_dim": 1536}),
        "ast_deit_tiny": Size("The width of DeiT-tiny.", {"embed_dim": 192, "num_heads": 3, "mlp_dim": 768}),
        "ast_tiny": Size(
            "64 wide, 2 blocks, 128 frames x 64 mel bins: for tests and small data.",
            {
                "embed_dim": 64, "depth": 2, "num_heads": 2, "mlp_dim": 128,
                "num_frames": 128, "num_mel_bins": 64, "num_classes": 10,
            },
        ),
    }  # fmt: skip
    follows: ClassVar[Follows] = {
        "num_classes": "num_classes", "num_frames": "audio_frames", "num_mel_bins": "num_mel_bins"
    }  # fmt: skip
    layouts = ("the original project", "transformers AST", "image ViT or DeiT of timm or transformers")

    def settings_type(self) -> type[Any]:
        from avtool.models.ast.ast import ASTSettings

        return ASTSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.ast.ast import AST

        return AST(settings)

    def load_weights(self, model: Any, state: "State", *, interpolate: bool = False) -> "LoadReport":
        from avtool.models.ast.weights import load_any

        return load_any(model, state, interpolate=interpolate)

    def hub_form(self, model: Any, library: "Library") -> "HubForm":
        from avtool.models.ast.hub_form import transformers_form

        return transformers_form(model) if library == "transformers" else super().hub_form(model, library)


@register
class ASTMMFamily(Family):
    """An AST that also reads CLIP features of frames."""

    title = "AST-MM"
    paper = "Hebbar et al.: A Dataset for Audio-Visual Sound Event Detection in Movies. ICASSP 2023"
    inputs = ("audio", "clip")
    sizes: ClassVar[Sizes] = {
        "ast_mm_base": Size(
            "The published size, for the 120 sounds of SAM-S: 1214 audio tokens, 13 of the frames.",
            {"num_classes": 120},
        ),
        "ast_mm_tiny": Size(
            "32 wide, 2 blocks, 64 frames x 16 mel bins, three frame features of 8 numbers: for tests.",
            {
                "embed_dim": 32, "depth": 2, "num_heads": 2, "mlp_dim": 64, "num_frames": 64,
                "num_mel_bins": 16, "patch_size": 8, "frequency_stride": 4, "time_stride": 4,
                "num_classes": 5, "clip_steps": 3, "clip_dim": 8,
            },
        ),
    }  # fmt: skip
    follows: ClassVar[Follows] = {**ASTFamily.follows, "clip_dim": "frame_width"}
    layouts = ("an AST, of any layout that AST loads", *ASTFamily.layouts)

    def settings_type(self) -> type[Any]:
        from avtool.models.ast.ast_mm import ASTMMSettings

        return ASTMMSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.ast.ast_mm import ASTMM

        return ASTMM(settings)

    def load_weights(self, model: Any, state: "State", *, interpolate: bool = False) -> "LoadReport":
        from avtool.models.ast.weights import load_ast_mm

        return load_ast_mm(model, state, interpolate=interpolate)
