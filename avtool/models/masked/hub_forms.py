"""The encoders and classifiers of masked autoencoders as timm and transformers have them."""

from typing import Any

from torch import Tensor

from avtool.models.masked.autoencoder import MaskedAutoencoder, MaskedClassifier
from avtool.models.masked.patch_encoder import MLP_RATIO, NORM_EPS
from avtool.models.published.hub_form import HubForm

Masked = MaskedAutoencoder | MaskedClassifier

_PARTS = ("fc_norm.", "head.")


def timm_form(model: Masked) -> HubForm | None:
    """timm's Vision Transformer with the mean of the patches' tokens; None where it has no such network.

    A classifier's logits; of an autoencoder the encoder's feature, without a head.
    """
    encoder, settings = model.encoder, model.settings
    classifier = isinstance(model, MaskedClassifier)
    if encoder.grid.modality == "video" or getattr(model, "deviation", False):
        return None
    arguments: dict[str, Any] = {
        "img_size": list(encoder.grid.size),
        "patch_size": list(encoder.grid.box),
        "in_chans": encoder.grid.channels,
        "embed_dim": settings.embed_dim,
        "depth": settings.depth,
        "num_heads": settings.num_heads,
        "mlp_ratio": MLP_RATIO,
        "global_pool": "avg",
        "fc_norm": classifier,
    }
    axes = {"image": "(B, 3, H, W)", "audio": "(B, 1, T, F)"}[encoder.grid.modality]
    feed = _with_channel if encoder.grid.modality == "audio" else _same
    return HubForm("vit_base_patch16_224", arguments, _state(model), feed, "x", axes)


def beit_form(model: MaskedClassifier) -> HubForm:
    """`BeitForImageClassification` with absolute positions only: a ViT that norms the mean of the patches.

    Its keys have no bias, which would add the same to all scores of a query.
    """
    settings = model.settings
    config = {
        **_config(model),
        "patch_size": settings.patch_size,
        "use_absolute_position_embeddings": True,
        "use_relative_position_bias": False,
        "use_shared_relative_position_bias": False,
        "use_mean_pooling": True,
        "use_mask_token": False,
        "layer_scale_init_value": 0.0,
        "drop_path_rate": 0.0,
    }
    form = "BeitForImageClassification"
    return HubForm(form, config, _state(model), _same, "pixel_values", "(B, 3, H, W)")


def video_mae_form(model: MaskedClassifier) -> HubForm:
    """`VideoMAEForVideoClassification`, with the mean of the tokens."""
    settings = model.settings
    config = {
        **_config(model),
        "patch_size": settings.patch_size,
        "tubelet_size": settings.tubelet_frames,
        "num_frames": settings.video_frames,
        "use_mean_pooling": True,
    }
    form = "VideoMAEForVideoClassification"
    return HubForm(form, config, _state(model), _frames_first, "pixel_values", "(B, T, 3, H, W)")


def _config(model: MaskedClassifier) -> dict[str, Any]:
    settings = model.settings
    return {
        "hidden_size": settings.embed_dim,
        "num_hidden_layers": settings.depth,
        "num_attention_heads": settings.num_heads,
        "intermediate_size": MLP_RATIO * settings.embed_dim,
        "image_size": settings.image_size,
        "layer_norm_eps": NORM_EPS,
    }


def _state(model: Masked) -> dict[str, Tensor]:
    """The weights under timm's names."""
    weights = model.state_dict()
    encoder = {
        name.removeprefix("encoder."): value for name, value in weights.items() if name.startswith("encoder.")
    }
    return encoder | {name: value for name, value in weights.items() if name.startswith(_PARTS)}


def _same(clips: Tensor) -> Tensor:
    return clips


def _with_channel(audio: Tensor) -> Tensor:
    return audio[:, None]


def _frames_first(video: Tensor) -> Tensor:
    return video.transpose(1, 2)
