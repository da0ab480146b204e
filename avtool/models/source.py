"""Weights of others as a user names them, and what a family makes of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.published.report import State


@dataclass(frozen=True)
class Source:
    """What a user gives for a model, and is none of avtool's: a file, a folder, or an id of a hub.

    Attributes:
        text: as given.
        path: the file or folder; None for an id.
    """

    text: str
    path: Path | None = None

    @cached_property
    def state(self) -> "State":
        """The tensors of the file.

        Raises:
            AvtoolError: it holds none, or is damaged.
        """
        from avtool.models.checkpoint_files import read_tensors
        from avtool.models.published.report import unwrap

        assert self.path is not None, "an id has no file"
        return unwrap(read_tensors(self.path))


@dataclass(frozen=True)
class Foreign:
    """Weights of others as a model of avtool.

    Attributes:
        builder: the registered name.
        build: gives the network with the weights, on the CPU.
        arguments: of the builder, as JSON values.
        preprocess: as `preprocess.json` has it.
        summary: a sentence for the card.
        files: that the weights are read from; the model is imported again when one changes.
        assets: folders that belong beside the weights, by their names there.
    """

    builder: str
    build: "Callable[[], nn.Module]"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    preprocess: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    files: Sequence[Path] = ()
    assets: Mapping[str, Path] = field(default_factory=dict)


def full_name(encoder: Path) -> str:
    """What names a model, or weights of others, from any working folder: `timm:NAME=FILE` too."""
    if encoder.exists():
        return str(encoder.resolve())
    name, mark, file = str(encoder).partition("=")
    return f"{name}={Path(file).resolve()}" if mark and Path(file).exists() else str(encoder)
