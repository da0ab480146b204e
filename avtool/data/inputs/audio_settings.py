"""How the sound of a clip becomes numbers: the settings that a model and its features must share."""

from typing import Literal

from pydantic import model_validator

from avtool.core.recipe import Recipe, option


class AudioSettings(Recipe):
    """A waveform, or Kaldi's log-mel filter bank of it."""

    kind: Literal["fbank", "waveform"] = option("fbank", "What is kept: log-mel spectrograms or waveforms.")
    sample_rate: int = option(16000, "Sample rate in Hz.", flag="--sr", ge=8000, le=48000)
    num_mel_bins: int = option(128, "Mel bands.", flag="--mel-bins", ge=8, le=512)
    low_frequency: float = option(20.0, "Lower edge of the mel bands in Hz.", ge=0)
    high_frequency: float | None = option(None, "Upper edge in Hz; by default half the sample rate.", gt=0)
    window_ms: float = option(25.0, "Length of a window in milliseconds.", gt=0, le=1000)
    hop_ms: float = option(10.0, "Step between windows in milliseconds.", gt=0, le=1000)

    @model_validator(mode="after")
    def _check(self) -> "AudioSettings":
        highest = self.sample_rate / 2
        if not self.low_frequency < (self.high_frequency or highest) <= highest:
            raise ValueError(
                f"the mel bands must rise from low_frequency to at most {highest:g} Hz, half the sample rate"
            )
        return self

    @property
    def window_size(self) -> int:
        """Samples in a window."""
        return int(self.sample_rate * self.window_ms * 0.001)

    @property
    def hop_size(self) -> int:
        """Samples between windows."""
        return int(self.sample_rate * self.hop_ms * 0.001)

    @property
    def width(self) -> tuple[int, ...]:
        """The shape of one step in time: (mel bins,), or () for a waveform."""
        return (self.num_mel_bins,) if self.kind == "fbank" else ()

    @property
    def steps_per_second(self) -> float:
        """Frames, or samples, in a second."""
        return self.sample_rate / self.hop_size if self.kind == "fbank" else float(self.sample_rate)

    @property
    def first_time(self) -> float:
        """The time in seconds that the first step stands for: the middle of its window."""
        return self.window_size / 2 / self.sample_rate if self.kind == "fbank" else 0.0

    def num_samples(self, seconds: float) -> int:
        """Samples in a clip."""
        return round(seconds * self.sample_rate)

    def num_steps(self, seconds: float) -> int:
        """Frames, or samples, in a clip: whole windows only."""
        samples = self.num_samples(seconds)
        if self.kind == "waveform":
            return samples
        return max(0, 1 + (samples - self.window_size) // self.hop_size)

    def samples_of(self, num_steps: int) -> int:
        """Samples that so many frames are made of."""
        if self.kind == "waveform":
            return num_steps
        return self.window_size + (num_steps - 1) * self.hop_size
