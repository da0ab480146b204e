"""The sound of a clip as a tensor: read, and turned into what the settings ask for."""

from functools import lru_cache

import torch
from torch import Tensor

from avtool.data.clip_audio import read_clip_audio
from avtool.data.inputs.audio_settings import AudioSettings
from avtool.data.inputs.fbank import Fbank
from avtool.data.manifest import Manifest
from avtool.data.media_files import Media


def compute_features(manifest: Manifest, media: Media, settings: AudioSettings) -> Tensor:
    """The features of a part of a medium; silence follows where the file ends before it.

    Returns:
        (T, F) float32 log-mel energies, or (N,) float32 samples.

    Raises:
        BadInputError: it cannot be read, or is shorter than one window.
    """
    return features_of(
        torch.from_numpy(read_clip_audio(manifest, media, sample_rate=settings.sample_rate)), settings
    )


def features_of(waveform: Tensor, settings: AudioSettings) -> Tensor:
    """The features of samples (N,) at the settings' rate: (T, F) float32, or the samples themselves.

    Raises:
        BadInputError: they are fewer than one window.
    """
    if settings.kind == "waveform":
        return waveform
    features: Tensor = _fbank(settings)(waveform[None])[0]
    return features


@lru_cache(maxsize=4)
def _fbank(settings: AudioSettings) -> Fbank:
    return Fbank(
        settings.sample_rate,
        settings.num_mel_bins,
        settings.low_frequency,
        settings.high_frequency,
        settings.window_ms,
        settings.hop_ms,
    )
