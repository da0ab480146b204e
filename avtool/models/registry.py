"""The registry of models: names on the command line, in recipes and in `config.json`. No torch at import."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from avtool.core.errors import BadInputError
from avtool.core.registry import Registry
from avtool.models.family import DECIDED_BY, DataFact, Family

if TYPE_CHECKING:
    from torch import nn

FamilyType = TypeVar("FamilyType", bound=type[Family])


@dataclass(frozen=True)
class Model:
    """A registered size of a family.

    Attributes:
        name: as registered.
        family: what it is a size of.
        summary: a sentence for listings.
        defaults: where its settings differ from those of the family.
    """

    name: str
    family: Family
    summary: str
    defaults: Mapping[str, Any]

    def settings(self, **overrides: Any) -> Any:
        """The settings of this size, some of them overridden. Imports torch.

        Raises:
            BadInputError: an override is no setting of the model, or does not fit the others.
        """
        from avtool.models.layers.settings import settle

        return settle(self.family.settings_type(), overrides, **self.defaults)

    def setting_names(self) -> set[str]:
        """The names of all settings. Imports torch."""
        return {field.name for field in fields(self.family.settings_type())}

    def follow(self, facts: Mapping[DataFact, int], given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments that build the model for a dataset.

        Args:
            facts: of the dataset; those that the family does not follow are ignored.
            given: arguments of the user.

        Raises:
            BadInputError: an argument of the user follows from the data.
        """
        for setting, fact in self.family.follows.items():
            if setting in given:
                message = f"model.arguments.{setting} follows from the data"
                raise BadInputError(message, f"it is set by {DECIDED_BY[fact]}")
        return {setting: facts[fact] for setting, fact in self.family.follows.items()} | dict(given)


MODELS: Registry[Model] = Registry(
    "model", "avtool models list", group="avtool.models", accepts=lambda entry: isinstance(entry, Model)
)
MODELS.live_in("avtool.models", leaf="family")


def register(family: FamilyType) -> FamilyType:
    """Registers every size of a family (a class decorator)."""
    instance = family()
    for name, size in family.sizes.items():
        MODELS.add(name, Model(name, instance, size.summary, size.settings))
    return family


def list_models(pattern: str = "*") -> list[str]:
    """The registered names that match a shell pattern, sorted."""
    return sorted(MODELS.names(pattern))


def create(name: str, *, standardized_head: bool = False, **overrides: Any) -> "nn.Module":
    """Builds a registered model.

    Args:
        name: as registered.
        standardized_head: put a batch norm without affine parameters before the last layer, for a probe.
        **overrides: settings of the model.

    Raises:
        BadInputError: no model has this name, or a setting is wrong; the message offers the nearest ones.
    """
    model = MODELS.find(name)
    network = model.family.build(model.settings(**overrides))
    if standardized_head:
        from avtool.models.layers.standardized_linear import standardize_head

        standardize_head(network, name)
    return network
