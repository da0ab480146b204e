"""Mixup (Zhang et al., 2018) of waveforms, features, and modalities apart (MBT); CutMix in time and frames.

A `Mix` holds who is mixed with whom and how much; it is drawn once, and applied to inputs and labels alike.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch.distributions import Beta

from avtool.core.requirements import require


@dataclass(frozen=True)
class Mix:
    """A drawn mixture: sample i becomes weight[i] of itself and 1 - weight[i] of sample partner[i].

    Attributes:
        partner: (B,) indices.
        weight: (B,) in [0, 1]; or (B, T), frame by frame.
    """

    partner: Tensor
    weight: Tensor

    def blend(self, values: Tensor) -> Tensor:
        """Mixes features or label vectors (B, ...); with weights of frames, features (B, T, ...)."""
        weight = self.weight.to(values.dtype)
        weight = weight.reshape(*weight.shape, *(1,) * (values.dim() - weight.dim()))
        return values * weight + values[self.partner] * (1 - weight)

    def among(self, present: Tensor) -> "Mix":
        """The mixture of a modality that some samples lack: a sample keeps, or takes, what is there alone.

        Args:
            present: (B,) which samples have the modality.
        """
        mixed = self.mixed
        shape = (-1, *(1,) * (self.weight.dim() - 1))
        own, others = present.reshape(shape), present[self.partner].reshape(shape)
        weight = torch.where(others, self.weight, torch.ones_like(self.weight))
        return Mix(self.partner, torch.where(mixed.reshape(shape) & others & ~own, 0.0, weight))

    @property
    def mixed(self) -> Tensor:
        """(B,) which samples get a part of their partner."""
        parts = self.weight < 1
        return parts if parts.dim() == 1 else parts.any(dim=1)

    def blend_labels(self, labels: Tensor) -> Tensor:
        """Mixes label vectors (B, C) by what each sample has of the whole."""
        whole = self.weight if self.weight.dim() == 1 else self.weight.mean(dim=1)
        return Mix(self.partner, whole).blend(labels)

    def cutmix(self, num_frames: int, probability: float) -> "Mix":
        """Replaces some mixtures by CutMix (Yun et al., 2019) along time.

        Args:
            num_frames: frames of the features.
            probability: of CutMix; the first part is sample i, for a share of the frames uniform in [0, 1).
        """
        size, device = len(self.weight), self.weight.device
        chosen = torch.rand(size, device=device) < probability
        share = torch.rand(size, device=device)
        first = (torch.arange(num_frames, device=device) / num_frames < share[:, None]).to(self.weight.dtype)
        return Mix(self.partner, torch.where(chosen[:, None], first, self.weight[:, None]))

    def with_same_class(self, labels: Tensor, probability: float) -> "Mix":
        """Replaces some partners by samples with the same label, where the batch has any.

        Args:
            labels: label vectors (B, C).
            probability: of such a partner.
        """
        alike = (labels[:, None] == labels).all(dim=2).float().fill_diagonal_(0)
        chosen = (torch.rand(len(labels), device=labels.device) < probability) & alike.any(dim=1)
        mates = torch.multinomial(alike + (alike.sum(dim=1, keepdim=True) == 0), 1)[:, 0]
        return Mix(torch.where(chosen, mates, self.partner), self.weight)

    def blend_waveforms(self, waveforms: Tensor) -> Tensor:
        """Mixes waveforms (B, N): each loses its mean first, and the mixture loses its own after."""
        centred = waveforms - waveforms.mean(dim=1, keepdim=True)
        mixed = self.blend(centred)
        return mixed - mixed.mean(dim=1, keepdim=True)


@dataclass(frozen=True)
class RegionMix(Mix):
    """CutMix of images or videos (Yun et al., 2019): a rectangle of every frame is the partner's.

    Attributes:
        region: top, bottom, left and right edge, in pixels.
    """

    region: tuple[int, int, int, int] = (0, 0, 0, 0)

    def blend(self, values: Tensor) -> Tensor:
        """Mixes frames (B, ..., H, W)."""
        top, bottom, left, right = self.region
        mixed = values.clone()
        mixed[..., top:bottom, left:right] = values[self.partner][..., top:bottom, left:right]
        return mixed

    def blend_labels(self, labels: Tensor) -> Tensor:
        """Mixes label vectors (B, C) by the area that each sample keeps."""
        return Mix(self.partner, self.weight).blend(labels)


def draw_cutmix(
    batch_size: int, size: tuple[int, int], alpha: float, device: torch.device | str = "cpu"
) -> RegionMix:
    """One rectangle for the whole batch, mixed with its own reverse; timm draws its place.

    Args:
        batch_size: samples.
        size: height and width of the frames.
        alpha: the share that is kept comes from Beta(alpha, alpha), before the frame's edges cut the rest.
        device: where the mixture lives.

    Raises:
        MissingError: timm is not installed.
    """
    timm = require("timm.data.mixup", "hub")
    region, kept = timm.cutmix_bbox_and_lam(size, float(_draw_beta(alpha, 1, device)))
    partner = torch.arange(batch_size - 1, -1, -1, device=device)
    top, bottom, left, right = (int(edge) for edge in region)
    return RegionMix(
        partner, torch.full((batch_size,), float(kept), device=device), (top, bottom, left, right)
    )


def draw_sample_mix(
    batch_size: int, probability: float, alpha: float, device: torch.device | str = "cpu"
) -> Mix:
    """A mixture sample by sample, with partners drawn uniformly (AST and SAM-S: probability 0.5, alpha 10).

    Args:
        batch_size: samples.
        probability: of mixing a sample at all.
        alpha: weights come from Beta(alpha, alpha).
        device: where the mixture lives.
    """
    assert 0 <= probability <= 1, f"a probability is in [0, 1], not {probability}"
    partner = torch.randint(batch_size, (batch_size,), device=device)
    mixed = torch.rand(batch_size, device=device) < probability
    weight = _draw_beta(alpha, batch_size, device)
    return Mix(partner, torch.where(mixed, weight, torch.ones_like(weight)))


def draw_batch_mix(batch_size: int, alpha: float, device: torch.device | str = "cpu") -> Mix:
    """One weight for the whole batch, mixed with its own reverse (MBT: alpha 0.5)."""
    partner = torch.arange(batch_size - 1, -1, -1, device=device)
    return Mix(partner, _draw_beta(alpha, 1, device).expand(batch_size))


def draw_modality_mixes(
    modalities: list[str], batch_size: int, alpha: float, device: torch.device | str = "cpu"
) -> dict[str, Mix]:
    """A batch mixture per modality: audio and video carry different labels, and each its own loss (MBT)."""
    return {modality: draw_batch_mix(batch_size, alpha, device) for modality in modalities}


def draw_presence(
    modalities: list[str], batch_size: int, probability: float, device: torch.device | str = "cpu"
) -> dict[str, Tensor]:
    """Drops one modality, chosen uniformly, of a random part of the samples; never all of a sample's.

    Args:
        modalities: names; with fewer than two nothing is dropped.
        batch_size: samples.
        probability: of dropping a modality of a sample.
        device: where the masks live.

    Returns:
        The model's inputs `audio_present`, `video_present`: (B,), True where the modality stays.
    """
    assert 0 <= probability <= 1, f"a probability is in [0, 1], not {probability}"
    hit = torch.rand(batch_size, device=device) < probability
    victim = torch.randint(len(modalities), (batch_size,), device=device)
    if len(modalities) < 2:
        hit = torch.zeros_like(hit)
    return {f"{name}_present": ~(hit & (victim == index)) for index, name in enumerate(modalities)}


def one_hot(labels: Tensor, num_classes: int) -> Tensor:
    """Class indices (B,) as float vectors (B, C), which can be mixed; float vectors pass unchanged."""
    return labels if labels.is_floating_point() else F.one_hot(labels, num_classes).float()


def _draw_beta(alpha: float, count: int, device: torch.device | str) -> Tensor:
    assert alpha > 0, f"Beta needs a positive parameter, not {alpha}"
    concentration = torch.full((count,), alpha, device=device)
    return Beta(concentration, concentration, validate_args=False).sample()
