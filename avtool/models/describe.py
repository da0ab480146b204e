"""The description of a registered model: paper, inputs, parameters, settings, published weights."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avtool.models.family import DECIDED_BY
from avtool.models.registry import MODELS, create

_ATTRIBUTE = re.compile(r"^ {4}(\w+(?:, \w+)*): (.+(?:\n {8,}.+)*)", re.MULTILINE)


@dataclass(frozen=True)
class Setting:
    """A setting of a model: its value, its meaning, and where it comes from if the dataset decides it."""

    value: Any
    meaning: str
    decided_by: str


@dataclass(frozen=True)
class ModelSheet:
    """The description of a registered model.

    Attributes:
        name: as registered.
        title: of its family, in the literature.
        summary: a sentence.
        paper: authors, title, venue.
        inputs: the modalities it takes.
        classifier: the registered classifier over its encoder; None where there is none.
        layouts: the published weights that can be loaded.
        parameters: their number.
        parts: the number of parameters of each part of the network.
        settings: by name.
    """

    name: str
    title: str
    summary: str
    paper: str
    inputs: tuple[str, ...]
    classifier: str | None
    layouts: tuple[str, ...]
    parameters: int
    parts: Mapping[str, int]
    settings: Mapping[str, Setting]


def describe(name: str) -> ModelSheet:
    """Describes a model; its parameters are counted without taking memory for them.

    Raises:
        BadInputError: there is no such model.
    """
    import torch

    model = MODELS.find(name)
    family, chosen = model.family, model.settings()
    with torch.device("meta"):
        network = create(name)
    parts = {part: sum(p.numel() for p in child.parameters()) for part, child in network.named_children()}
    texts = _attribute_texts(type(chosen))
    return ModelSheet(
        name,
        family.title,
        model.summary,
        family.paper,
        family.inputs,
        family.classifier_of(name),
        family.layouts,
        sum(parameter.numel() for parameter in network.parameters()),
        {part: count for part, count in parts.items() if count},
        {
            setting: Setting(
                getattr(chosen, setting),
                texts.get(setting, ""),
                DECIDED_BY[family.follows[setting]] if setting in family.follows else "",
            )
            for setting in sorted(model.setting_names())
        },
    )


def _attribute_texts(settings: type[Any]) -> dict[str, str]:
    """The documentation of each attribute, from the docstrings of a settings dataclass and its bases."""
    texts: dict[str, str] = {}
    for base in reversed(settings.__mro__):
        _, _, attributes = (inspect.getdoc(base) or "").partition("Attributes:\n")
        for names, text in _ATTRIBUTE.findall(attributes):
            texts |= dict.fromkeys(names.split(", "), " ".join(text.split()))
    return texts
