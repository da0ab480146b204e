"""MAE, Audio-MAE, VideoMAE and MAViL as tasks."""

from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from avtool.core.errors import BadInputError
from avtool.data.inputs.feature_cache import FeatureCache
from avtool.data.inputs.image import ImageInput
from avtool.data.inputs.settings import VideoSettings
from avtool.data.inputs.spec import InputSpec
from avtool.models.registry import MODELS
from avtool.models.start import load_start
from avtool.tasks.masked.base import MaskedTask
from avtool.tasks.masked.recipe import (
    AudioMaeRecipe,
    AudioRecipe,
    ImageMaeRecipe,
    MavilRecipe,
    VideoMaeRecipe,
)
from avtool.training.task import register

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.load import LoadedModel

_EVALUATION_SHARE = 256 / 224
"""Shorter side of a photograph in sides of the square that evaluation keeps."""


@register
class ImageMae(MaskedTask[ImageMaeRecipe]):
    """MAE (He et al., 2022)."""

    name = "image-mae"
    summary = "MAE: reconstruct masked patches of images."
    recipe_type = ImageMaeRecipe
    modalities = ("image",)
    builder = "mae_{}_pretrain"

    @property
    def video(self) -> VideoSettings:
        """The size of an image."""
        size = self.recipe.data.size
        short_side = round(size * _EVALUATION_SHARE)
        return VideoSettings(num_frames=1, size=size, short_side=short_side, flip=self.recipe.data.flip)

    def augmented(self, spec: InputSpec, features: FeatureCache | None) -> InputSpec:  # noqa: ARG002
        """The image with its source and augmentation."""
        data, shards = self.recipe.data, self.clips.shards
        return spec.reading(
            ImageInput, source=shards, area=data.area, cache_mib=data.cache_mib, as_bytes=True
        )


@register
class AudioMae(MaskedTask[AudioMaeRecipe]):
    """Audio-MAE (Huang et al., 2022)."""

    name = "audio-mae"
    summary = "Audio-MAE: reconstruct masked patches of spectrograms."
    recipe_type = AudioMaeRecipe
    modalities = ("audio",)
    builder = "audio_mae_{}_pretrain"

    @property
    def audio(self) -> AudioRecipe:
        """Settings of audio."""
        return self.recipe.data


@register
class VideoMae(MaskedTask[VideoMaeRecipe]):
    """VideoMAE (Tong et al., 2022)."""

    name = "video-mae"
    summary = "VideoMAE: reconstruct masked tubes of videos."
    recipe_type = VideoMaeRecipe
    modalities = ("video",)
    builder = "video_mae_{}_pretrain"

    @property
    def video(self) -> VideoSettings:
        """The window of frames."""
        return self.recipe.data.video


@register
class Mavil(MaskedTask[MavilRecipe]):
    """MAViL (Huang et al., 2023): stage 1 reconstructs patches, stage 2 predicts a teacher's features."""

    name = "mavil"
    summary = "MAViL: reconstruct masked audio and video from each other."
    recipe_type = MavilRecipe
    modalities = ("audio", "video")
    builder = "mavil_{}_pretrain"

    @property
    def method(self) -> str:
        """The method and its stage."""
        return f"mavil (stage {self.recipe.mavil.stage})"

    @property
    def starts(self) -> list[Path]:
        """The weights that the model starts or learns from, the teacher's among them."""
        model = self.recipe.model
        more = (model.init_video, model.init_audio, self.recipe.mavil.teacher)
        return super().starts + [path for path in more if path is not None]

    def load_start(self, model: "nn.Module") -> None:
        """Starts the model, and then the encoders that have weights of their own."""
        from avtool.models.masked.mavil_weights import start_modality

        super().load_start(model)
        keys = self.recipe.model
        for modality, init in (("video", keys.init_video), ("audio", keys.init_audio)):
            interpolate = keys.interpolate_positions
            read = partial(
                start_modality, modality=modality, rescale=keys.rescale_kernel, interpolate=interpolate
            )
            load_start(model, self.model_name, init, self.reporter, read=read)

    @property
    def audio(self) -> AudioRecipe:
        """Settings of audio."""
        return self.recipe.data

    @property
    def video(self) -> VideoSettings:
        """The window of frames."""
        return self.recipe.data.video

    @cached_property
    def teacher(self) -> "LoadedModel | None":
        """The teacher of stage 2.

        Raises:
            BadInputError: there is no model, or it is no MAViL.
            CorruptArtifactError: it is damaged.
        """
        if self.recipe.mavil.stage == 1:
            return None
        path = self.recipe.mavil.teacher
        if path is None:
            hint = "give the run of stage 1: --teacher runs/stage1"
            raise BadInputError("stage 2 learns from a teacher", hint)
        from avtool.models.load import load_model

        teacher = load_model(path)
        builder = teacher.description.builder
        if MODELS.find(builder).family is not MODELS.find(self.model_name).family:
            message = f"the teacher `{path}` is a `{builder}`, and stage 2 learns from a MAViL"
            raise BadInputError(message, "give a run of `avtool pretrain mavil`")
        return teacher

    def make_objective(self, model: "nn.Module") -> "nn.Module":
        """The loss of a stage: the patches, or the teacher's features, and the contrasts."""
        from avtool.objectives.masked.mavil import ContrastWeights, MAViLStage1, MAViLStage2, check_teacher

        keys = self.recipe.mavil
        weights = ContrastWeights(keys.alpha, keys.beta, keys.tau_inter, keys.tau_intra)
        if (target := self.recipe.target) is not None:
            return MAViLStage1(weights, target)
        assert self.teacher is not None, "stage 2 has a teacher"
        check_teacher(model, self.teacher.model)
        return MAViLStage2(self.teacher.model, weights)
