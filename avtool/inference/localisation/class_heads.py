"""Class scores of indexed features: the last layer of a classifier, applied to what its encoder gave."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avtool.captioning.phrases.phrase_book import read_phrases
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.models.catalogue import fetched_file
from avtool.models.source import Source

if TYPE_CHECKING:
    from torch import nn

    from avtool.inference.localisation.audio_encoder import AudioEncoder
    from avtool.inference.localisation.frame_encoder import FrameEncoder

Vectors = NDArray[np.float32]
_IMAGENET = 1000
_REMARK = re.compile(r"\s*\([^)]*\)")
_NEAREST = 3
_TIMM = "timm:"


@dataclass(frozen=True)
class ClassHead:
    """The last layer of a classifier.

    Attributes:
        labels: its classes.
        weight: (K, D), and `bias` (K,).
        multi_label: whether classes are independent (sigmoid), or exclude each other (softmax).
    """

    labels: tuple[str, ...]
    weight: Vectors
    bias: Vectors
    multi_label: bool

    def probabilities(self, features: NDArray[Any]) -> Vectors:
        """Features (N, D) → probabilities (N, K)."""
        logits = features.astype(np.float32) @ self.weight.T + self.bias
        if self.multi_label:
            alone: Vectors = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
            return alone
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        of_all: Vectors = shifted / shifted.sum(axis=1, keepdims=True)
        return of_all

    @cached_property
    def names(self) -> Mapping[str, tuple[int, ...]]:
        """Names and synonyms in lower case → the places of their classes.

        A label's parts between commas are synonyms (`Bark, Woof`), and so is its caption phrase.
        """
        found: dict[str, list[int]] = {}
        phrases = read_phrases().classes(self.labels)
        for place, (label, known) in enumerate(zip(self.labels, phrases, strict=True)):
            plain = _REMARK.sub("", label)
            for name in {label, plain, *plain.split(","), known.phrase}:
                if key := _key(name):
                    found.setdefault(key, []).append(place)
        return {name: tuple(places) for name, places in found.items()}

    def find(self, label: str) -> tuple[int, ...]:
        """The places of the classes of a name or synonym; none where it is unknown."""
        return self.names.get(_key(label), ())


def need_label(label: str, heads: Sequence[ClassHead]) -> None:
    """Makes sure that a classifier has a label.

    Raises:
        BadInputError: none has; the message offers the nearest three.
    """
    if any(head.find(label) for head in heads):
        return
    from rapidfuzz import fuzz, process

    known = {name: head.labels[places[0]] for head in heads for name, places in head.names.items()}
    close = process.extract(_key(label), list(known), scorer=fuzz.WRatio, limit=20)
    nearest = list(dict.fromkeys(known[name] for name, *_ in close))[:_NEAREST]
    message = f"no class is called `{label}`"
    names = ", ".join(f"`{name}`" for name in nearest)
    raise BadInputError(message, f"nearest: {names}; or describe it: --text {label!r}")


def audio_head(encoder: "AudioEncoder") -> ClassHead | None:
    """The classes of an encoder of audio; None where it is no classifier."""
    return _of_predictor(encoder.predictor)


def visual_head(encoder: "FrameEncoder") -> ClassHead | None:
    """The classes of an encoder of frames; of a backbone of timm, those of ImageNet-1K, where it has them."""
    if encoder.is_timm:
        return _of_timm(str(encoder.path))
    return _of_predictor(encoder.predictor)


def _key(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").split())


def _of_predictor(predictor: Any) -> ClassHead | None:
    from torch import nn

    try:
        outputs = predictor.outputs
    except CorruptArtifactError:
        return None
    layers: list[nn.Linear] = [one for one in predictor.model.modules() if isinstance(one, nn.Linear)]
    last = next((one for one in reversed(layers) if one.out_features == len(outputs.labels)), None)
    if last is None or outputs.members:
        return None
    bias = last.bias if last.bias is not None else last.weight.new_zeros(last.out_features)
    return ClassHead(tuple(outputs.labels), _array(last.weight), _array(bias), outputs.task == "multi-label")


def _array(values: Any) -> Vectors:
    found: Vectors = values.detach().float().cpu().numpy()
    return found


def _of_timm(name: str) -> ClassHead | None:
    """The classes of ImageNet-1K, where the weights have their layer."""
    path = _weights_file(name)
    if path is None:
        weight, bias = _of_hub(name)
    else:
        weight, bias = _last_tensors(path)
    if weight is None or bias is None or len(bias) != _IMAGENET:
        return None
    from timm.data import imagenet_info

    info: Any = imagenet_info.ImageNetInfo()
    labels = tuple(str(info.index_to_description(place)) for place in range(_IMAGENET))
    return ClassHead(labels, weight, bias, multi_label=False)


def _weights_file(name: str) -> Path | None:
    """The file that the weights are read from; None for those of a hub."""
    if name.startswith(_TIMM):
        _, _, file = name.removeprefix(_TIMM).partition("=")
        return Path(file) if file else None
    return Path(name) if Path(name).exists() else fetched_file(name)


def _last_tensors(path: Path) -> tuple[Vectors | None, Vectors | None]:
    """Weight and bias of the last layer, in the order of a file of weights."""
    if not path.is_file():
        return None, None
    tensors = [one for key, one in Source(str(path), path).state.items() if "num_batches" not in key]
    weight, bias = tensors[-2:]
    if bias.dim() != 1 or weight.dim() not in (2, 4) or len(weight) != len(bias):
        return None, None
    return _array(weight.flatten(1)), _array(bias)


def _of_hub(name: str) -> tuple[Vectors | None, Vectors | None]:
    from avtool.models.hub.timm_encoder import build_host

    host = build_host(name.removeprefix(_TIMM), pretrained=True, num_classes=_IMAGENET)
    last: nn.Module = host.get_classifier()
    weight, bias = getattr(last, "weight", None), getattr(last, "bias", None)
    if weight is None or bias is None:
        return None, None
    return _array(weight.flatten(1)), _array(bias)
