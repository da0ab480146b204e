"""The filter bank against Kaldi's in torchaudio, transformers' extractor, and frozen numbers."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torchaudio.compliance import kaldi

from avtool.core.errors import BadInputError
from avtool.data.inputs.fbank import Fbank
from avtool.data.inputs.spectrogram import normalize, pad_or_cut

NUM_SAMPLES = 80000
TIME = torch.arange(NUM_SAMPLES) / 16000


def noise() -> torch.Tensor:
    return 0.1 * torch.randn(NUM_SAMPLES, generator=torch.Generator().manual_seed(0))


WAVEFORMS = {
    "noise": noise(),
    "sine": torch.sin(2 * torch.pi * 440 * TIME),
    "silence": torch.zeros(NUM_SAMPLES),
    "chirp with DC": 0.5 * torch.sin(2 * torch.pi * (100 * TIME + 700 * TIME**2)) + 0.2,
}


def kaldi_fbank(waveform: torch.Tensor) -> torch.Tensor:
    return kaldi.fbank(
        waveform[None],
        htk_compat=True,
        sample_frequency=16000,
        use_energy=False,
        window_type="hanning",
        num_mel_bins=128,
        dither=0.0,
        frame_shift=10,
    )


@pytest.mark.parametrize("name", WAVEFORMS)
def test_equals_kaldi_to_the_last_bit(name: str) -> None:
    ours = Fbank()(WAVEFORMS[name][None])[0]
    assert (ours - kaldi_fbank(WAVEFORMS[name])).abs().max() == 0


@pytest.mark.parametrize("num_samples", [400, 82160, 82320, 200000])
def test_any_length_equals_kaldi_to_the_last_bit(num_samples: int) -> None:
    """1, 512, 513 and 1248 frames: less than what is done at a time, as much, and more."""
    waveform = noise().repeat(3)[:num_samples]
    assert (Fbank()(waveform[None])[0] - kaldi_fbank(waveform)).abs().max() == 0


def test_real_sound_equals_kaldi_to_the_last_bit(test_data: Path) -> None:
    samples, _ = soundfile.read(test_data / "esc10" / "audio" / "1-100032-A-0.ogg", dtype="float32")
    waveform = torch.from_numpy(samples[: 2 * 44100 : 2].copy())
    assert (Fbank()(waveform[None])[0] - kaldi_fbank(waveform)).abs().max() == 0


def test_batch_equals_loop() -> None:
    batch = torch.stack(list(WAVEFORMS.values()))
    torch.testing.assert_close(
        Fbank()(batch), torch.cat([Fbank()(wave[None]) for wave in batch]), rtol=0, atol=0
    )


@pytest.mark.parametrize(("sample_rate", "num_mel_bins"), [(8000, 23), (22050, 80), (44100, 64)])
def test_other_rates_equal_kaldi(sample_rate: int, num_mel_bins: int) -> None:
    reference = kaldi.fbank(
        noise()[None],
        sample_frequency=sample_rate,
        num_mel_bins=num_mel_bins,
        window_type="hanning",
        dither=0.0,
    )
    ours = Fbank(sample_rate, num_mel_bins)(noise()[None])[0]
    torch.testing.assert_close(ours, reference, rtol=0, atol=1e-6)


@pytest.mark.parametrize("num_samples", [30000, NUM_SAMPLES, 200000])
def test_equals_the_extractor_of_transformers_with_padding_and_scaling(num_samples: int) -> None:
    transformers = pytest.importorskip("transformers")
    waveform = 0.3 * torch.randn(num_samples, generator=torch.Generator().manual_seed(1))
    extractor = transformers.ASTFeatureExtractor()
    theirs = extractor(waveform.numpy(), sampling_rate=16000, return_tensors="np")["input_values"][0]
    ours = normalize(pad_or_cut(Fbank()(waveform[None]), 1024), mean=-4.2677393, std=4.5689974)[0]
    assert np.abs(ours.numpy() - theirs).max() <= 1e-6


@pytest.mark.parametrize(("num_samples", "frames"), [(160000, 998), (NUM_SAMPLES, 498), (400, 1)])
def test_frame_counts(num_samples: int, frames: int) -> None:
    fbank = Fbank()
    assert fbank.num_frames(num_samples) == frames
    assert fbank(torch.zeros(1, num_samples)).shape == (1, frames, 128)


def test_a_clip_below_one_window_is_refused() -> None:
    with pytest.raises(BadInputError, match="399 samples is shorter than one window of 400"):
        Fbank()(torch.zeros(1, 399))


def test_channels_are_refused_in_words() -> None:
    with pytest.raises(BadInputError, match=r"\(batch, samples\), not \(1, 2, 16000\)"):
        Fbank()(torch.zeros(1, 2, 16000))


def test_frozen_numbers() -> None:
    """A tone of 1 kHz, so that the numbers can be checked without torchaudio."""
    fbank = Fbank()(0.5 * torch.sin(2 * torch.pi * 1000 * TIME)[None])[0]
    assert fbank.argmax(dim=1).unique().tolist() == [43]
    frozen = [-2.0875, 1.2568, 4.4182, 5.6266, 5.6019, 4.2947, 0.9994, -2.6232, -5.9864, -5.8273]
    torch.testing.assert_close(fbank[100, 40:50], torch.tensor(frozen), rtol=0, atol=2e-4)


def test_silence_is_the_logarithm_of_the_smallest_energy() -> None:
    torch.testing.assert_close(Fbank()(torch.zeros(1, 400)), torch.full((1, 1, 128), -15.942385))


def test_autocast_changes_nothing() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = Fbank()(noise()[None])
    assert inside.dtype == torch.float32
    assert (inside - Fbank()(noise()[None])).abs().max() == 0
