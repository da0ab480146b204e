"""Weights read into networks: of a model folder, or of a checkpoint file, whoever wrote it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor, device, nn

from avtool.core.errors import AvtoolError, BadInputError, CorruptArtifactError
from avtool.models.build import tuples
from avtool.models.checkpoint_files import read_tensors
from avtool.models.foreign import find_weights, locate
from avtool.models.frozen import FrozenWeights, content_hash
from avtool.models.model_files import WEIGHTS, described_folder, find_model
from avtool.models.model_folder import (
    AGAIN,
    ModelDescription,
    load_tensors,
    needs_frozen,
    one_line,
    read_description,
)
from avtool.models.published.pixel_statistics import optional_buffers
from avtool.models.published.report import LoadReport, State, unwrap, without_prefix
from avtool.models.registry import MODELS, create


@dataclass(frozen=True)
class LoadedModel:
    """A model read from its folder, on the CPU and in evaluation mode."""

    model: nn.Module
    description: ModelDescription

    @property
    def preprocess(self) -> Mapping[str, Any]:
        """How to feed it."""
        return self.description.preprocess


def load_model(path: Path) -> LoadedModel:
    """Builds the model of a folder, a run or a checkpoint, or of weights of others, and loads its weights.

    Raises:
        BadInputError: the path holds no model.
        CorruptArtifactError: a file is damaged, frozen weights are not where they came from, or the weights
            belong to another architecture.
    """
    folder = locate(path)
    description = read_description(folder)
    with device("meta"):  # the sizes are compared before memory is taken
        skeleton = build_model(folder, description)
    _check_fit(skeleton, folder, description)
    model = build_model(folder, description)
    _load_into(model, folder, description)
    return LoadedModel(model.eval(), description)


def load_weights(model: nn.Module, path: Path) -> None:
    """Loads the weights of a folder into a model that is built already.

    Raises:
        BadInputError: the path holds no model.
        CorruptArtifactError: as for `load_model`.
    """
    folder = find_model(path)
    description = read_description(folder)
    _check_fit(model, folder, description)
    _load_into(model, folder, description)


def _load_into(model: nn.Module, folder: Path, description: ModelDescription) -> None:
    stored = load_tensors(folder / WEIGHTS)
    for frozen in description.frozen:
        load_frozen(frozen, model, folder, stored)
    own = model.state_dict()
    kept = own if description.frozen else {name: own[name] for name in optional_buffers(model)}
    model.load_state_dict(kept | stored)


def build_model(folder: Path, description: ModelDescription) -> nn.Module:
    """The network that a folder describes, with weights that are drawn at random.

    Raises:
        CorruptArtifactError: there is no such architecture, or its arguments do not fit it.
    """
    try:
        return create(description.builder, **tuples(description.arguments))
    except (AvtoolError, TypeError, ValueError, RuntimeError) as error:
        message = f"`{folder}` holds a `{description.builder}` that cannot be built: {one_line(error)}"
        raise CorruptArtifactError(message, getattr(error, "hint", "") or AGAIN) from error


def _check_fit(model: nn.Module, folder: Path, description: ModelDescription) -> None:
    """Compares names and shapes; the file's header suffices."""
    path = folder / WEIGHTS
    try:
        with safe_open(path, framework="pt") as stream:
            found = {name: tuple(stream.get_slice(name).get_shape()) for name in stream.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise CorruptArtifactError(f"cannot read the weights `{path}`: {one_line(error)}", AGAIN) from error
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    optional = optional_buffers(model)
    problems = {
        "lacks": sorted(
            name
            for name in wanted.keys() - found.keys() - optional
            if not description.is_stored_elsewhere(name)
        ),
        "has unknown": sorted(found.keys() - wanted.keys()),
        "has in another shape": sorted(k for k in wanted.keys() & found.keys() if wanted[k] != found[k]),
    }
    if any(problems.values()):
        words = "; ".join(f"{problem} {_some(names)}" for problem, names in problems.items() if names)
        builder, kind = description.builder, type(model).__name__
        message = f"`{path}`, of a `{builder}`, does not fit this {kind}: it {words}"
        raise CorruptArtifactError(message, "use the model of the same builder and arguments")


def _some(names: Sequence[str], limit: int = 3) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(f"`{name}`" for name in names[:limit]) + more


Reader = Callable[[Any, State], LoadReport]
"""Loads weights into a network, or into a part of it."""


def load_checkpoint(
    model: nn.Module, name: str, path: Path, *, interpolate: bool = False, read: Reader | None = None
) -> LoadReport:
    """Loads a model, a run or a checkpoint file into a network, as its family reads it.

    Args:
        model: the network, changed in place.
        name: its registered name.
        path: a model, a run, or a checkpoint file.
        interpolate: interpolate position embeddings to another length.
        read: reads the weights in the family's place.

    Raises:
        BadInputError: the path holds no weights, or they do not fit the network.
    """
    state = without_prefix(unwrap(_read_checkpoint(path)), model.state_dict().keys())
    if read is not None:
        return read(model, state)
    return MODELS.find(name).family.load_weights(model, state, interpolate=interpolate)


def check_grids(model: nn.Module, path: Path) -> None:
    """Refuses weights of a model folder whose patches lie in other rows than those of the network.

    Tables of positions are read row by row: of 16 x 4 patches and of 8 x 8 they are equally long. Only the
    first side, times, may differ; both sides of an image may.

    Raises:
        BadInputError: they do.
        CorruptArtifactError: the folder is damaged.
    """
    folder = described_folder(path)
    if folder is None:
        return
    with device("meta"):
        theirs = _grids_of(build_model(folder, read_description(folder)))
    for modality, grid in _grids_of(model).items():
        old = theirs.get(modality, grid)
        if modality != "image" and old.shape[1:] != grid.shape[1:]:
            before, now = ("x".join(map(str, one.shape)) for one in (old, grid))
            message = f"the weights of `{path}` lie over {before} patches, and the model's are {now}"
            hint = "keep its mel bins, frame size and patches: leave them out, and they follow from it"
            raise BadInputError(message, hint)


def _grids_of(model: nn.Module) -> dict[str, Any]:
    """The grids of the encoders of patches, by modality."""
    grids: list[Any] = [getattr(module, "grid", None) for module in model.modules()]
    return {grid.modality: grid for grid in grids if hasattr(grid, "modality") and hasattr(grid, "shape")}


def load_frozen(frozen: FrozenWeights, model: nn.Module, folder: Path, stored: Mapping[str, Tensor]) -> None:
    """Loads frozen weights into a model, from where they came from or from a copy beside what was trained.

    Args:
        frozen: their description.
        model: changed in place.
        folder: the model folder that names them.
        stored: the weights of that folder itself.

    Raises:
        CorruptArtifactError: their file is not there, has changed, or gives other values.
    """
    file = frozen.find(folder)
    load_checkpoint(model.get_submodule(frozen.module), frozen.builder, file, interpolate=frozen.interpolate)
    prefix = f"{frozen.module}." if frozen.module else ""
    read = {
        name.removeprefix(prefix): value
        for name, value in model.state_dict().items()
        if frozen.covers(name) and name not in stored
    }
    if content_hash(read) != frozen.content:
        message = f"the frozen weights of `{folder}` are read otherwise from `{file}` than in its training"
        raise CorruptArtifactError(message, "use the version of avtool that trained it")


def _read_checkpoint(path: Path) -> Mapping[str, object]:
    """The tensors of a model, a run, a file of weights, or weights of others by name."""
    if path.is_dir() and needs_frozen(path):
        return load_model(path).model.state_dict()
    return read_tensors(find_weights(path))
