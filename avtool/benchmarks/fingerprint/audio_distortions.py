"""Distortions of audio: noise, filters, codecs, rooms, other speeds."""

import io
from collections.abc import Callable, Mapping

import av
import numpy as np

from avtool.media.waveforms import Waveform

AudioDistortion = Callable[[Waveform, int, np.random.Generator], Waveform]
"""(samples, sample rate in Hz, generator) → the distorted samples."""
_NOISE_RATIO_DB = 10.0
_CUTOFF_HZ = 2000.0
_MP3_BIT_RATE = 32_000
_MP3_RATES = (16000, 22050, 24000, 32000, 44100, 48000)
_GAIN_DB = -20.0
_REVERB_SECONDS = 0.6  # until it has decayed by 60 dB
_SPEED = 1.05


def white_noise(audio: Waveform, rate: int, rng: np.random.Generator) -> Waveform:  # noqa: ARG001
    """White noise 10 dB below the audio."""
    level = np.sqrt(np.mean(np.square(audio, dtype=np.float64))) * 10 ** (-_NOISE_RATIO_DB / 20)
    return _clipped(audio + level * rng.standard_normal(len(audio)))


def low_pass(audio: Waveform, rate: int, rng: np.random.Generator) -> Waveform:  # noqa: ARG001
    """Nothing above 2 kHz, as on a telephone."""
    from scipy.signal import butter, sosfilt

    return _clipped(sosfilt(butter(8, _CUTOFF_HZ, fs=rate, output="sos"), audio))


def mp3(audio: Waveform, rate: int, rng: np.random.Generator) -> Waveform:  # noqa: ARG001
    """Through MP3 at 32 kbit/s; the samples stay where they were."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3") as container:
        encoded_rate = rate if rate in _MP3_RATES else _MP3_RATES[0]
        stream = container.add_stream("libmp3lame", rate=encoded_rate, layout="mono")
        stream.bit_rate = _MP3_BIT_RATE
        pcm = np.round(np.clip(audio, -1, 1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = rate
        converter = av.AudioResampler("s16p", "mono", encoded_rate)
        for piece in [*converter.resample(frame), *converter.resample(None), None]:
            container.mux(stream.encode(piece))
    buffer.seek(0)
    resampler = av.AudioResampler("s16", "mono", rate)
    with av.open(buffer, "r") as copy:
        frames = [part for frame in copy.decode(audio=0) for part in resampler.resample(frame)]
    decoded = [frame.to_ndarray()[0] for frame in frames]
    samples = np.concatenate(decoded).astype(np.float32) / np.float32(32768)
    return np.pad(samples[: len(audio)], (0, max(0, len(audio) - len(samples))))


def quieter(audio: Waveform, rate: int, rng: np.random.Generator) -> Waveform:  # noqa: ARG001
    """20 dB quieter."""
    return audio * np.float32(10 ** (_GAIN_DB / 20))


def reverb(audio: Waveform, rate: int, rng: np.random.Generator) -> Waveform:
    """In a room: noise that decays by 60 dB in 0.6 s follows every sample, as loud as the sample itself."""
    from scipy.signal import fftconvolve

    times = np.arange(round(_REVERB_SECONDS * rate)) / rate
    tail = rng.standard_normal(len(times)) * 10 ** (-3 * times / _REVERB_SECONDS)
    response = tail / np.sqrt(np.square(tail).sum())
    response[0] += 1.0
    wet = fftconvolve(audio, response)[: len(audio)]
    return _clipped(wet / max(1.0, float(np.abs(wet).max(initial=0.0))))


def faster(audio: Waveform, rate: int, rng: np.random.Generator) -> Waveform:  # noqa: ARG001
    """5 % faster, and so higher, as a film at 25 instead of 24 frames a second."""
    from scipy.signal import resample_poly

    return _clipped(resample_poly(audio, 100, round(100 * _SPEED)))


AUDIO_DISTORTIONS: Mapping[str, AudioDistortion] = {
    "white noise 10 dB": white_noise,
    "low-pass 2 kHz": low_pass,
    "MP3 32 kbit/s": mp3,
    "gain -20 dB": quieter,
    "reverberation": reverb,
    "speed 1.05": faster,
}


def _clipped(values: np.ndarray[tuple[int, ...], np.dtype[np.floating]]) -> Waveform:
    clipped: Waveform = np.clip(values, -1, 1).astype(np.float32)
    return clipped
