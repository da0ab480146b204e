"""Zero-shot classifiers: an encoder of transformers, and phrases that its own text tower has embedded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from avtool.core.errors import BadInputError, MissingError
from avtool.models.hub.family import config_of
from avtool.models.hub.kinds import kind_of
from avtool.models.hub.transformers_encoder import TransformersEncoder, class_of
from avtool.models.layers.output import ClassifierOutput
from avtool.models.model_folder import one_line


@dataclass(frozen=True)
class _TextTower:
    """How a kind of model compares its features with texts.

    Attributes:
        whole: its class, with both towers.
        embed: gives the features of tokenised texts (C, D).
        scale: the name of what similarities are scaled by.
        bias: of what is added to them; without one, logits are of a softmax.
        logarithm: whether the scale is kept as its logarithm, and features are compared by their cosine.
        padding: of texts.
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


def _first_state(model: Any, tokens: Mapping[str, Tensor]) -> Tensor:
    states = model.text_model(**tokens, output_hidden_states=True).hidden_states
    features: Tensor = model.text_audio_head(states[-1][:, 0])
    return features


def _of_audio(model: Any, tokens: Mapping[str, Tensor]) -> Tensor:
    return _first_state(model.audio_model, tokens)


_PE = ("text_audio_logit_scale", "text_audio_logit_bias")
_TOWERS: Mapping[str, _TextTower] = {
    "CLIP": _TextTower("CLIPModel", _text_features, "logit_scale"),
    "SigLIP": _TextTower("SiglipModel", _text_features, "logit_scale", "logit_bias", padding="max_length"),
    "CLAP": _TextTower("ClapModel", _text_features, "logit_scale_a"),
    "PE-A": _TextTower("PeAudioModel", _first_state, *_PE, logarithm=False),
    "PE-AV's audio encoder": _TextTower(
        "PeAudioVideoModel",
        _of_audio,
        "audio_model.text_audio_logit_scale",
        "audio_model.text_audio_logit_bias",
        logarithm=False,
    ),
    "PE-A-Frame": _TextTower("PeAudioFrameLevelModel", _first_state, *_PE, logarithm=False),
}
"""By the titles of kinds."""


class PhraseScorer(nn.Module):
    """Logits of phrases: the similarity of an encoder's feature with each, as its authors scale it.

    Args:
        encoder: gives the features (B, D).
        phrases: features of the phrases (C, D).
        scale: of the similarity.
        bias: added to it.
        cosine: compare unit vectors.
    """

    def __init__(
        self, encoder: TransformersEncoder, phrases: Tensor, scale: float, bias: float, *, cosine: bool
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.inputs = encoder.inputs
        self.scale, self.bias, self.cosine = scale, bias, cosine
        self.register_buffer("phrases", F.normalize(phrases, dim=-1) if cosine else phrases)
        self.phrases: Tensor

    def forward(self, **inputs: Tensor) -> ClassifierOutput:
        """Scores what the encoder takes: logits (B, C)."""
        (feature,) = self.encoder.embed(**inputs).values()
        feature = F.normalize(feature.float(), dim=-1) if self.cosine else feature.float()
        with torch.autocast(feature.device.type, enabled=False):
            return ClassifierOutput(feature @ self.phrases.T * self.scale + self.bias, {})


def scorer_of_phrases(
    encoder: nn.Module, folder: Path | None, phrases: Sequence[str]
) -> tuple[PhraseScorer, bool]:
    """A zero-shot classifier by an encoder's own text tower.

    Args:
        encoder: of transformers.
        folder: that transformers saved, with both towers and a tokenizer.
        phrases: a class each.

    Returns:
        The classifier, and whether its classes exclude each other (softmax).

    Raises:
        BadInputError: the encoder has no text tower, or its folder lacks it or the tokenizer.
    """
    kind = kind_of(config_of(folder)) if folder is not None else None
    tower = _TOWERS.get(kind.title) if kind is not None else None
    if tower is None or folder is None:
        message = "phrases are scored by models with a text tower"
        raise BadInputError(message, f"give a {', '.join(_TOWERS)} of transformers, or skip --phrases")
    assert isinstance(encoder, TransformersEncoder), "it has a tower"
    place = str(folder.absolute())
    try:
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
    tokens = tokenizer(list(phrases), padding=tower.padding, truncation=True, return_tensors="pt")
    taken = {name: tokens[name] for name in ("input_ids", "attention_mask") if name in tokens}
    with torch.no_grad():
        features = tower.embed(whole.eval(), taken)
        scale = attrgetter(tower.scale)(whole)
        scale = float(scale.exp() if tower.logarithm else scale)
        bias = float(attrgetter(tower.bias)(whole)) if tower.bias else 0.0
    return PhraseScorer(encoder, features, scale, bias, cosine=tower.logarithm), not tower.bias


def read_phrases(path: Path) -> tuple[str, ...]:
    """The phrases of a text file, one a line.

    Raises:
        BadInputError: it cannot be read, or holds fewer than one, or one twice.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot read the phrases `{path}` ({one_line(error)})"
        raise BadInputError(message, "give a text file with a phrase a line") from error
    phrases = tuple(line for line in lines if line)
    if not phrases or len(set(phrases)) < len(phrases):
        message = f"`{path}` holds {'a phrase twice' if phrases else 'no phrase'}"
        raise BadInputError(message, "write each class once, a line each")
    return phrases
