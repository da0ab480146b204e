"""A package of somebody else: a model of text and its task, without clips; no module of avtool names it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from avtool.core.artifact import Input
from avtool.core.files import sha256_of
from avtool.core.recipe import Recipe, option
from avtool.models.build import build_seeded
from avtool.models.family import Family, Size, Sizes
from avtool.models.registry import register as register_family
from avtool.training.recipe import TrainRecipe
from avtool.training.report import Section
from avtool.training.task import Task, Training, register

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class CharacterSettings:
    """One layer."""

    width: int = 8


@register_family
class CharacterFamily(Family):
    """Predicts a byte from the one before it."""

    title = "bigram"
    paper = "Shannon: Prediction and Entropy of Printed English. 1951"
    inputs = ("text",)
    sizes: ClassVar[Sizes] = {"characters_tiny": Size("A table of bytes.")}

    def settings_type(self) -> type[Any]:
        return CharacterSettings

    def build(self, settings: Any) -> "nn.Module":
        from torch import nn

        return nn.Sequential(nn.Embedding(256, settings.width), nn.Linear(settings.width, 256))


class TextRecipe(Recipe):
    """The text."""

    length: int = option(8, "Bytes of a sample.", flag="--length", ge=2)


class CharacterRecipe(TrainRecipe):
    """`avtool train characters`."""

    data: TextRecipe = Field(default_factory=TextRecipe)


@register
@dataclass(frozen=True)
class CharacterTask(Task[CharacterRecipe]):
    """Next-byte prediction."""

    name = "characters"
    summary = "Predict the next byte of a text."
    recipe_type = CharacterRecipe

    @cached_property
    def inputs(self) -> Sequence[Input]:
        return [Input(str(self.source), "text", sha256_of(self.source))]

    @cached_property
    def text(self) -> bytes:
        return self.source.read_bytes()

    def describe(self) -> Mapping[str, int | str]:
        return {"model": "characters_tiny", "bytes": len(self.text)}

    def num_samples(self) -> int:
        return len(self.text) // self.recipe.data.length

    def build(self) -> "tuple[nn.Module, dict[str, Any]]":
        return build_seeded("characters_tiny", {}, self.recipe.seed), {}

    def prepare(self) -> Training:
        import torch
        from torch.utils.data import TensorDataset, default_collate

        from avtool.models.model_folder import ModelDescription

        length = self.recipe.data.length
        values = torch.tensor(list(self.text[: self.num_samples() * length])).reshape(-1, length)
        model, arguments = self.build()
        return Training(
            model=model,
            objective=next_byte,
            samples=TensorDataset(values),
            collate=lambda samples: {"text": default_collate(samples)[0]},
            description=ModelDescription("characters_tiny", arguments, {"inputs": ["text"]}),
        )

    def report(self, run: Any, training: Training) -> Sequence[Section]:
        return [Section("Text", "Of the corpus.", [(self.text[:10].decode(), "")])]


def next_byte(model: "nn.Module", batch: Mapping[str, Any]) -> "Mapping[str, torch.Tensor]":
    """Cross entropy."""
    from torch.nn.functional import cross_entropy

    text = batch["text"]
    return {"loss": cross_entropy(model(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten())}
