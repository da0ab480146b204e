"""Log-mel spectrograms of clips and waveforms, brought to one length and one scale."""

from functools import lru_cache
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from avtool.data.clip_audio import read_clip_audio
from avtool.data.inputs.fbank import Fbank
from avtool.data.inputs.log_mel import LogMel
from avtool.data.inputs.settings import AudioSettings
from avtool.data.manifest import Manifest
from avtool.data.media_files import Media

Cut = Literal["start", "centre"]
"""What is kept of a long clip: its start (AST, transformers), or its middle (SAM-S)."""


def compute_features(manifest: Manifest, media: Media, settings: AudioSettings) -> Tensor:
    """The features of a part of a medium; silence follows where the file ends before it.

    Returns:
        (T, F) float32 log-mel energies, or (N,) float32 samples.

    Raises:
        BadInputError: it cannot be read, or is shorter than one window.
    """
    waveform = read_clip_audio(manifest, media, sample_rate=settings.sample_rate)
    return features_of(torch.from_numpy(waveform), settings)


def features_of(waveform: Tensor, settings: AudioSettings) -> Tensor:
    """The features of samples (N,) at the settings' rate: (T, F) float32, or the samples themselves.

    Raises:
        BadInputError: they are fewer than one window.
    """
    if settings.kind == "waveform":
        return waveform
    features: Tensor = make_fbank(settings)(waveform[None])[0]
    return features


@lru_cache(maxsize=8)
def make_fbank(settings: AudioSettings, device: torch.device = torch.device("cpu")) -> Fbank:  # noqa: B008
    """The filter bank of some settings, made once for a device."""
    bank = LogMel if settings.kind == "log-mel" else Fbank
    fbank = bank(
        settings.sample_rate,
        settings.num_mel_bins,
        settings.low_frequency,
        settings.high_frequency,
        settings.window_ms,
        settings.hop_ms,
    )
    return fbank.to(device)


def pad_or_cut(fbank: Tensor, num_frames: int, cut: Cut = "start") -> Tensor:
    """Fits spectrograms to a number of frames; to a short one 0 is appended, as the published models do.

    Args:
        fbank: (..., T, F).
        num_frames: frames wanted.
        cut: where to cut a long one.

    Returns:
        (..., num_frames, F).
    """
    extra = fbank.shape[-2] - num_frames
    if extra <= 0:
        return F.pad(fbank, (0, 0, 0, -extra))
    first = extra // 2 if cut == "centre" else 0
    return fbank.narrow(-2, first, num_frames)


def normalize(fbank: Tensor, mean: float, std: float) -> Tensor:
    """(fbank - mean) / (2 std), the scaling of AST: most values land in [-1, 1].

    Args:
        fbank: log-mel energies of any shape.
        mean: over the training split.
        std: over the training split.
    """
    assert std > 0, f"the standard deviation {std} is not positive"
    return (fbank - mean) / (std * 2)
