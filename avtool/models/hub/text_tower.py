"""The text towers of models of transformers that compare texts with images, audio or video."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from avtool.core.errors import BadInputError, MissingError
from avtool.core.requirements import quiet_transformers, require
from avtool.models.encoder import FUSED
from avtool.models.hub.family import config_of, hub_folder
from avtool.models.hub.kinds import PARTS, kind_of
from avtool.models.hub.transformers_encoder import class_of
from avtool.models.model_folder import one_line

_TEXTS = 64
"""Texts at a time."""


@dataclass(frozen=True)
class _TextTower:
    """How a kind of model compares its features with texts.

    Attributes:
        whole: its class, with both towers.
        embed: gives the features of tokenised texts (C, D).
        scale: the name of what similarities are scaled by.
        bias: of what is added to them; without one, logits are of a softmax.
        logarithm: whether the scale is kept as its logarithm, and features are compared by their cosine.
        padding: of texts, as in training.
    """

    whole: str
    embed: Callable[[Any, Mapping[str, Tensor]], Tensor]
    scale: str
    bias: str = ""
    logarithm: bool = True
    padding: str = "longest"


def _text_features(model: Any, tokens: Mapping[str, Tensor]) -> Tensor:
    found = model.get_text_features(**tokens)
    features: Tensor = found if isinstance(found, Tensor) else found.pooler_output
    return features


def _perception(whole: str, feature: str, place: str = "") -> _TextTower:
    """The head of a Perception Encoder's text tower for one of its features.

    Args:
        whole: the model's class.
        feature: `audio`, `video` or `audio_video`.
        place: of the head within the model.
    """

    def embed(model: Any, tokens: Mapping[str, Tensor]) -> Tensor:
        states = model.text_model(**tokens, output_hidden_states=True).hidden_states
        features: Tensor = attrgetter(f"{place}text_{feature}_head")(model)(states[-1][:, 0])
        return features

    scale, bias = (f"{place}text_{feature}_logit_{one}" for one in ("scale", "bias"))
    return _TextTower(whole, embed, scale, bias, logarithm=False)


_BOTH = "PeAudioVideoModel"
_TOWERS: Mapping[str, Mapping[str, _TextTower]] = {
    "CLIP": {"image": _TextTower("CLIPModel", _text_features, "logit_scale")},
    "SigLIP": {
        "image": _TextTower("SiglipModel", _text_features, "logit_scale", "logit_bias", padding="max_length")
    },
    "CLAP": {"audio": _TextTower("ClapModel", _text_features, "logit_scale_a")},
    "PE-A": {"audio": _perception("PeAudioModel", "audio")},
    "PE-A-Frame": {"audio": _perception("PeAudioFrameLevelModel", "audio")},
    "PE-V": {"video": _perception("PeVideoModel", "video")},
    "PE-AV": {
        "audio": _perception(_BOTH, "audio", "audio_model."),
        "video": _perception(_BOTH, "video", "video_model."),
        FUSED: _perception(_BOTH, "audio_video"),
    },
}
"""By the titles of kinds, and the names of their features."""


@dataclass(frozen=True)
class Texts:
    """Embedded texts, and what makes logits of their similarity to features, as the authors scale it.

    Attributes:
        features: of the texts (C, D), of unit length where cosines are compared.
        scale: of the similarity.
        bias: added to it.
        cosine: features are compared by their cosine, else by their product.
        exclusive: whether the texts exclude each other (softmax).
    """

    features: Tensor
    scale: float
    bias: float
    cosine: bool
    exclusive: bool

    def logits(self, features: Tensor) -> Tensor:
        """Features of images, audio, its frames or video (…, D) → logits of the texts (…, C)."""
        features = F.normalize(features.float(), dim=-1) if self.cosine else features.float()
        return features @ self.features.to(features.device).T * self.scale + self.bias


def has_text_tower(encoder: Path) -> bool:
    """Whether an encoder is a model of transformers that compares texts with images or audio."""
    folder = hub_folder(encoder)
    kind = kind_of(config_of(folder)) if folder is not None else None
    return kind is not None and kind.title in _TOWERS


def compares_texts(arguments: Mapping[str, Any]) -> bool:
    """Whether an encoder of transformers, by the arguments of its builder, has a text tower in its model."""
    architecture = arguments.get("architecture")
    kind = kind_of(architecture, PARTS) if isinstance(architecture, Mapping) else None
    return kind is not None and kind.title in _TOWERS


def embed_texts(encoder: Path, texts: Sequence[str], device: torch.device) -> dict[str, Texts]:
    """Texts in the space of each of an encoder's features, by its own text tower.

    Args:
        encoder: a folder that transformers saved, with both towers and a tokenizer, or `hf:OWNER/NAME`.
        texts: to embed.
        device: where the tower computes, and the features stay.

    Returns:
        By the names of its features: `image`, `audio`, `video`, `both`.

    Raises:
        BadInputError: the encoder has no text tower, or its folder lacks it or the tokenizer.
        MissingError: transformers is not installed, or the model cannot be downloaded.
    """
    folder = hub_folder(encoder)
    kind = kind_of(config_of(folder)) if folder is not None else None
    towers = _TOWERS.get(kind.title) if kind is not None else None
    if towers is None or folder is None:
        message = f"`{encoder}` compares no texts with images, audio or video"
        raise BadInputError(message, f"give a {', '.join(_TOWERS)} of transformers, which has a text tower")
    whole, tokenizer = _read(next(iter(towers.values())), folder)
    whole = whole.eval().to(device)
    with torch.no_grad():
        return {name: _embedded(tower, whole, tokenizer, texts) for name, tower in towers.items()}


def _embedded(tower: _TextTower, whole: Any, tokenizer: Any, texts: Sequence[str]) -> Texts:
    """The texts by one head of a tower."""
    found = []
    for first in range(0, len(texts), _TEXTS):
        some = list(texts[first : first + _TEXTS])
        tokens = tokenizer(some, padding=tower.padding, truncation=True, return_tensors="pt")
        names = [name for name in ("input_ids", "attention_mask") if name in tokens]
        found.append(tower.embed(whole, {name: tokens[name].to(whole.device) for name in names}).float())
    features = torch.cat(found)
    scale = attrgetter(tower.scale)(whole)
    return Texts(
        F.normalize(features, dim=-1) if tower.logarithm else features,
        float(scale.exp() if tower.logarithm else scale),
        float(attrgetter(tower.bias)(whole)) if tower.bias else 0.0,
        cosine=tower.logarithm,
        exclusive=not tower.bias,
    )


def _read(tower: _TextTower, folder: Path) -> tuple[Any, Any]:
    """The whole model and its tokenizer."""
    require("transformers", "hub")
    place = str(folder.absolute())
    try:
        with quiet_transformers():
            tokenizer = class_of("AutoTokenizer").from_pretrained(
                place, local_files_only=True, trust_remote_code=False
            )
            whole = class_of(tower.whole).from_pretrained(
                place, local_files_only=True, use_safetensors=True, dtype=torch.float32
            )
    except MissingError:
        raise
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        message = f"`{folder}` has no text tower with a tokenizer ({one_line(error)})"
        raise BadInputError(message, "get the whole model, with tokenizer.json") from error
    return whole, tokenizer
