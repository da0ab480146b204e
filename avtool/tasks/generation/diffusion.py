"""PVDM's diffusion model of latents as a task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.artifact import Input
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.inference.generation.generator import ASSET
from avtool.tasks.generation.autoencoder import autoencoder_settings
from avtool.tasks.generation.base import VideoTask, hashed_weights, need_like
from avtool.tasks.generation.recipe import VideoDiffusionRecipe
from avtool.tasks.generation.videos import FrameSpan
from avtool.training.task import Training, register

if TYPE_CHECKING:
    from torch import Tensor, nn

    from avtool.models.model_folder import ModelDescription

DIFFUSION = "video-diffusion"


@register
@dataclass(frozen=True)
class VideoDiffusionTask(VideoTask[VideoDiffusionRecipe]):
    """The diffusion model of latents."""

    name = DIFFUSION
    summary = "Train a diffusion model of first and next clips on the latents of an autoencoder (PVDM)."
    recipe_type = VideoDiffusionRecipe

    @classmethod
    def subcommand(cls) -> str:
        """`generate train`."""
        return "generate train"

    @classmethod
    def settle(cls, recipe: VideoDiffusionRecipe, reporter: Reporter) -> VideoDiffusionRecipe:  # noqa: ARG003
        """The recipe as it is.

        Raises:
            BadInputError: the model is no U-Net of latents.
        """
        need_like(recipe.model.name, "pvdm_unet_s", "diffusion model of videos")
        return recipe

    @property
    def autoencoder(self) -> Path:
        """The autoencoder's folder.

        Raises:
            BadInputError: none is given.
        """
        from avtool.models.foreign import locate

        if self.recipe.model.autoencoder is None:
            hint = "give --autoencoder RUN, of `avtool generate train-autoencoder`"
            raise BadInputError("no autoencoder is given", hint)
        return locate(self.recipe.model.autoencoder)

    @cached_property
    def clip(self) -> Any:
        """The settings of the autoencoder.

        Raises:
            BadInputError: the folder holds no autoencoder.
        """
        return autoencoder_settings(self.autoencoder)

    @property
    def inputs(self) -> Sequence[Input]:
        """The videos, the autoencoder, the initial weights, and networks of distances."""
        init, networks = self.recipe.model.init, [hashed_weights(path) for path in self.recipe.distance.files]
        weights = [hashed_weights(self.autoencoder), *([hashed_weights(init)] if init else [])]
        return [self.videos.input, *weights, *networks]

    @property
    def starts(self) -> Sequence[Path]:
        """The autoencoder and the initial weights."""
        init = self.recipe.model.init
        return [self.autoencoder, *([init] if init else [])]

    def describe(self) -> Mapping[str, int | str]:
        """The model and its latents."""
        grid = self.clip.grid
        return {
            "model": self.recipe.model.name,
            **self.facts(),
            "latents": f"{self.clip.latent_channels} x {grid.length} ({grid})",
        }

    def num_samples(self) -> int:
        """Pairs of clips, before videos that are too short are skipped."""
        return self.recipe.data.windows * len(self.videos.split[0])

    def build(self) -> "tuple[nn.Module, dict[str, Any]]":
        """The network, and the arguments that build it again."""
        from avtool.models.build import build_network

        grid, model = self.clip.grid, self.recipe.model
        chosen = {"frames": grid.frames, "rows": grid.rows, "columns": grid.columns}
        chosen["latent_channels"] = self.clip.latent_channels
        return build_network(model.name, model.arguments, chosen, self.recipe.seed)

    def example(self) -> "Mapping[str, Tensor]":
        """Zeros."""
        import torch

        shape = (self.recipe.loop.batch_size, self.clip.latent_channels, self.clip.grid.length)
        times = torch.zeros(shape[0], dtype=torch.int64)
        return {"latents": torch.zeros(shape), "latents_timestep": times}

    def prepare(self) -> Training:
        """The network, its objective, and latents.

        Raises:
            BadInputError: videos, autoencoder, model and settings do not fit together.
        """
        from avtool.data.inputs.collate import collate
        from avtool.models.start import load_start
        from avtool.objectives.diffusion import NoisePrediction
        from avtool.tasks.generation.distances import SampledDistance, has_distance, held_out_clips
        from avtool.training.validation import Validation

        recipe, clip = self.recipe, self.clip
        model, arguments = self.build()
        if len(set(clip.grid.shapes)) == 1 and not arguments.get("plane_embed"):
            message = "the three planes have one shape: the model cannot distinguish them, and mixes them"
            self.reporter.warn(f"{message}; add --set model.arguments.plane_embed=true")
        load_start(model, recipe.model.name, recipe.model.init, self.reporter)
        train, val = self.decode((clip.height, clip.width), clip.frames)
        samples, held_out = self._latents(train, val)
        size = recipe.loop.batch_size
        objective = NoisePrediction().eval()
        validation: Any = Validation(objective, held_out, collate, size, whole_batches=False, workers=0)
        if has_distance(recipe.distance, val):
            clips = held_out_clips(val, clip.frames, recipe.distance.clips)
            given = (self.autoencoder, recipe.distance, recipe.runtime.device, self.reporter)
            validation = SampledDistance(validation, clips, *given)
        return Training(
            model=model,
            objective=NoisePrediction(),
            samples=samples,
            collate=collate,
            description=self._description(arguments, len(train)),
            validate=validation if len(held_out) else None,
            validated_on="held-out latents",
        )

    def _latents(self, *splits: list[FrameSpan]) -> tuple[Any, Any]:
        from avtool.tasks.generation.latents import KEPT, LatentSamples, split_latents

        data, device = self.recipe.data, self.recipe.runtime.device
        found = split_latents(
            splits, self.autoencoder, data, self.recipe.seed, device, self.reporter, kept=self.source / KEPT
        )
        train, val = (
            LatentSamples(*one, data.conditional, train=training)
            for one, training in zip(found, (True, False), strict=True)
        )
        return train, val

    def _description(self, arguments: dict[str, Any], videos: int) -> "ModelDescription":
        from avtool.models.model_folder import ModelDescription

        return ModelDescription(
            self.recipe.model.name,
            arguments,
            {"task": DIFFUSION, "conditional": self.recipe.data.conditional},
            f"Generates clips in the latents of its autoencoder: trained on {videos} videos.",
            self.command,
            self.inputs,
            assets={ASSET: self.autoencoder},
        )
