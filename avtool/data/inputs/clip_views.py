"""What of a clip becomes a tensor: a stretch of its sound, a window of its pictures, features of its frames.

A view is given a place between 0 and 1: where in a clip that is longer than the stretch the stretch lies.
Sound and pictures take the same place, and so belong together.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from avtool.data.decode_cache.scaling import scaled
from avtool.data.decode_cache.source import ClipSource
from avtool.data.inputs.audio_features import compute_features, features_of
from avtool.data.inputs.audio_settings import AudioSettings
from avtool.data.inputs.feature_cache import FeatureCache
from avtool.data.inputs.fit import pad_or_cut
from avtool.data.inputs.video_settings import VideoSettings
from avtool.data.inputs.video_transforms import apply_augmentation, centred, draw_augmentation
from avtool.data.manifest import Clip, Manifest
from avtool.data.media_files import Media
from avtool.media.probe import probe
from avtool.media.video_frames import read_frames


class AudioView:
    """A stretch of sound: log-mel frames (num_steps, F), or samples (num_steps,), padded at the end.

    Args:
        settings: of the features.
        num_steps: frames, or samples.
        features: the clips' features, where they are cached; without them sound is decoded each time.
        source: where sound is read from, where that is not the clips' own files.
        padding: what stands in frames after the end of a short clip.
    """

    def __init__(
        self,
        settings: AudioSettings,
        num_steps: int,
        features: FeatureCache | None = None,
        *,
        source: ClipSource | None = None,
        padding: float = 0.0,
    ) -> None:
        assert source is None or source.sample_rate == settings.sample_rate, "the source has another rate"
        self.settings = settings
        self.num_steps = num_steps
        self.features = features
        self.source = source
        self.padding = padding

    def __call__(self, manifest: Manifest, index: int, clip: Clip, place: float) -> Tensor:
        """Reads the stretch; float32."""
        total = self.settings.num_steps(clip.duration)
        first = round(place * max(0, total - self.num_steps))
        if self.features is not None:
            values = self.features[index][first : first + self.num_steps]
            return self._padded(torch.from_numpy(values.astype(np.float32)))
        steps = min(total, self.num_steps)
        hop = self.settings.hop_size if self.settings.kind == "fbank" else 1
        if self.source is not None:
            begin = first * hop
            past = begin + self.settings.samples_of(steps)
            waveform = torch.from_numpy(self.source.audio(manifest, clip, begin, past))
            return self._padded(features_of(waveform, self.settings))
        start = clip.start + first * hop / self.settings.sample_rate
        length = self.settings.samples_of(steps) / self.settings.sample_rate
        return self._padded(
            compute_features(manifest, Media(clip.media, start, start + length), self.settings)
        )

    def absent(self) -> Tensor:
        """What stands for the sound of a clip that has none."""
        return torch.zeros(self.num_steps, *self.settings.width)

    def _padded(self, values: Tensor) -> Tensor:
        if values.dim() == 1:
            return pad(values, (0, self.num_steps - len(values)))
        return pad_or_cut(values, self.num_steps, value=self.padding)

    @staticmethod
    def is_present(manifest: Manifest, clip: Clip) -> bool:
        """Whether the clip has sound."""
        known = clip.extras.get("has_audio")
        return bool(_holds(manifest.local(clip.audio))[0] if known is None else known)


class VideoView:
    """A window of pictures, (3, T, H, W) float32 in [-1, 1].

    Args:
        settings: of the window, and what training changes.
        source: where pictures are read from, at its rate and size, where that is not the film itself.
    """

    def __init__(self, settings: VideoSettings, source: ClipSource | None = None) -> None:
        self.settings = settings
        self.source = source

    def __call__(
        self, manifest: Manifest, clip: Clip, place: float, rng: np.random.Generator | None
    ) -> Tensor:
        """Reads the window; with a generator it is changed as in training."""
        settings = self.settings
        change = centred(settings) if rng is None else draw_augmentation(settings, rng)
        frames = self._read(manifest, clip, self.times(clip.video, place), change.short_side)
        return apply_augmentation(frames, change, settings.size)

    def _read(
        self, manifest: Manifest, clip: Clip, times: NDArray[np.float64], short_side: int
    ) -> NDArray[np.uint8]:
        """The pictures on screen at some film times, (T, H, W, 3)."""
        media = clip.video
        if self.source is None:
            frames, _ = read_frames(manifest.local(media), times.tolist(), size=short_side, threads=1)
            return frames
        first_time, _ = self.source.frame_span(clip)
        places = (times - media.start - first_time) * self.source.fps
        numbers = np.maximum(np.floor(places + 1e-6), 0).astype(np.int64)
        return scaled(self.source.frames(manifest, clip, numbers), short_side)

    def times(self, media: Media, place: float) -> NDArray[np.float64]:
        """The times of the frames: the middles of equal parts of the window, or of a clip that is shorter."""
        duration = media.end - media.start
        length = min(self.settings.seconds, duration)
        start = media.start + place * (duration - length)
        parts = np.arange(self.settings.num_frames) + 0.5
        return start + parts * length / self.settings.num_frames

    def absent(self) -> Tensor:
        """What stands for the pictures of a clip that has none."""
        size = self.settings.size
        return torch.zeros(3, self.settings.num_frames, size, size)

    @staticmethod
    def is_present(manifest: Manifest, clip: Clip) -> bool:
        """Whether the clip, or the film that it was cut from, has pictures."""
        media = clip.video
        known = clip.extras.get("has_video") if media.name == clip.media else None
        return bool(_holds(manifest.local(media))[1] if known is None else known)


class FrameFeatureView:
    """Features of frames, such as CLIP's: the middle of a long clip, zeros after a short one.

    Args:
        features: of the same clips, (steps, D) each.
        num_steps: steps that the model takes.
    """

    def __init__(self, features: FeatureCache, num_steps: int) -> None:
        self.features = features
        self.num_steps = num_steps

    def __call__(self, index: int) -> tuple[Tensor, Tensor]:
        """(num_steps, D) float32, and (num_steps,) True where there is a frame."""
        values = torch.from_numpy(self.features[index].astype(np.float32))
        mask = torch.arange(self.num_steps) < len(values)
        return pad_or_cut(values, self.num_steps, cut="centre"), mask


@lru_cache(maxsize=100_000)
def _holds(path: Path) -> tuple[bool, bool]:
    """Whether a file has sound, and pictures."""
    info = probe(path)
    return bool(info.audio), any(not stream.cover for stream in info.video)
