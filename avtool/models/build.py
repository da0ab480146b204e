"""Building a registered network for the data at hand; its initial weights depend on the seed alone."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from avtool.core.errors import AvtoolError, BadInputError
from avtool.models.registry import create

if TYPE_CHECKING:
    from torch import nn

FOLLOWS_FROM = {
    "num_classes": "the dataset's class list",
    "num_frames": "--seconds",
    "audio_frames": "--seconds",
    "num_mel_bins": "--mel-bins",
    "video_frames": "--frames",
    "image_size": "data.video.size",
}
"""Settings of architectures that the data decide, and by what."""
_WINDOW, _PATCH = 64, 16


def build_seeded(name: str, arguments: Mapping[str, Any], seed: int) -> "nn.Module":
    """Builds a registered model; its initial weights depend on the seed alone.

    Raises:
        BadInputError: there is no such model, or its settings do not fit.
    """
    from avtool.models.seeds import derive, seed_everything

    seed_everything(derive(seed, "model"))
    try:
        return create(name, **arguments)
    except AvtoolError:
        raise
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        reason = " ".join(str(error).split())[:200]
        message = f"`{name}` cannot be built with these settings: {reason}"
        raise BadInputError(message, "see model.arguments of the recipe") from error


def fitted_frames(name: str, num_frames: int) -> int:
    """The frames that a model of whole patches takes for so many; of any other model, just these."""
    import torch

    from avtool.models.masked.audio_mae import AudioMAESettings
    from avtool.models.masked.mavil import MAViLSettings

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


def tuples(value: Any) -> Any:
    """Lists of a recipe as tuples, which settings compare by value."""
    if isinstance(value, Mapping):
        return {key: tuples(item) for key, item in value.items()}
    return tuple(tuples(item) for item in value) if isinstance(value, list | tuple) else value
