"""Fréchet distances of reconstructed and of drawn clips from held-out ones, as metrics of a validation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.evaluation.metrics.frechet import FeatureMoments, frechet_distance
from avtool.evaluation.metrics.generation import inception_score
from avtool.inference.generation.pixels import as_clips, as_video
from avtool.inference.generation.sampling import ddim_sample, draw_noise, guided
from avtool.inference.generation.video_features import ClipNetwork, ScriptedNetwork, open_network
from avtool.tasks.generation.recipe import SampledDistanceRecipe, VideoDistanceRecipe
from avtool.tasks.generation.videos import FrameSpan

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.pvdm.autoencoder import VideoAutoencoder

Validate = Callable[["nn.Module", torch.device], Mapping[str, float]]
Clip = NDArray[np.uint8]
_BATCH = 8
_IS_SPLITS = 10


def distance_name(recipe: VideoDistanceRecipe, prefix: str = "") -> str:
    """The name of the metric: `fvd`, or `fvd_own` of an encoder of one's own."""
    return f"{prefix}fvd_own" if recipe.encoder is not None else f"{prefix}fvd"


def has_distance(recipe: VideoDistanceRecipe, held_out: Sequence[FrameSpan]) -> bool:
    """Whether validations measure a distance.

    Raises:
        BadInputError: no videos are held out for one that is selected.
    """
    if recipe.files and not held_out:
        message = "--fvd-encoder and --fvd-weights measure held-out videos, and there are none"
        raise BadInputError(message, "put some videos into the split `val`")
    return bool(recipe.files)


def held_out_clips(spans: Sequence[FrameSpan], frames: int, count: int) -> list[Clip]:
    """Clips side by side, evenly spaced among all of the held-out videos; memory-mapped.

    Args:
        spans: the videos.
        frames: S of a clip.
        count: clips at most.
    """
    clips = [
        span.frames[start : start + frames]
        for span in spans
        for start in range(0, len(span.frames) - frames + 1, frames)
    ]
    places = np.linspace(0, len(clips) - 1, min(count, len(clips))).round().astype(int)
    return [clips[place] for place in places]


@dataclass
class ReconstructionDistance:
    """A validation that adds `r_fvd` or `r_fvd_own`, the distance of reconstructed clips from the clips.

    Attributes:
        before: what else is measured.
        clips: held-out clips, at least 2.
        recipe: the network.
        device: auto, cpu, cuda or cuda:1.
        reporter: receives decisions.
    """

    before: Validate
    clips: Sequence[Clip]
    recipe: VideoDistanceRecipe
    device: str
    reporter: Reporter
    _real: "_Features | None" = field(default=None, init=False)

    def __call__(self, model: "nn.Module", device: torch.device) -> Mapping[str, float]:
        found = dict(self.before(model, device))
        if self._real is None:
            self._real = _Features.of(self.clips, self.recipe, self.device, self.reporter)
        restored: list[Clip] = []
        for first in range(0, len(self.clips), _BATCH):
            batch = as_video(np.stack(self.clips[first : first + _BATCH]))
            restored += list(as_clips(model(batch.to(device))))
        found[distance_name(self.recipe, "r_")] = self._real.distance_of(restored)
        return found


@dataclass
class SampledDistance:
    """A validation that adds `fvd` or `fvd_own`, of drawn first clips, and `is`, their inception score.

    Attributes:
        before: what else is measured.
        clips: held-out clips, at least 2; as many are drawn.
        autoencoder: decodes what is drawn.
        recipe: the networks, and steps.
        device: auto, cpu, cuda or cuda:1.
        reporter: receives decisions.
    """

    before: Validate
    clips: Sequence[Clip]
    autoencoder: Path
    recipe: SampledDistanceRecipe
    device: str
    reporter: Reporter
    _real: "_Features | None" = field(default=None, init=False)
    _decoder: "VideoAutoencoder | None" = field(default=None, init=False)
    _classifier: ClipNetwork | None = field(default=None, init=False)

    def __call__(self, model: "nn.Module", device: torch.device) -> Mapping[str, float]:
        from avtool.models.load import load_model

        found = dict(self.before(model, device))
        if self._decoder is None:
            self._decoder = load_model(self.autoencoder).model.to(device)  # type: ignore[assignment]
        drawn = self._draw(model, device)
        if self.recipe.encoder is not None or self.recipe.weights is not None:
            if self._real is None:
                self._real = _Features.of(self.clips, self.recipe, self.device, self.reporter)
            found[distance_name(self.recipe)] = self._real.distance_of(drawn)
        if self.recipe.is_weights is not None:
            if self._classifier is None:
                self._classifier = ScriptedNetwork(self.recipe.is_weights, "C3D", self.device, self.reporter)
            logits = _features(drawn, self._classifier)
            found["is"] = inception_score(logits, min(_IS_SPLITS, len(logits)))[0]
        return found

    def _draw(self, model: "nn.Module", device: torch.device) -> list[Clip]:
        """First clips of the seeds 0, 1, …, the same in every validation."""
        assert self._decoder is not None, "it is read before"
        shape = (self._decoder.settings.latent_channels, self._decoder.grid.length)
        drawn: list[Clip] = []
        for first in range(0, len(self.clips), _BATCH):
            seeds = range(first, min(first + _BATCH, len(self.clips)))
            generators = [torch.Generator().manual_seed(seed) for seed in seeds]
            noise = draw_noise(torch.empty(len(seeds), *shape, device=device), generators)
            latents = ddim_sample(guided(model, None), noise, generators, steps=self.recipe.steps)
            drawn += list(as_clips(self._decoder.decode(latents)))
        return drawn


@dataclass(frozen=True)
class _Features:
    """The moments of real clips under a network."""

    network: ClipNetwork
    moments: FeatureMoments

    @classmethod
    def of(
        cls, clips: Sequence[Clip], recipe: VideoDistanceRecipe, device: str, reporter: Reporter
    ) -> "_Features":
        network = open_network(recipe.weights, recipe.encoder, device, reporter)
        moments = FeatureMoments.of(_features(clips, network))
        if moments.is_deficient:
            counts = f"{len(clips)} clips for {len(moments.mean)} features"
            reporter.warn(f"{counts}: the validation's Fréchet distance is biased upwards")
        return cls(network, moments)

    def distance_of(self, clips: Sequence[Clip]) -> float:
        return frechet_distance(self.moments, FeatureMoments.of(_features(clips, self.network)))


def _features(clips: Sequence[Clip], network: ClipNetwork) -> Any:
    return np.concatenate([network(clips[first : first + _BATCH]) for first in range(0, len(clips), _BATCH)])
