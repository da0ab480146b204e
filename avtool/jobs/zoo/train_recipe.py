"""The settings of `avtool zoo train`, and what is trained by them: rows, and a convolutional baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from avtool.core.errors import BadInputError
from avtool.core.recipe import option
from avtool.models.registry import MODELS
from avtool.models.zoo.catalogue import find_row, need_builder
from avtool.models.zoo.family import AUDIO_PREFIX, PREFIX
from avtool.models.zoo.row import Row
from avtool.tasks.classification.recipe import FinetuneRecipe

Kind = Literal["images", "spectrograms"]
_INPUT: Mapping[Kind, str] = {"images": "image", "spectrograms": "audio"}
_PREFIX: Mapping[Kind, str] = {"images": PREFIX, "spectrograms": AUDIO_PREFIX}


class ZooTrainRecipe(FinetuneRecipe):
    """`avtool zoo train`: the one configuration of all rows, as `avtool finetune` has it."""

    rows: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Rows that are trained, each with keyword arguments of its builder over its own.",
    )
    cnn: str = option(
        "timm:resnet10t", "Convolutional baseline: timm:NAME, or any model of the inputs; empty: none."
    )

    def of_run(self, entrant: "Entrant", seed: int) -> FinetuneRecipe:
        """The recipe of one training."""
        values = {name: getattr(self, name) for name in FinetuneRecipe.model_fields}
        arguments = dict(self.model.arguments) if entrant.row else {}
        if entrant.options:
            arguments["options"] = dict(entrant.options)
        model = self.model.model_copy(update={"name": entrant.model, "arguments": arguments})
        return FinetuneRecipe(**{**values, "model": model, "seed": seed})


@dataclass(frozen=True)
class Entrant:
    """A network that is trained beside others.

    Attributes:
        title: in tables.
        model: its registered name.
        row: of the catalogue; None for a model of another family.
        options: keyword arguments of the row's builder, over its own.
        is_baseline: whether it is the convolutional baseline.
    """

    title: str
    model: str
    row: Row | None
    options: Mapping[str, Any] = field(default_factory=dict)
    is_baseline: bool = False

    @property
    def slug(self) -> str:
        """What its runs' names begin with."""
        return self.row.key if self.row else self.model


def find_entrants(names: Sequence[str], recipe: ZooTrainRecipe, kind: Kind) -> list[Entrant]:
    """What is trained: the named rows, or else those of the recipe, and the baseline.

    Raises:
        BadInputError: a row does not exist, has no builder or comes twice; none is named; or the baseline
            does not take the inputs.
    """
    options = {find_row(name).key: given for name, given in recipe.rows.items()}
    rows = [need_builder(find_row(name)) for name in names or recipe.rows]
    if not rows:
        raise BadInputError("name some rows", "avtool zoo list --built")
    keys = [row.key for row in rows]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise BadInputError(f"`{twice}` is named twice", "name each row once")
    found = [Entrant(row.name, f"{_PREFIX[kind]}:{row.key}", row, options.get(row.key, {})) for row in rows]
    return [*found, *([_baseline(recipe.cnn, kind)] if recipe.cnn and recipe.cnn not in keys else [])]


def _baseline(name: str, kind: Kind) -> Entrant:
    if name.startswith("timm:"):
        return Entrant(f"CNN ({name})", f"{_PREFIX[kind]}:{name}", find_row(name), is_baseline=True)
    model = MODELS.find(name)
    if model.family.inputs != (_INPUT[kind],):
        message = f"the baseline `{name}` takes {' and '.join(model.family.inputs)}, not {kind}"
        raise BadInputError(message, "choose another with --set cnn=NAME, or --set cnn= for none")
    return Entrant(f"CNN ({name})", name, None, is_baseline=True)
