"""Audio as an input: log-mel spectrograms of waveforms, their settings, reading, scaling and JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.recipe import validate
from avtool.core.reporter import Reporter
from avtool.data.inputs.base import ModelInput, Span, known_false
from avtool.data.inputs.settings import AudioSettings
from avtool.data.items import Item
from avtool.data.manifest import Clip, Manifest
from avtool.data.media_files import Media, streams_in
from avtool.media.waveforms import Waveform, read_waveform

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from avtool.data.decode_cache.source import ClipSource
    from avtool.data.inputs.feature_cache import FeatureCache
    from avtool.data.inputs.spec_augment import RollAndGain


@dataclass(frozen=True)
class AudioInput(ModelInput):
    """Spectrograms (num_frames, F) of mono audio; shorter audio is padded.

    Attributes:
        settings: of the spectrograms.
        num_frames: frames (of waveforms: samples) of a window.
        mean, std: that scale it: (x - mean) / (2 std).
        pad_waveform: whether short audio is padded before the filter bank (with silence) or, as published,
            after it (with 0). Training samples are waveforms then, as waveforms are what is mixed.
        name: of the model's argument.
        hop_frames: frames from one window of a file to the next; 0 for whole windows.
        features: spectrograms of the training clips, where they are cached.
        source: of the training clips' audio, where that is not their own files.
        augment: of training samples.
        scaled: whether training samples are scaled already.
    """

    settings: AudioSettings = AudioSettings()  # noqa: RUF009 - frozen
    num_frames: int = 1
    mean: float = 0.0
    std: float = 1.0
    pad_waveform: bool = False
    name: str = "audio"
    hop_frames: int = 0
    features: "FeatureCache | None" = field(default=None, compare=False, repr=False)
    source: "ClipSource | None" = field(default=None, compare=False, repr=False)
    augment: "RollAndGain | None" = field(default=None, compare=False, repr=False)
    scaled: bool = field(default=False, compare=False, repr=False)

    noun: ClassVar[str] = "audio"
    is_track: ClassVar[bool] = True
    is_stream: ClassVar[bool] = True

    def __post_init__(self) -> None:
        assert self.num_frames > 0, f"{self.num_frames} frames"
        assert self.std > 0, f"the standard deviation {self.std} is not positive"
        rate = self.source.sample_rate if self.source is not None else self.settings.sample_rate
        assert rate == self.settings.sample_rate, "the source has another rate"

    @property
    def seconds(self) -> float:
        """Duration of a window."""
        return self.settings.samples_of(self.num_frames) / self.settings.sample_rate

    @property
    def hop(self) -> float | None:
        """Seconds from one window of a file to the next, where the model has its own."""
        return self.hop_frames / self.settings.steps_per_second if self.hop_frames else None

    def is_present(self, clips: Manifest, clip: Clip) -> bool:
        """Whether a clip has audio."""
        return clips.has_audio(clip)

    def is_in(self, item: Item) -> bool:
        """Whether a file, or a clip, has audio."""
        return super().is_in(item) if item.clip else streams_in(item.path).audio

    def lacking(self, clips: Manifest) -> NDArray[np.bool_]:
        """Which clips are known to have no audio."""
        return known_false(clips, "has_audio")

    def check_clips(self, clips: Manifest) -> None:
        """Makes sure that cached spectrograms are those of the clips."""
        if self.features is not None:
            self.features.need_clips(clips)

    def sample(
        self, clips: Manifest, index: int, place: float, rng: np.random.Generator | None
    ) -> "dict[str, Tensor]":
        """Reads the spectrogram, or with `pad_waveform` the waveform, of a crop.

        Unscaled ones have an entry more, `audio_frames`: the frames that are no padding.
        """
        values = self._read(clips, index, place)
        if rng is not None and self.augment is not None:
            values = self.augment(values, rng)
        return self._entries(values)

    def absent(self) -> "dict[str, Tensor]":
        """Zeros."""
        import torch

        settings, _ = self._sampled()
        return self._entries(torch.zeros(0, *settings.width))

    def frames_of(self, windows: Sequence[Waveform]) -> "Tensor":
        """(B,) frames of windows before they are padded."""
        import torch

        settings = self.settings
        counts = [1 + (len(waveform) - settings.window_size) // settings.hop_size for waveform in windows]
        return torch.tensor(counts).clamp(0, self.num_frames)

    def noise(self, count: int, generator: "torch.Generator") -> "dict[str, Tensor]":
        """Noise with the deviation of scaled spectrograms."""
        import torch

        return {self.name: torch.randn(count, self.num_frames, *self.settings.width, generator=generator) / 2}

    def scale(self, fbank: "Tensor") -> "Tensor":
        """Spectrograms of any shape, scaled."""
        from avtool.data.inputs.spectrogram import normalize

        return normalize(fbank, self.mean, self.std)

    def spectrograms(self, waveforms: "Tensor") -> "Tensor":
        """Spectrograms (B, T, F) of waveforms (B, N), on their device; not scaled."""
        from avtool.data.inputs.spectrogram import make_fbank

        fbank: Tensor = make_fbank(self.settings, waveforms.device)(waveforms)
        return fbank

    def windows(
        self, item: Item, hop: float, reporter: Reporter | None = None
    ) -> Iterator[tuple[Span, Waveform]]:
        """The waveforms of windows; the last one may be shorter than the others."""
        from avtool.data.inputs.audio_stream import cut, iter_blocks

        rate, length = self.settings.sample_rate, self.settings.samples_of(self.num_frames)
        found = False
        for first, waveform in cut(iter_blocks(item, rate, reporter), length, max(1, round(hop * rate))):
            if len(waveform) < self.settings.window_size:
                continue  # a rest too short for one frame
            found = True
            yield (first / rate, (first + len(waveform)) / rate), waveform
        if not found:
            message = f"`{item.path}` is shorter than one frame of {self.settings.window_ms:g} ms"
            raise BadInputError(message, "choose longer audio")

    def window(self, item: Item, start: float, end: float) -> Waveform:
        """The waveform between two times."""
        offset = item.clip.start if item.clip else 0.0
        return read_waveform(item.path, offset + start, offset + end, sample_rate=self.settings.sample_rate)

    def batch(self, windows: Sequence[Waveform], device: "torch.device") -> "dict[str, Tensor]":
        """Scaled spectrograms (B, num_frames, F) of waveforms no longer than a window."""
        import torch

        from avtool.data.inputs.spectrogram import pad_or_cut

        length = self.settings.samples_of(self.num_frames)
        if self.pad_waveform or all(len(waveform) == length for waveform in windows):
            full = np.stack([np.pad(waveform, (0, length - len(waveform))) for waveform in windows])
            values = self.spectrograms(_on(device, full))
        else:
            parts = [self.spectrograms(_on(device, waveform[None])) for waveform in windows]
            values = torch.cat([pad_or_cut(part, self.num_frames) for part in parts])
        return {self.name: self.scale(values)}

    def to_json(self) -> dict[str, Any]:
        """Its part of `preprocess.json`."""
        return {
            "seconds": self.seconds,
            "num_frames": self.num_frames,
            "mean": self.mean,
            "std": self.std,
            "pad_waveform": self.pad_waveform,
            **({"hop_frames": self.hop_frames} if self.hop_frames else {}),
            "spectrogram": self.settings.model_dump(mode="json"),
        }

    @classmethod
    def from_json(cls, name: str, values: Mapping[str, Any], folder: Path) -> Self:  # noqa: ARG003
        """Reads it back."""
        num_frames, std = int(values["num_frames"]), float(values["std"])
        if std <= 0 or num_frames <= 0:
            raise ValueError("it cannot scale or cut its input")
        return cls(
            validate(AudioSettings, values["spectrogram"], "spectrogram"),
            num_frames,
            float(values["mean"]),
            std,
            bool(values["pad_waveform"]),
            name,
            int(values.get("hop_frames", 0)),
        )

    def _entries(self, values: "Tensor") -> "dict[str, Tensor]":
        """A training sample of features (T, F) or samples (N,) that are not padded yet."""
        settings, num_steps = self._sampled()
        padded = _padded(values, num_steps)
        if self.scaled:
            return {self.name: self.scale(padded)}
        from avtool.data.inputs.collate import scalar

        frames = len(values)
        if settings.kind == "waveform":
            frames = max(0, 1 + (frames - settings.window_size) // settings.hop_size)
        return {self.name: padded, f"{self.name}_frames": scalar(frames)}

    def _sampled(self) -> tuple[AudioSettings, int]:
        """The features of training samples, and how many steps of them."""
        if not self.pad_waveform:
            return self.settings, self.num_frames
        return self.settings.model_copy(update={"kind": "waveform"}), self.settings.samples_of(
            self.num_frames
        )

    def _read(self, clips: Manifest, index: int, place: float) -> "Tensor":
        """At most a window of it, not padded."""
        import torch

        from avtool.data.inputs.spectrogram import compute_features, features_of

        settings, num_steps = self._sampled()
        clip = clips[index]
        total = settings.num_steps(clip.duration)
        first = round(place * max(0, total - num_steps))
        if self.features is not None:
            values = self.features[index][first : first + num_steps]
            return torch.from_numpy(values.astype(np.float32))
        steps = min(total, num_steps)
        hop = 1 if settings.kind == "waveform" else settings.hop_size
        if self.source is not None:
            begin = first * hop
            past = begin + settings.samples_of(steps)
            waveform = torch.from_numpy(self.source.audio(clips, clip, begin, past))
            return features_of(waveform, settings)
        start = clip.start + first * hop / settings.sample_rate
        length = settings.samples_of(steps) / settings.sample_rate
        return compute_features(clips, Media(clip.media, start, start + length), settings)


def _padded(values: "Tensor", num_steps: int) -> "Tensor":
    from torch.nn.functional import pad

    from avtool.data.inputs.spectrogram import pad_or_cut

    if values.dim() == 1:
        return pad(values[:num_steps], (0, max(0, num_steps - len(values))))
    return pad_or_cut(values, num_steps)


def _on(device: "torch.device", values: Waveform) -> "Tensor":
    import torch

    return torch.from_numpy(np.ascontiguousarray(values)).to(device)
