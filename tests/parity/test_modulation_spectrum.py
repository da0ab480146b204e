"""The modulation spectrum beside Welch's method of scipy."""

import numpy as np
import pytest
import torch
from scipy.signal import get_window, welch

from avtool.models.convolutional.vgg_modulation import ModulationSpectrum


@pytest.mark.parametrize(("num_frames", "window", "bands"), [(998, 256, 16), (300, 64, 4), (90, 33, 8)])
def test_modulations_are_those_of_welch(num_frames: int, window: int, bands: int) -> None:
    audio = torch.randn(2, num_frames, 64, generator=torch.Generator().manual_seed(0))
    levels = audio.double().reshape(2, num_frames, bands, -1).mean(dim=3).numpy()
    _, density = welch(
        levels, window="hann", nperseg=window, noverlap=window - window // 2, scaling="spectrum", axis=1
    )
    one_sided = np.full(density.shape[1], 2.0)
    one_sided[0] = 1
    one_sided[window // 2 + 1 - (window + 1) % 2 :] = 1 if window % 2 == 0 else 2
    power = density / one_sided[:, None] * get_window("hann", window).sum() ** 2
    expected = np.log(power + 1e-3)[:, 1:].transpose(0, 2, 1)
    found = ModulationSpectrum(bands, window, (1, window // 2 + 1))(audio)[:, 0]
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-5)
