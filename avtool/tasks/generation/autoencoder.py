"""PVDM's autoencoder as a task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.artifact import Input
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.models.registry import MODELS
from avtool.tasks.generation.base import VideoTask, hashed_weights, need_like
from avtool.tasks.generation.recipe import VideoAutoencoderRecipe, sides
from avtool.training.task import Training, register

if TYPE_CHECKING:
    from torch import Tensor, nn

    from avtool.models.model_folder import ModelDescription

AUTOENCODER = "video-autoencoder"


@register
@dataclass(frozen=True)
class VideoAutoencoderTask(VideoTask[VideoAutoencoderRecipe]):
    """The autoencoder of clips."""

    name = AUTOENCODER
    summary = "Train an autoencoder of clips as three planes of latents (PVDM)."
    recipe_type = VideoAutoencoderRecipe

    @classmethod
    def subcommand(cls) -> str:
        """`generate train-autoencoder`."""
        return "generate train-autoencoder"

    @classmethod
    def settle(cls, recipe: VideoAutoencoderRecipe, reporter: Reporter) -> VideoAutoencoderRecipe:  # noqa: ARG003
        """The recipe as it is.

        Raises:
            BadInputError: the model is no autoencoder, or stage 2 has no start.
        """
        need_like(recipe.model.name, "pvdm_autoencoder", "autoencoder of videos")
        if recipe.stage == 2 and recipe.model.init is None:
            raise BadInputError("stage 2 starts from weights of stage 1", "give --init RUN")
        return recipe

    @property
    def inputs(self) -> Sequence[Input]:
        """The videos, the initial weights, and networks of distances."""
        recipe, init = self.recipe, self.recipe.model.init
        networks = [hashed_weights(path) for path in (*recipe.loss.lpips, *recipe.distance.files)]
        return [self.videos.input, *([hashed_weights(init)] if init else []), *networks]

    @property
    def starts(self) -> Sequence[Path]:
        """The initial weights."""
        return [self.recipe.model.init] if self.recipe.model.init else []

    def describe(self) -> Mapping[str, int | str]:
        """The model, its clips and latents."""
        recipe = self.recipe
        settings = MODELS.find(recipe.model.name).settings(**{**recipe.model.arguments, **self._chosen()})
        pixels, grid = 3 * settings.frames * settings.height * settings.width, settings.grid
        latents = settings.latent_channels * grid.length
        return {
            "model": recipe.model.name,
            "stage": recipe.stage,
            **self.facts(),
            "clip": f"{settings.frames} frames of {settings.height} x {settings.width}",
            "latents": f"{settings.latent_channels} x {grid.length}, {pixels / latents:.0f} times fewer",
        }

    def num_samples(self) -> int:
        """Clips of an epoch, before videos that are too short are skipped."""
        data, train = self.recipe.data, self.videos.split[0]
        if data.windows:
            return data.windows * len(train)
        return sum(max(source.num_frames() // data.frames, 1) for source in train)

    def _chosen(self) -> dict[str, int]:
        height, width = sides(self.recipe.data.size)
        return {"frames": self.recipe.data.frames, "height": height, "width": width}

    def build(self) -> "tuple[nn.Module, dict[str, Any]]":
        """The network, and the arguments that build it again."""
        from avtool.models.build import build_network

        model = self.recipe.model
        return build_network(model.name, model.arguments, self._chosen(), self.recipe.seed)

    def example(self) -> "Mapping[str, Tensor]":
        """Grey clips."""
        import torch

        frames, height, width = self._chosen().values()
        return {"video": torch.zeros(self.recipe.loop.batch_size, 3, frames, height, width)}

    def prepare(self) -> Training:
        """The network, its objective, and clips.

        Raises:
            BadInputError: videos, model and settings do not fit together.
        """
        from avtool.data.inputs.collate import collate
        from avtool.models.start import load_start
        from avtool.tasks.generation.distances import (
            ReconstructionDistance,
            distance_name,
            has_distance,
            held_out_clips,
        )
        from avtool.tasks.generation.objectives import ReconstructionQuality, autoencoder_training
        from avtool.tasks.generation.samples import ClipSamples
        from avtool.training.validation import Validation

        recipe, data = self.recipe, self.recipe.data
        model, arguments = self.build()
        load_start(model, recipe.model.name, recipe.model.init, self.reporter)
        train, val = self.decode(sides(data.size), data.frames)
        samples = ClipSamples(train, data.frames, data.windows, train=True)
        held_out = ClipSamples(val, data.frames, data.val_windows, train=False)
        objective, optimizers, phases = autoencoder_training(recipe, self.reporter)
        quality = ReconstructionQuality(recipe.loss, objective.perceptual).eval()
        size = recipe.loop.batch_size
        validation: Any = Validation(quality, held_out, collate, size, whole_batches=False, workers=0)
        selects = has_distance(recipe.distance, val)
        if selects:
            clips, device = held_out_clips(val, data.frames, recipe.distance.clips), recipe.runtime.device
            validation = ReconstructionDistance(validation, clips, recipe.distance, device, self.reporter)
        return Training(
            model=model,
            objective=objective,
            samples=samples,
            collate=collate,
            description=self._description(arguments, len(train)),
            validate=validation if len(held_out) else None,
            metric=distance_name(recipe.distance, "r_") if selects else "loss",
            sample_ids=samples.names,
            optimizers=optimizers,
            phases=phases,
            validated_on="held-out clips",
        )

    def _description(self, arguments: dict[str, Any], videos: int) -> "ModelDescription":
        from avtool.models.model_folder import ModelDescription

        return ModelDescription(
            self.recipe.model.name,
            arguments,
            {"task": AUTOENCODER, **self._chosen()},
            f"Encodes clips as three planes of latents: trained on {videos} videos.",
            self.command,
            self.inputs,
        )


def autoencoder_settings(folder: Path) -> Any:
    """The settings of the autoencoder in a run or a model folder.

    Raises:
        BadInputError: it holds none.
    """
    from avtool.models.foreign import locate
    from avtool.models.model_folder import read_description

    described = read_description(locate(folder))
    if described.preprocess.get("task") != AUTOENCODER:
        message = f"`{folder}` is no autoencoder of videos"
        raise BadInputError(message, "give a run of `avtool generate train-autoencoder`")
    return MODELS.find(described.builder).settings(**described.arguments)
