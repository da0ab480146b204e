"""PVDM's autoencoder and its diffusion model as tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from avtool.core.artifact import Input
from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of
from avtool.core.learned_clips import Use
from avtool.core.reporter import Reporter
from avtool.data.clip_filter import Skipped
from avtool.data.frame_clips import scaled_up
from avtool.data.manifest import Manifest
from avtool.inference.generation.generator import ASSET
from avtool.models.registry import MODELS
from avtool.tasks.generation.recipe import VideoAutoencoderRecipe, VideoDiffusionRecipe, sides
from avtool.tasks.generation.videos import FrameSpan, TrainingVideos
from avtool.training.recipe import TrainRecipe
from avtool.training.task import Task, Training, register

if TYPE_CHECKING:
    from torch import Tensor, nn

    from avtool.models.model_folder import ModelDescription

AUTOENCODER, DIFFUSION = "video-autoencoder", "video-diffusion"
_SOURCE = "Videos: a film, a folder of films or of folders of frames, or a dataset."
RecipeType = TypeVar("RecipeType", bound=TrainRecipe)


@dataclass(frozen=True)
class _VideoTask(Task[RecipeType]):
    """What both tasks share."""

    verb = "generate"
    takes = _SOURCE

    @cached_property
    def videos(self) -> TrainingVideos:
        """The videos, before they are decoded."""
        return TrainingVideos(self.source, self.recipe.data, self.recipe.seed)  # type: ignore[attr-defined]

    @property
    def learned_from(self) -> Sequence[tuple[Manifest, Use]]:
        """The clips of a dataset; films of folders have no record."""
        return self.videos.learned_from

    @property
    def validates(self) -> bool:
        """Whether videos are held out."""
        return bool(self.videos.split[1])

    @cached_property
    def _skipped(self) -> list[Skipped]:
        return []

    @property
    def skipped(self) -> Sequence[Skipped]:
        """Videos that are too short or unreadable; known once they are decoded."""
        return self._skipped

    def decode(self, size: tuple[int, int], least: int) -> tuple[list[FrameSpan], list[FrameSpan]]:
        """The frames of training and of validation."""
        if small := scaled_up(self.videos.sources, size):
            self.reporter.warn(f"{small}; train at their size, or on a cache of larger frames")
        train, val, skipped = self.videos.decode(size, least, self.reporter)
        self._skipped[:] = skipped
        for one in skipped[:3]:
            self.reporter.warn(f"`{one.clip_id}` is skipped: {one.reason}")
        if len(skipped) > 3:
            self.reporter.warn(f"{len(skipped)} videos are skipped: the run lists them")
        return train, val

    def facts(self) -> dict[str, int | str]:
        """Facts for the plan."""
        train, val = self.videos.split
        return {"train_videos": len(train), "val_videos": len(val)}


@register
@dataclass(frozen=True)
class VideoAutoencoderTask(_VideoTask[VideoAutoencoderRecipe]):
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
        _need_like(recipe.model.name, "pvdm_autoencoder", "autoencoder of videos")
        if recipe.stage == 2 and recipe.model.init is None:
            raise BadInputError("stage 2 starts from weights of stage 1", "give --init RUN")
        return recipe

    @property
    def inputs(self) -> Sequence[Input]:
        """The videos, the initial weights, and networks of distances."""
        recipe, init = self.recipe, self.recipe.model.init
        networks = [_weights(path) for path in (*recipe.loss.lpips, *recipe.distance.files)]
        return [self.videos.input, *([_weights(init)] if init else []), *networks]

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


@register
@dataclass(frozen=True)
class VideoDiffusionTask(_VideoTask[VideoDiffusionRecipe]):
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
        _need_like(recipe.model.name, "pvdm_unet_s", "diffusion model of videos")
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
        init, networks = self.recipe.model.init, [_weights(path) for path in self.recipe.distance.files]
        weights = [_weights(self.autoencoder), *([_weights(init)] if init else [])]
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


def _need_like(name: str, example: str, what: str) -> None:
    """Refuses a model that is of another family than an example of what is trained."""
    if MODELS.find(name).family is not MODELS.find(example).family:
        raise BadInputError(f"`{name}` is no {what}", f"choose --model {example}, or one of its other sizes")


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


def _weights(path: Path) -> Input:
    """Weights by content."""
    from avtool.models.foreign import find_weights

    return Input(str(path), "weights", sha256_of(path if path.is_file() else find_weights(path)))
