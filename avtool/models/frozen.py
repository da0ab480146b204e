"""Frozen weights of a model, named by file and hash instead of stored with each training on top of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from avtool.core.errors import CorruptArtifactError
from avtool.core.files import sha256_of
from avtool.models.model_files import weights_file


@dataclass(frozen=True)
class FrozenWeights:
    """The parameters of a module that a training leaves as it read them.

    Attributes:
        builder: the registered name of the module's architecture, whose family reads the file.
        path: the model, run or file that they were read from, absolute.
        sha256: of its file.
        content: of the frozen parameters themselves, names and values.
        module: the module's name within the model; empty for the model.
        interpolate: whether position embeddings were interpolated.
    """

    builder: str
    path: str
    sha256: str
    content: str
    module: str = ""
    interpolate: bool = False

    @classmethod
    def of(
        cls, model: nn.Module, builder: str, path: Path, *, module: str = "", interpolate: bool = False
    ) -> "FrozenWeights":
        """The frozen parameters of a model that `load_start` has loaded and a task has frozen since.

        Args:
            model: the whole model.
            builder: the registered name of the module's architecture.
            path: what `load_start` read.
            module: the module's name within the model.
            interpolate: as for `load_start`.
        """
        frozen = frozen_parameters(model.get_submodule(module))
        file = sha256_of(weights_file(path))
        return cls(builder, str(path.resolve()), file, content_hash(frozen), module, interpolate)

    def covers(self, name: str) -> bool:
        """Whether a name of the model's `state_dict` is inside the module."""
        return not self.module or name.startswith(f"{self.module}.")

    def find(self, folder: Path) -> Path:
        """The file, or the model folder, that holds them.

        Args:
            folder: the model folder that names them.

        Raises:
            CorruptArtifactError: it is nowhere, or has changed.
        """
        known = Path(self.path)
        places = [known, folder / known.name]
        changed = ""
        for place in places:
            if place.exists():
                found = sha256_of(weights_file(place))
                if found == self.sha256:
                    return place
                changed = f", and `{place}` has SHA-256 {found[:12]}…"
        message = (
            f"`{folder}` was trained on frozen weights of SHA-256 {self.sha256[:12]}…, which are neither "
            f"`{places[0]}` nor `{places[1]}`{changed}"
        )
        raise CorruptArtifactError(message, "copy that model or file to one of these places")

    def to_json(self) -> dict[str, Any]:
        """As `config.json` holds it."""
        return asdict(self)


def frozen_parameters(model: nn.Module) -> dict[str, Tensor]:
    """The parameters without a gradient by name; tied ones under each of their names."""
    parameters = model.named_parameters(remove_duplicate=False)
    return {name: value for name, value in parameters if not value.requires_grad}


def content_hash(tensors: Mapping[str, Tensor]) -> str:
    """A SHA-256 of names, types, shapes and values, wherever they lie."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        value = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
