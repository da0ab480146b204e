"""The classifier for the data at hand."""

from typing import TYPE_CHECKING, Any

from avtool.core.errors import BadInputError
from avtool.models.build import FOLLOWS_FROM, build_seeded, settings_of, tuples
from avtool.tasks.classification.recipe import FinetuneRecipe

if TYPE_CHECKING:
    from torch import nn


def build_network(
    recipe: FinetuneRecipe, num_classes: int, num_frames: int
) -> "tuple[nn.Module, dict[str, Any]]":
    """Builds the architecture for so many classes and frames; its initial weights depend on the seed alone.

    Returns:
        The network, and the arguments that build it again.

    Raises:
        BadInputError: there is no such architecture, or its settings do not fit.
    """
    given = tuples(recipe.model.arguments)
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
    return build_seeded(recipe.model.name, arguments, recipe.seed), arguments
