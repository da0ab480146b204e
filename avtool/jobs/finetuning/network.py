"""Builds the network for the data at hand, and starts it from other weights."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.registry import create
from avtool.core.reporter import Reporter
from avtool.jobs.finetuning.recipe import FinetuneRecipe, ModelRecipe

if TYPE_CHECKING:
    from torch import nn

FOLLOWS_FROM = {
    "num_classes": "the data set's class list",
    "num_frames": "--seconds",
    "audio_frames": "--seconds",
    "num_mel_bins": "--mel-bins",
    "video_frames": "--frames",
    "image_size": "data.video.size",
}
"""Settings of architectures that the data decide, and by what."""


_WINDOW, _PATCH = 64, 16


def build_network(
    recipe: FinetuneRecipe, num_classes: int, num_frames: int
) -> "tuple[nn.Module, dict[str, Any]]":
    """Builds the architecture for so many classes and frames; its start depends on the seed alone.

    Returns:
        The network, and the arguments that build it again.

    Raises:
        BadInputError: there is no such architecture, or its settings do not fit.
    """
    from avtool.training.seeds import derive, seed_everything

    given = _tuples(recipe.model.arguments)
    for name, source in FOLLOWS_FROM.items():
        if name in given:
            raise BadInputError(f"model.arguments.{name} follows from the data", f"it is set by {source}")
    video = recipe.data.video
    derived = {
        "num_classes": num_classes,
        "num_frames": num_frames,
        "audio_frames": num_frames,
        "num_mel_bins": recipe.data.audio.num_mel_bins,
        "video_frames": video.num_frames,
        "image_size": video.size,
    }
    known = settings_of(recipe.model.name)
    if (modalities := recipe.model.modalities) is not None:
        if "modalities" not in known:
            message = f"`{recipe.model.name}` takes what it takes: --modalities chooses for models of both"
            raise BadInputError(message, "leave it out, or choose an MBT")
        given = {"modalities": modalities, **given}
    arguments = {name: value for name, value in derived.items() if name in known} | given
    seed_everything(derive(recipe.seed, "model"))
    try:
        return create(recipe.model.name, **arguments), arguments
    except AvtoolError:
        raise
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        reason = " ".join(str(error).split())[:200]
        message = f"`{recipe.model.name}` cannot be built with these settings: {reason}"
        raise BadInputError(message, "see model.arguments of the recipe") from error


def fitted_frames(name: str, num_frames: int) -> int:
    """The frames that a model of whole patches takes for so many; of any other model, just these."""
    import torch

    from avtool.models.audio_mae import AudioMAESettings
    from avtool.models.mavil import MAViLSettings

    with torch.device("meta"):
        settings = getattr(create(name), "settings", None)
    return whole_patches(num_frames) if isinstance(settings, AudioMAESettings | MAViLSettings) else num_frames


def whole_patches(num_frames: int) -> int:
    """Frames rounded up so that patches of 16, and windows of four of them, fill them.

    Of ten seconds these are the published 1024 frames, of five 512, and of one 128.
    """
    step = _WINDOW if num_frames > _WINDOW / 2 else _PATCH
    return -(-max(1, num_frames) // step) * step


def settings_of(name: str) -> set[str]:
    """The names of an architecture's settings."""
    import torch

    with torch.device("meta"):
        settings = getattr(create(name), "settings", None)
    return {field.name for field in fields(settings)} if is_dataclass(settings) else set()


def _tuples(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else value


def load_start(model: "nn.Module", recipe: ModelRecipe, reporter: Reporter) -> None:
    """Starts the network from `model.init`, whoever wrote it, and tells what was adapted.

    Raises:
        BadInputError: the file is none, or does not fit the network.
    """
    if recipe.init is None:
        return
    from avtool.models.ast import AST
    from avtool.models.mbt import MBT
    from avtool.models.weights import ast_weights, mbt_weights
    from avtool.models.weights.masked_weights import load_masked
    from avtool.models.weights.report import copy_into, drop_other_head, unwrap

    state = unwrap(_read_checkpoint(recipe.init))
    if isinstance(model, AST) and _is_of_images(state):
        report = ast_weights.load_image_vit(model, state)
    elif isinstance(model, AST):
        report = ast_weights.load_ast(model, state, fit_positions=recipe.fit_positions)
    elif isinstance(model, MBT) and not any(name.startswith("stems.") for name in state):
        report = mbt_weights.load_image_vit(model, state)
    elif masked := load_masked(model, state, fit_positions=recipe.fit_positions):
        report = masked
    else:
        changes: list[str] = []
        if (head := _last_layer(model)) and f"{head}.weight" in state:
            drop_other_head(state, model, (f"{head}.weight", f"{head}.bias"), changes)
        report = copy_into(model, state, changes)
    if len(report.missing) == len(model.state_dict()):
        message = f"`{recipe.init}` holds no weight of a `{recipe.name}`"
        raise BadInputError(message, "start from weights of the same architecture")
    reporter.info(f"started from `{recipe.init}`")
    for line in report.lines():
        reporter.info(f"weights: {line}")


def freeze_encoder(model: "nn.Module", name: str) -> None:
    """Leaves the head alone to be trained; all else stays as it is, its batch norms and dropout too.

    Raises:
        BadInputError: the model has no head of its own.
    """
    head = getattr(model, "head", None)
    if head is None:
        raise BadInputError(f"`{name}` has no last layer to train alone", "leave out --freeze")
    model.requires_grad_(False)
    head.requires_grad_(True)
    still = [child for child in model.children() if child is not head]

    def stay_still(*_: object) -> None:  # the loop sets the whole model into training mode
        for child in still:
            child.eval()

    model.register_forward_pre_hook(stay_still)


def weights_file(path: Path) -> Path:
    """The file with the weights of a model folder, of a run, or of a checkpoint file.

    Raises:
        BadInputError: there is none.
    """
    from avtool.models.model_folder import WEIGHTS, find_model

    if path.is_dir():
        return find_model(path) / WEIGHTS
    if not path.is_file():
        raise BadInputError(f"the weights `{path}` do not exist", "give a model, a run, or a checkpoint file")
    return path


def _read_checkpoint(path: Path) -> Mapping[str, object]:
    """The tensors of a file of weights; nothing but tensors is unpickled."""
    from avtool.models.model_folder import load_tensors

    path = weights_file(path)
    if path.suffix == ".safetensors":
        return load_tensors(path)
    import torch

    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # an unpickler stumbles over anything in a file that is none
        message = f"`{path}` is no checkpoint of plain tensors"
        raise BadInputError(message, "convert it to .safetensors; other objects are not opened") from error
    if not isinstance(values, Mapping):
        raise BadInputError(f"`{path}` holds no named tensors", "give a checkpoint of model weights")
    return values


def _is_of_images(state: Mapping[str, Any]) -> bool:
    """Whether the patches are of three colours."""
    kernels = ("patch_embed.proj.weight", "patch_embeddings.projection.weight")
    return any(name.endswith(kernels) and tensor.shape[1] == 3 for name, tensor in state.items())


def _last_layer(model: "nn.Module") -> str:
    from torch import nn

    names = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    return names[-1] if names else ""
