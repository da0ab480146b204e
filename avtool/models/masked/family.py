"""MAE, Audio-MAE, VideoMAE and MAViL, in pretraining and as classifiers: sizes and facts."""

from typing import TYPE_CHECKING, Any, ClassVar

from avtool.models.family import Family, Follows, Size, Sizes, named
from avtool.models.registry import register

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.published.hub_form import HubForm, Library
    from avtool.models.published.report import LoadReport, State

_WINDOW, _PATCH = 64, 16
_PRETRAIN = "_pretrain"
_SMALL = {"embed_dim": 384, "num_heads": 6}
_LARGE = {"embed_dim": 1024, "depth": 24, "num_heads": 16}
_HUGE = {"embed_dim": 1280, "depth": 32, "num_heads": 16}
_TINY = {"embed_dim": 64, "depth": 2, "num_heads": 4}
_TINY_DECODER = {"decoder_dim": 32, "decoder_depth": 2, "decoder_heads": 4}


def whole_patches(num_frames: int) -> int:
    """Spectrogram frames rounded up so that patches of 16, and windows of four of them, fill them.

    Of ten seconds these are the published 1024 frames, of five 512, and of one 128.
    """
    step = _WINDOW if num_frames > _WINDOW / 2 else _PATCH
    return -(-max(1, num_frames) // step) * step


class _Pretraining(Family):
    """An encoder with a decoder; the classifier over the encoder is called alike."""

    def classifier_of(self, name: str) -> str:
        return name.removesuffix(_PRETRAIN)


class _MAE(Family):
    """What MAE's autoencoder and the classifier over its encoder share."""

    paper = "He et al.: Masked Autoencoders Are Scalable Vision Learners. CVPR 2022"
    inputs = ("image",)
    sizes: ClassVar[Sizes] = {
        "small": Size("ViT-S/16 over 224 x 224 pixels.", _SMALL),
        "base": Size("ViT-B/16 over 224 x 224 pixels."),
        "large": Size("ViT-L/16 over 224 x 224 pixels.", _LARGE),
        "huge": Size("ViT-H/14 over 224 x 224 pixels.", {**_HUGE, "patch_size": 14}),
        "tiny": Size(
            "64 wide, 2 blocks, 32 x 32 pixels: for tests and small data.",
            {**_TINY, "image_size": 32, "patch_size": 8},
        ),
    }
    follows: ClassVar[Follows] = {"image_size": "image_size"}
    layouts = ("the original project", "transformers ViTMAE")

    def load_weights(self, model: Any, state: "State", *, interpolate: bool = False) -> "LoadReport":
        from avtool.models.masked.mae_weights import is_ours, load_mae
        from avtool.models.published.pixel_statistics import IMAGENET, fold_into_kernels, with_changes

        changes: list[str] = []
        if not is_ours(state):
            state, changes = fold_into_kernels(state, IMAGENET)
        return with_changes(load_mae(model, state, interpolate=interpolate), changes)

    def hub_form(self, model: Any, library: "Library") -> "HubForm":
        from avtool.models.masked.hub_forms import timm_form

        form = timm_form(model) if library == "timm" else None
        return form or super().hub_form(model, library)


@register
class MAEFamily(_MAE):
    """A classifier over MAE's encoder."""

    title = "MAE classifier"
    sizes: ClassVar[Sizes] = named("mae_{}", _MAE.sizes, num_classes=10)
    follows: ClassVar[Follows] = {"num_classes": "num_classes", **_MAE.follows}

    def settings_type(self) -> type[Any]:
        from avtool.models.masked.mae import MAEClassifierSettings

        return MAEClassifierSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.masked.mae import build_classifier

        return build_classifier(settings)

    def hub_form(self, model: Any, library: "Library") -> "HubForm":
        from avtool.models.masked.hub_forms import beit_form

        return beit_form(model) if library == "transformers" else super().hub_form(model, library)


@register
class MAEPretrainFamily(_Pretraining, _MAE):
    """MAE, the masked autoencoder of images."""

    title = "MAE"
    sizes: ClassVar[Sizes] = named("mae_{}_pretrain", _MAE.sizes, **_TINY_DECODER)

    def settings_type(self) -> type[Any]:
        from avtool.models.masked.mae import MAEPretrainSettings

        return MAEPretrainSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.masked.mae import build_autoencoder

        return build_autoencoder(settings)


class _AudioMAE(Family):
    """What Audio-MAE's autoencoder and the classifier over its encoder share."""

    paper = "Huang et al.: Masked Autoencoders that Listen. NeurIPS 2022"
    inputs = ("audio",)
    sizes: ClassVar[Sizes] = {
        "small": Size("ViT-S/16 over 10 s of audio.", _SMALL),
        "base": Size("ViT-B/16 over 10 s of audio."),
        "large": Size("ViT-L/16 over 10 s of audio.", _LARGE),
        "tiny": Size(
            "64 wide, 2 blocks, 128 frames x 32 mel bins: for tests and small data.",
            {**_TINY, "num_frames": 128, "num_mel_bins": 32},
        ),
    }
    follows: ClassVar[Follows] = {"num_frames": "audio_frames", "num_mel_bins": "num_mel_bins"}
    layouts = ("the original project", "the encoder of an image MAE")

    def fit_frames(self, num_frames: int) -> int:
        return whole_patches(num_frames)

    def load_weights(self, model: Any, state: "State", *, interpolate: bool = False) -> "LoadReport":
        from avtool.models.masked.audio_mae_weights import load_audio_mae

        return load_audio_mae(model, state, interpolate=interpolate)

    def hub_form(self, model: Any, library: "Library") -> "HubForm":
        from avtool.models.masked.hub_forms import timm_form

        form = timm_form(model) if library == "timm" else None
        return form or super().hub_form(model, library)


@register
class AudioMAEFamily(_AudioMAE):
    """A classifier over Audio-MAE's encoder."""

    title = "Audio-MAE classifier"
    sizes: ClassVar[Sizes] = named("audio_mae_{}", _AudioMAE.sizes, num_classes=10)
    follows: ClassVar[Follows] = {"num_classes": "num_classes", **_AudioMAE.follows}

    def settings_type(self) -> type[Any]:
        from avtool.models.masked.audio_mae import AudioMAEClassifierSettings

        return AudioMAEClassifierSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.masked.audio_mae import build_classifier

        return build_classifier(settings)


@register
class AudioMAEPretrainFamily(_Pretraining, _AudioMAE):
    """Audio-MAE, the masked autoencoder of log-mel spectrograms."""

    title = "Audio-MAE"
    sizes: ClassVar[Sizes] = named(
        "audio_mae_{}_pretrain", _AudioMAE.sizes, **_TINY_DECODER, decoder="global"
    )

    def settings_type(self) -> type[Any]:
        from avtool.models.masked.audio_mae import AudioMAEPretrainSettings

        return AudioMAEPretrainSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.masked.audio_mae import build_autoencoder

        return build_autoencoder(settings)


class _VideoMAE(Family):
    """What VideoMAE's autoencoder and the classifier over its encoder share."""

    paper = (
        "Tong et al.: VideoMAE: Masked Autoencoders are Data-Efficient Learners for Self-Supervised Video "
        "Pre-Training. NeurIPS 2022"
    )
    inputs = ("video",)
    follows: ClassVar[Follows] = {"video_frames": "video_frames", "image_size": "image_size"}
    layouts = ("the original project", "transformers VideoMAE")

    def load_weights(self, model: Any, state: "State", *, interpolate: bool = False) -> "LoadReport":
        from avtool.models.masked.video_mae_weights import is_ours, load_video_mae
        from avtool.models.published.pixel_statistics import IMAGENET, fold_into_kernels, with_changes

        changes: list[str] = []
        if not is_ours(state):
            state, changes = fold_into_kernels(state, IMAGENET)
        return with_changes(load_video_mae(model, state, interpolate=interpolate), changes)


@register
class VideoMAEFamily(_VideoMAE):
    """A classifier over VideoMAE's encoder."""

    title = "VideoMAE classifier"
    sizes: ClassVar[Sizes] = {
        "video_mae_small": Size("ViT-S/16 over 16 frames of 224 x 224.", _SMALL),
        "video_mae_base": Size("ViT-B/16 over 16 frames of 224 x 224."),
        "video_mae_large": Size("ViT-L/16 over 16 frames of 224 x 224.", _LARGE),
        "video_mae_huge": Size("ViT-H/16 over 16 frames of 224 x 224.", _HUGE),
        "video_mae_tiny": Size(
            "64 wide, 2 blocks, 4 frames of 32 x 32: for tests and small data.",
            {**_TINY, "video_frames": 4, "image_size": 32, "num_classes": 10},
        ),
    }
    follows: ClassVar[Follows] = {"num_classes": "num_classes", **_VideoMAE.follows}

    def settings_type(self) -> type[Any]:
        from avtool.models.masked.video_mae import VideoMAEClassifierSettings

        return VideoMAEClassifierSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.masked.video_mae import build_classifier

        return build_classifier(settings)

    def hub_form(self, model: Any, library: "Library") -> "HubForm":
        from avtool.models.masked.hub_forms import video_mae_form

        return video_mae_form(model) if library == "transformers" else super().hub_form(model, library)


@register
class VideoMAEPretrainFamily(_Pretraining, _VideoMAE):
    """VideoMAE, the masked autoencoder of short videos."""

    title = "VideoMAE"
    sizes: ClassVar[Sizes] = {
        "video_mae_small_pretrain": Size(
            "ViT-S/16, decoder 192 wide.", {**_SMALL, "decoder_dim": 192, "decoder_heads": 3}
        ),
        "video_mae_base_pretrain": Size("ViT-B/16, decoder 384 wide."),
        "video_mae_large_pretrain": Size(
            "ViT-L/16, decoder 512 wide.", {**_LARGE, "decoder_dim": 512, "decoder_heads": 8}
        ),
        "video_mae_huge_pretrain": Size(
            "ViT-H/16, decoder 640 wide.", {**_HUGE, "decoder_dim": 640, "decoder_heads": 8}
        ),
        "video_mae_tiny_pretrain": Size(
            "64 wide, 2 blocks, 4 frames of 32 x 32: for tests and small data.",
            {**_TINY, **_TINY_DECODER, "video_frames": 4, "image_size": 32},
        ),
    }

    def settings_type(self) -> type[Any]:
        from avtool.models.masked.video_mae import VideoMAEPretrainSettings

        return VideoMAEPretrainSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.masked.video_mae import build_autoencoder

        return build_autoencoder(settings)


class _MAViL(Family):
    """What MAViL and the classifier over its encoders share."""

    paper = "Huang et al.: MAViL: Masked Audio-Video Learners. NeurIPS 2023"
    inputs = ("audio", "video")
    sizes: ClassVar[Sizes] = {
        "base": Size("Two ViT-B and 2 fusion blocks: 10 s of audio, 8 frames of 224 x 224."),
        "tiny": Size(
            "64 wide, 2 blocks, 128 frames x 32 mel bins, 4 frames of 32 x 32: for tests and small data.",
            {**_TINY, "num_frames": 128, "num_mel_bins": 32, "video_frames": 4, "image_size": 32},
        ),
    }
    follows: ClassVar[Follows] = {**_AudioMAE.follows, **_VideoMAE.follows}
    layouts = ("the original project, fine-tuned", "an image MAE (both encoders)", "an Audio-MAE (audio)")

    def fit_frames(self, num_frames: int) -> int:
        return whole_patches(num_frames)

    def load_weights(self, model: Any, state: "State", *, interpolate: bool = False) -> "LoadReport":
        from avtool.models.masked.mae_weights import is_ours
        from avtool.models.masked.mavil_weights import is_of_one_encoder, load_mavil, start_encoders
        from avtool.models.published.pixel_statistics import IMAGENET, fold_into_kernels, with_changes

        changes: list[str] = []
        folded = state
        if not is_ours(state):
            folded, changes = fold_into_kernels(state, IMAGENET)
        if is_of_one_encoder(state):  # colours are summed for audio as they were published
            return with_changes(start_encoders(model, state, folded), changes)
        return with_changes(load_mavil(model, folded, interpolate=interpolate), changes)


@register
class MAViLFamily(_MAViL):
    """A classifier over MAViL's encoders, or over one of them."""

    title = "MAViL classifier"
    sizes: ClassVar[Sizes] = named("mavil_{}", _MAViL.sizes, num_classes=10)
    follows: ClassVar[Follows] = {"num_classes": "num_classes", **_MAViL.follows}

    def settings_type(self) -> type[Any]:
        from avtool.models.masked.mavil import MAViLClassifierSettings

        return MAViLClassifierSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.masked.mavil import MAViLClassifier

        return MAViLClassifier(settings)


@register
class MAViLPretrainFamily(_Pretraining, _MAViL):
    """MAViL, which reconstructs masked patches of audio and video from the visible ones of both."""

    title = "MAViL"
    sizes: ClassVar[Sizes] = named(
        "mavil_{}_pretrain",
        _MAViL.sizes,
        decoder_dim=32,
        decoder_depth=1,
        decoder_heads=4,
        audio_decoder="global",
        audio_decoder_depth=1,
    )

    def settings_type(self) -> type[Any]:
        from avtool.models.masked.mavil import MAViLPretrainSettings

        return MAViLPretrainSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.masked.mavil import MAViL

        return MAViL(settings)
