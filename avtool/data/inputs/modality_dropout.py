"""Hiding whole modalities in training, so that files without sound or picture can be scored later."""

import torch
from torch import Tensor


def draw_presence(
    modalities: list[str], batch_size: int, probability: float, device: torch.device | str = "cpu"
) -> dict[str, Tensor]:
    """Hides one modality, chosen uniformly, in a random part of the samples; never all of a sample's.

    Args:
        modalities: names; with fewer than two nothing is hidden.
        batch_size: samples.
        probability: of hiding a modality of a sample.
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
