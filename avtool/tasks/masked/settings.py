"""Arguments and losses of masked models, from their recipes."""

from typing import TYPE_CHECKING, Any

from avtool.core.errors import BadInputError
from avtool.data.inputs.settings import AudioSettings, VideoSettings
from avtool.tasks.masked.recipe import (
    AudioMaeRecipe,
    ImageMaeRecipe,
    MaskedRecipe,
    MavilRecipe,
    VideoMaeRecipe,
)

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.load import LoadedModel
    from avtool.models.masked.targets import TargetKind


def chosen_settings(
    recipe: MaskedRecipe, num_frames: int, audio: AudioSettings, video: VideoSettings
) -> dict[str, Any]:
    """Settings of the model that follow from the data, and from keys of the recipe."""
    mask = recipe.mask
    chosen: dict[str, Any] = {"mask_ratio": mask.ratio, "decode_fraction": mask.decode_fraction}
    if isinstance(recipe, ImageMaeRecipe):
        return {**chosen, "image_size": video.size}
    audio_facts = {"num_frames": num_frames, "num_mel_bins": audio.num_mel_bins}
    video_facts = {"video_frames": video.num_frames, "image_size": video.size}
    if isinstance(recipe, AudioMaeRecipe):
        chosen |= {"mask": recipe.mask.kind, **audio_facts}
        if recipe.mask.kind == "time-frequency":
            chosen |= {"time_ratio": recipe.mask.time_ratio, "frequency_ratio": recipe.mask.frequency_ratio}
        return chosen if recipe.decoder == "auto" else {**chosen, "decoder": recipe.decoder}
    if isinstance(recipe, VideoMaeRecipe):
        return {**chosen, "mask": recipe.mask.kind, **video_facts}
    return {
        "audio_mask_ratio": mask.ratio,
        "video_mask_ratio": mask.ratio,
        "decode_fraction": mask.decode_fraction,
        "fusion_layers": recipe.mavil.fusion_layers,
        "predicts": "pixels" if recipe.mavil.stage == 1 else "features",
        **audio_facts,
        **video_facts,
    } | ({} if recipe.decoder == "auto" else {"audio_decoder": recipe.decoder})


def target_kind(recipe: MaskedRecipe) -> "TargetKind | None":
    """The reconstruction target of masked patches; None where it is a teacher's features."""
    if isinstance(recipe, MavilRecipe) and recipe.mavil.stage == 2:
        return None
    if not recipe.mask.norm_target:
        return "values"
    return "channel" if isinstance(recipe, VideoMaeRecipe) else "patch"


def make_objective(recipe: MaskedRecipe, model: "nn.Module", teacher: "LoadedModel | None") -> "nn.Module":
    """The loss of a method.

    Args:
        recipe: the settings.
        model: what is trained.
        teacher: of stage 2.

    Raises:
        BadInputError: the teacher's tokens are not the model's.
    """
    from avtool.objectives.masked.mavil import ContrastWeights, MAViLStage1, MAViLStage2, check_teacher
    from avtool.objectives.masked.reconstruction import MaskedReconstruction

    kind = target_kind(recipe)
    if not isinstance(recipe, MavilRecipe):
        assert kind is not None, "the model rebuilds patches"
        return MaskedReconstruction(kind)
    mavil = recipe.mavil
    weights = ContrastWeights(mavil.alpha, mavil.beta, mavil.tau_inter, mavil.tau_intra)
    if kind is not None:
        return MAViLStage1(weights, kind)
    assert teacher is not None, "stage 2 has a teacher"
    check_teacher(model, teacher.model)
    return MAViLStage2(teacher.model, weights)


def read_teacher(recipe: MaskedRecipe) -> "LoadedModel | None":
    """The teacher of stage 2; None without one.

    Raises:
        BadInputError: there is no model, or it is no MAViL.
        CorruptArtifactError: it is damaged.
    """
    if not isinstance(recipe, MavilRecipe) or recipe.mavil.stage == 1:
        return None
    if recipe.mavil.teacher is None:
        raise BadInputError("stage 2 learns from a teacher", "give the run of stage 1: --teacher runs/stage1")
    from avtool.models.load import load_model
    from avtool.models.masked.mavil import MAViL

    path = recipe.mavil.teacher
    teacher = load_model(path)
    if not isinstance(teacher.model, MAViL):
        message = (
            f"the teacher `{path}` is a `{teacher.description.builder}`, and stage 2 learns from a MAViL"
        )
        raise BadInputError(message, "give a run of `avtool pretrain mavil`")
    return teacher
