"""The classifier for the data at hand."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from avtool.core.errors import BadInputError
from avtool.core.requirements import require
from avtool.models.build import build_seeded, tuples
from avtool.models.family import DataFact
from avtool.models.registry import MODELS
from avtool.tasks.classification.recipe import FinetuneRecipe
from avtool.training.recipe import GroupRecipe

if TYPE_CHECKING:
    from torch import nn

    from avtool.training.parameter_groups import ParameterGroup


def build_network(
    recipe: FinetuneRecipe, num_classes: int, num_frames: int, frame_width: int | None = None
) -> "tuple[nn.Module, dict[str, Any]]":
    """Builds the architecture for so many classes and frames; its initial weights depend on the seed alone.

    Args:
        recipe: the architecture and its settings.
        num_classes: of the dataset.
        num_frames: of a spectrogram.
        frame_width: numbers of a feature of a frame; None where there are none.

    Returns:
        The network, and the arguments that build it again.

    Raises:
        BadInputError: there is no such architecture, or its settings do not fit.
    """
    model, video = MODELS.find(recipe.model.name), recipe.data.video
    facts: dict[DataFact, int] = {
        "num_classes": num_classes,
        "audio_frames": num_frames,
        "num_mel_bins": recipe.data.audio.num_mel_bins,
        "video_frames": video.num_frames,
        "image_size": video.size,
    }
    if frame_width is not None:
        facts["frame_width"] = frame_width
    elif "frame_width" in model.family.follows.values():
        message = f"`{recipe.model.name}` reads features of frames, and there are none"
        raise BadInputError(
            message, "make them: avtool embed DATA --encoder ENCODER --out F.parquet; add --frame-features"
        )
    given = tuples(recipe.model.arguments)
    if (modalities := recipe.model.modalities) is not None:
        if "modalities" not in model.setting_names():
            message = f"`{model.name}` has fixed inputs: model.modalities chooses for models of both"
            raise BadInputError(message, "leave it out, or choose an MBT")
        given = {"modalities": modalities, **given}
    if recipe.model.drop_path is not None and "drop_path" in model.setting_names():
        given = {"drop_path": recipe.model.drop_path, **given}
    arguments = model.follow(facts, given)
    if recipe.model.freeze and recipe.optimizer.name == "lars":
        arguments |= {"standardized_head": True}
    return build_seeded(model.name, arguments, recipe.seed), arguments


def check_inputs(recipe: FinetuneRecipe, inputs: Sequence[str]) -> None:
    """Refuses settings that do not fit the inputs of the model.

    Raises:
        BadInputError: they do not.
    """
    both = {"audio", "video"} <= set(inputs)
    if recipe.augment.modality_dropout and not both:
        raise BadInputError(
            f"augment.modality_dropout needs a model of audio and video; `{recipe.model.name}` is none",
            "leave it out, or choose an MBT",
        )
    if recipe.augment.cutmix:
        taken = {"sample": "audio", "batch": "images or video"}[recipe.augment.mixup]
        if len(inputs) > 1 or (inputs[0] == "audio") != (taken == "audio"):
            message = (
                f"augment.cutmix needs a model of {taken} alone with augment.mixup={recipe.augment.mixup}"
            )
            raise BadInputError(f"{message}; `{recipe.model.name}` is none", "leave it out")
    frames = {"augment.rand_augment": recipe.augment.rand_augment, "augment.erase": recipe.augment.erase}
    if (set_ := [key for key, value in frames.items() if value]) and not {"image", "video"} & set(inputs):
        message = f"{set_[0]} needs a model of images or video; `{recipe.model.name}` is none"
        raise BadInputError(message, "leave it out")
    if set_ or (recipe.augment.cutmix and recipe.augment.mixup == "batch"):
        require("timm", "hub")
    if recipe.augment.mixup == "modality" and not (both and recipe.loss.per_modality):
        raise BadInputError(
            "augment.mixup=modality gives audio and video different labels: it needs a model of both, and "
            "loss.per_modality",
            "choose augment.mixup=batch, or an MBT",
        )
    if "clip" not in inputs and recipe.data.frame_features is not None:
        raise BadInputError(
            f"`{recipe.model.name}` reads no features of frames",
            "unset --frame-features, or choose an AST-MM",
        )


def video_group(recipe: FinetuneRecipe, model: "nn.Module") -> "list[ParameterGroup]":
    """The video encoder's own parameter group, where the recipe gives it a rate, decay or schedule.

    Raises:
        BadInputError: the model has no encoder of video beside one of audio, or nothing of it is trained.
    """
    from avtool.training.parameter_groups import ParameterGroup

    if recipe.video_encoder == GroupRecipe():
        return []
    parts = getattr(model, "modality_parts", None)
    if parts is None or not {"audio", "video"} <= set(model.inputs):  # type: ignore[arg-type]
        message = f"[video_encoder] needs encoders of audio and of video; `{recipe.model.name}` has not both"
        raise BadInputError(message, "set the rate of all by --lr, or choose a MAViL or an MBT")
    if recipe.model.freeze:
        raise BadInputError("[video_encoder] has no effect on a frozen encoder", "unset one of both")
    return [ParameterGroup("video", parts("video"), recipe.video_encoder)]
