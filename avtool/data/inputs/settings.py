"""The settings of inputs as recipes have them: audio and its spectrograms, video and images, text."""

from typing import Literal

from pydantic import Field, model_validator

from avtool.core.recipe import Recipe, option


class AudioSettings(Recipe):
    """A waveform, or its log-mel spectrogram: Kaldi's (`fbank`), or YAMNet's (`log-mel`)."""

    kind: Literal["fbank", "log-mel", "waveform"] = option(
        "fbank", "Features: Kaldi's log-mel spectrograms (fbank), YAMNet's (log-mel), or waveforms."
    )
    sample_rate: int = option(16000, "Sample rate in Hz.", ge=8000, le=48000)
    num_mel_bins: int = option(128, "Mel bins.", ge=8, le=512)
    low_frequency: float = option(20.0, "Lower edge of the mel bands in Hz.", ge=0)
    high_frequency: float | None = option(None, "Upper edge in Hz; by default half the sample rate.", gt=0)
    window_ms: float = option(25.0, "Length of a window in milliseconds.", ge=1, le=1000)
    hop_ms: float = option(10.0, "Step between windows in milliseconds.", ge=1, le=1000)

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
        return () if self.kind == "waveform" else (self.num_mel_bins,)

    @property
    def steps_per_second(self) -> float:
        """Frames, or samples, in a second."""
        return float(self.sample_rate) if self.kind == "waveform" else self.sample_rate / self.hop_size

    @property
    def first_time(self) -> float:
        """The time in seconds that the first step stands for: the middle of its window."""
        return 0.0 if self.kind == "waveform" else self.window_size / 2 / self.sample_rate

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
        """Samples that so many frames cover."""
        if self.kind == "waveform":
            return num_steps
        return self.window_size + (num_steps - 1) * self.hop_size


class SpectrogramRecipe(Recipe):
    """Scaled spectrograms of crops of the audio."""

    seconds: float | None = option(
        None,
        "Duration of the audio crop in seconds.  [default: the longest clip, at most 10]",
        flag="--seconds",
        gt=0,
        le=600,
    )
    cache: bool = option(True, "Compute spectrograms once and keep them in the cache.")
    mean: float | None = option(None, "Mean of the spectrograms.  [default: measured on the training clips]")
    std: float | None = option(
        None, "Standard deviation of the spectrograms.  [default: measured likewise]", gt=0
    )
    audio: AudioSettings = Field(default_factory=AudioSettings)

    @model_validator(mode="after")
    def _check_audio(self) -> "SpectrogramRecipe":
        if (self.mean is None) != (self.std is None):
            raise ValueError("data.mean and data.std belong together: set both, or neither to measure them")
        if self.audio.kind == "waveform":
            raise ValueError("no model reads waveforms: data.audio.kind must be fbank or log-mel")
        return self


class VideoSettings(Recipe):
    """A window of frames, and its augmentation in training (MBT, Nagrani et al., 2021)."""

    num_frames: int = option(8, "Frames per window.", flag="--frames", ge=1, le=512)
    seconds: float = option(8.0, "Duration of the window that they are spread over, in seconds.", gt=0)
    size: int = option(224, "Side of the square crop in pixels.", ge=8, le=1024)
    short_side: int = option(256, "Shorter side of frames before the crop in pixels.", ge=8, le=2048)
    scale: tuple[float, float] = option((0.9, 1.33), "Range of the random scale in training.")
    flip: float = option(0.5, "Probability of a horizontal flip in training.", ge=0, le=1)
    colour_jitter: float = option(0.8, "Probability of colour jitter in training.", ge=0, le=1)
    colour_drop: float = option(0.1, "Probability of greyscale in training.", ge=0, le=1)

    @model_validator(mode="after")
    def _check(self) -> "VideoSettings":
        low, high = self.scale
        if not 0 < low <= high <= 4:
            raise ValueError(f"scale {self.scale} must rise, from above 0 to at most 4")
        if self.short_side < self.size:
            raise ValueError(f"short_side {self.short_side} must not be less than size {self.size}")
        return self


class ImageSettings(VideoSettings):
    """An image as CLIP takes it: scaled bicubically, cropped, and normalised by channel."""

    num_frames: int = option(1, "Frames per window.", ge=1, le=1)
    seconds: float = option(1e6, "Duration that one image is for: of a whole film its middle frame.", gt=0)
    short_side: int = option(224, "Shorter side before the crop in pixels.", ge=8, le=2048)
    mean: tuple[float, float, float] = option((0.5, 0.5, 0.5), "Mean of each channel, from 0 to 1.")
    std: tuple[float, float, float] = option((0.5, 0.5, 0.5), "Standard deviation of each channel.")


class TextSettings(Recipe):
    """Tokens of a text."""

    max_tokens: int = option(77, "Tokens per text with start and end; longer texts are cut.", ge=3, le=8192)
    tokenizer: Literal["bytes", "hub"] = option(
        "bytes", "bytes: UTF-8 bytes, 259 tokens; hub: a tokenizer of transformers, from a local folder."
    )
