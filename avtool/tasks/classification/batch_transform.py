"""From loaded clips to what a model is given: spectrograms, augmentation, scaling, mixed labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.frame_augment import erase
from avtool.data.inputs.mixup import (
    Mix,
    draw_batch_mix,
    draw_cutmix,
    draw_modality_mixes,
    draw_presence,
    draw_sample_mix,
    one_hot,
)
from avtool.data.inputs.spec import InputSpec
from avtool.data.inputs.spec_augment import SpecAugment, TimeRoll, UniformNoise
from avtool.tasks.classification.augment_recipe import AugmentRecipe

Batch = dict[str, Any]
_MODALITIES = ("audio", "video")
_FRAMED = ("image", "video")
_FRAMES = "audio_frames"


class BatchTransform(nn.Module):
    """Runs on the batch's device. In evaluation mode only the scaling, and the filter bank, are left.

    Args:
        sizes: classes of each part of the labels.
        inputs: of the model.
        augment: what to change.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        inputs: InputSpec,
        augment: AugmentRecipe,
    ) -> None:
        super().__init__()
        self.sizes = tuple(sizes)
        self.inputs = inputs
        self.augment = augment
        audio = self.audio = inputs.get(AudioInput) or AudioInput()
        self.roll = TimeRoll(round(augment.time_roll * audio.num_frames))
        self.masks = SpecAugment(
            min(augment.frequency_mask, audio.settings.num_mel_bins // 2),
            min(augment.time_mask, audio.num_frames // 2),
            value=audio.mean if augment.mask_value == "mean" else 0.0,
            frequency_masks=augment.frequency_masks,
            time_masks=augment.time_masks,
        )
        self.noise = UniformNoise(augment.noise)

    def forward(self, batch: Batch) -> Batch:
        """A batch as `collate` makes it → one that model and objective take."""
        batch = dict(batch)
        if self.training:
            if (
                "audio" in batch and not self.audio.pad_waveform
            ):  # before mixing: each partner has a roll of its own
                batch["audio"] = self._rolled(batch["audio"], batch.get(_FRAMES))
            self._drop_modalities(batch)
            self._erase(batch)
            self._mix(batch)
        if "audio" in batch:
            batch["audio"] = self._audio(batch["audio"], batch.get(_FRAMES))
        return batch

    def _audio(self, values: Tensor, frames: Tensor | None) -> Tensor:
        fbank = self._rolled(self.audio.spectrograms(values), frames) if self.audio.pad_waveform else values
        scaled = self.audio.scale(self.masks(fbank))
        noisy: Tensor = self.noise(scaled) if self.augment.noise else scaled
        return noisy

    def _rolled(self, fbank: Tensor, frames: Tensor | None) -> Tensor:
        rolled: Tensor = self.roll(fbank, frames) if self.augment.time_roll else fbank
        return rolled

    def _drop_modalities(self, batch: Batch) -> None:
        names = [name for name in _MODALITIES if name in batch]
        if not self.augment.modality_dropout or len(names) < len(_MODALITIES):
            return
        size, device = len(batch["audio"]), batch["audio"].device
        drawn = draw_presence(names, size, self.augment.modality_dropout, device)
        kept = {name: batch[name] & drawn[name] for name in drawn}
        empty = ~torch.stack(list(kept.values())).any(dim=0)  # what the clip itself lacks counts too
        batch.update({name: kept[name] | (empty & batch[name]) for name in kept})

    def _erase(self, batch: Batch) -> None:
        if self.augment.erase:
            batch.update({name: erase(batch[name], self.augment.erase) for name in _FRAMED if name in batch})

    def _mix(self, batch: Batch) -> None:
        augment = self.augment
        if augment.mixup == "none":
            return
        batch["label"] = label_vectors(batch["label"], self.sizes)
        size, device = len(batch["label"]), batch["label"].device
        if augment.mixup == "modality":
            names = [name for name in _MODALITIES if name in batch]
            for name, mix in draw_modality_mixes(names, size, augment.mixup_alpha, device).items():
                batch[f"{name}_label"] = mix.blend(batch["label"])
                self._blend(batch, name, mix)
            return
        if augment.mixup == "sample":
            mix = draw_sample_mix(size, augment.mixup_probability, augment.mixup_alpha, device)
            if augment.same_class:
                mix = mix.with_same_class(batch["label"], augment.same_class)
            if augment.cutmix:
                mix = mix.cutmix(batch["audio"].shape[1], augment.cutmix)
        elif augment.cutmix and float(torch.rand(())) < augment.cutmix:
            height, width = next(batch[name] for name in _FRAMED if name in batch).shape[-2:]
            mix = draw_cutmix(size, (height, width), augment.cutmix_alpha, device)
        else:
            mix = draw_batch_mix(size, augment.mixup_alpha, device)
        batch["label"] = mix.blend_labels(batch["label"])
        for name in self.inputs.names:
            if name in batch:
                self._blend(batch, name, mix)

    def _blend(self, batch: Batch, name: str, mix: Mix) -> None:
        if (present := batch.get(f"{name}_present")) is not None:
            mix = mix.among(present)  # zeros in the place of audio are no silence, but loud
        waves = name == self.audio.name and self.audio.pad_waveform
        batch[name] = (mix.blend_waveforms if waves else mix.blend)(batch[name])
        for mask in (f"{name}_present", f"{name}_mask"):
            if mask in batch:
                batch[mask] = batch[mask] | (batch[mask][mix.partner] & _like(mix.mixed, batch[mask]))
        if (frames := batch.get(f"{name}_frames")) is not None:
            batch[f"{name}_frames"] = torch.where(mix.mixed, frames.maximum(frames[mix.partner]), frames)


@dataclass(frozen=True)
class OnDevice:
    """The training's transform, which follows the batch to its device."""

    transform: BatchTransform

    def __call__(self, batch: Batch, generator: torch.Generator) -> Batch:  # noqa: ARG002
        self.transform.to(batch["label"].device)
        changed: Batch = self.transform(batch)
        return changed


def _like(flags: Tensor, mask: Tensor) -> Tensor:
    """Flags (B,) beside a mask (B, ...)."""
    return flags.reshape(-1, *(1,) * (mask.dim() - 1))


def label_vectors(label: Tensor, sizes: Sequence[int]) -> Tensor:
    """Labels as float vectors (B, sum of sizes), which can be mixed.

    Args:
        label: (B,) or (B, parts) indices, or vectors already.
        sizes: classes of each part.
    """
    if label.is_floating_point() or len(sizes) == 1:
        return one_hot(label, sizes[0])
    parts = zip(label.unbind(dim=-1), sizes, strict=True)
    return torch.cat([one_hot(part, size) for part, size in parts], dim=-1)
