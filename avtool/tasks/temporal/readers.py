"""What is seen and heard in a stretch of a video, as it was recorded or changed as in training."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avtool.data.decode_cache.scaling import cut_out
from avtool.data.decode_cache.shots import cut_places, steps_of
from avtool.data.decode_cache.source import ClipSource
from avtool.data.inputs.fbank import FLOOR
from avtool.data.inputs.feature_cache import FeatureCache
from avtool.data.inputs.image import centre_box, random_box
from avtool.data.inputs.settings import AudioSettings
from avtool.data.inputs.spectrogram import features_of
from avtool.data.inputs.video_augment import UNCHANGED, ColourChange, draw_colours
from avtool.data.manifest import Clip, Manifest
from avtool.tasks.temporal.grid import Grid, Stretch
from avtool.tasks.temporal.pair_settings import PairSettings

_MASKS = 2
Pictures = NDArray[np.uint8]
Frames = NDArray[np.float32]


class VideoReader:
    """Pictures of stretches.

    Args:
        settings: of the clips.
        source: where they come from.
    """

    def __init__(self, settings: PairSettings, source: ClipSource) -> None:
        self.settings = settings
        self.source = source

    def grid(self, clip: Clip) -> Grid:
        """The pictures that a video offers."""
        offset, total = self.source.frame_span(clip)
        count, speeds = self.settings.num_frames, self.settings.speeds
        return Grid(offset, self.source.fps, total, count, speeds, tuple(count * speed for speed in speeds))

    def read(
        self, manifest: Manifest, clip: Clip, pair: tuple[Stretch, Stretch]
    ) -> tuple[Pictures, Pictures]:
        """The pictures of both stretches as they are played, (T, H, W, 3) each; decoded in one pass."""
        numbers = np.concatenate([stretch.numbers for stretch in pair])
        pictures = self.source.frames(manifest, clip, numbers)
        return pictures[: self.settings.num_frames], pictures[self.settings.num_frames :]

    def has_cut(self, manifest: Manifest, clip: Clip, stretch: Stretch) -> bool:
        """Whether a new shot begins within a stretch."""
        numbers = stretch.first + np.arange(stretch.grid.spans[stretch.speed])
        return bool(cut_places(self.source.frames(manifest, clip, numbers)).any())

    def moves(self, pictures: Pictures) -> bool:
        """Whether anything moves that could tell of time."""
        return float(steps_of(pictures).mean()) >= self.settings.least_motion

    def windows(
        self, pair: tuple[Pictures, Pictures], rng: np.random.Generator | None
    ) -> tuple[Pictures, list[ColourChange]]:
        """What is cut out of the pictures of both clips, (2, T, size, size, 3).

        With a generator all pictures of a clip are changed alike, as in training, and how their colours shall
        be changed is told; else the middle is cut out.
        """
        settings = self.settings
        windows, colours = [], []
        for clip in pair:
            pictures = clip[:, : max(1, round(clip.shape[1] * (1 - settings.bottom_crop)))]
            height, width = pictures.shape[1:3]
            square = settings.size, settings.size
            if rng is None:
                windows.append(cut_out(pictures, centre_box(height, width), square))
                continue
            window = cut_out(pictures, random_box(height, width, settings.area, rng), square)
            flip, jitter, drop = rng.random(3)
            drawn = draw_colours(rng)
            change = drawn if jitter < settings.colour_jitter else UNCHANGED
            windows.append(window[:, :, ::-1] if flip < settings.flip else window)
            colours.append(change._replace(saturation=0.0) if drop < settings.colour_drop else change)
        return np.stack(windows), colours


class AudioReader:
    """Log-mel spectrograms of stretches.

    A faster stretch takes every s-th frame of its source, or all of a source that is resampled to a higher
    pitch. Frames are never averaged: that lowers the variance of noise, and so would tell the speed.

    Args:
        settings: of the clips.
        audio: of the spectrograms.
        source: where sound comes from.
        features: the clips' spectrograms, where they are cached; not for resampling.
    """

    def __init__(
        self,
        settings: PairSettings,
        audio: AudioSettings,
        source: ClipSource,
        features: FeatureCache | None = None,
    ) -> None:
        assert audio.kind == "fbank", "questions about time are asked of spectrograms"
        assert source.sample_rate == audio.sample_rate, "the source has another rate"
        self.settings = settings
        self.audio = audio
        self.source = source
        self.features = features if settings.audio_speed == "stride" else None

    def grid(self, clip: Clip) -> Grid:
        """The frames of sound that a video offers."""
        count, speeds = self.settings.audio_frames, self.settings.speeds
        if self.settings.audio_speed == "stride":
            spans = tuple((count - 1) * speed + 1 for speed in speeds)
        else:
            samples = self.audio.samples_of(count)
            spans = tuple(
                1 + math.ceil((samples * speed - self.audio.window_size) / self.audio.hop_size)
                for speed in speeds
            )
        total = self.audio.num_steps(clip.duration)
        first_time, rate = self.audio.first_time, self.audio.steps_per_second
        return Grid(first_time, rate, total, count, speeds, spans, lead=0.5)

    def read(self, manifest: Manifest, index: int, clip: Clip, stretch: Stretch) -> Frames:
        """The frames of a stretch as they are played, (T, F); silence after the clip's end."""
        if self.settings.audio_speed == "resample":
            frames = self._resampled(manifest, clip, stretch)
        else:
            frames = self._stride(manifest, index, clip, stretch)
        count = self.settings.audio_frames
        missing = max(0, count - len(frames))
        if missing:
            frames = np.pad(frames, ((0, missing), (0, 0)), constant_values=math.log(FLOOR))
        return frames[count - 1 :: -1] if stretch.backward else frames[:count]

    def _stride(self, manifest: Manifest, index: int, clip: Clip, stretch: Stretch) -> Frames:
        step = stretch.grid.steps[stretch.speed]
        first, past = stretch.first, stretch.first + stretch.grid.spans[stretch.speed]
        if self.features is not None:
            return self.features[index][first:past:step].astype(np.float32)
        return self._fbank(manifest, clip, first, min(past, stretch.grid.total))[::step]

    def _resampled(self, manifest: Manifest, clip: Clip, stretch: Stretch) -> Frames:
        from torchaudio.functional import resample

        step = stretch.grid.steps[stretch.speed]
        begin = stretch.first * self.audio.hop_size
        length = self.audio.samples_of(self.settings.audio_frames) * step
        past = min(begin + length, self.audio.num_samples(clip.duration))
        waveform = torch.from_numpy(self.source.audio(manifest, clip, begin, past))
        # At least a window, even of a clip that is too short to be asked about.
        faster = resample(waveform, step, 1) if step > 1 else waveform
        return features_of(_padded(faster, self.audio.window_size), self.audio).numpy()

    def _fbank(self, manifest: Manifest, clip: Clip, first: int, past: int) -> Frames:
        begin = first * self.audio.hop_size
        end = begin + self.audio.samples_of(max(1, past - first))
        sound = self.source.audio(manifest, clip, begin, end)
        return features_of(torch.from_numpy(sound), self.audio).numpy()

    def sounds(self, frames: Frames) -> bool:
        """Whether there is enough to be heard that could tell of time."""
        return bool(np.mean(frames.mean(axis=1) > self.settings.least_energy) >= 0.5)

    def change(self, frames: Frames, rng: np.random.Generator) -> None:
        """Makes it louder or softer, and hides stretches and bands, as in training; in place."""
        settings = self.settings
        gain = rng.uniform(1 - settings.gain, 1 + settings.gain)
        frames += 2 * math.log(gain)  # of energies
        hidden = frames.mean()  # a value of its own would show where the masks are
        for part, bound in ((frames, settings.time_mask), (frames.T, settings.frequency_mask)):
            for width, place in rng.random((_MASKS, 2)).tolist():
                length = int(width * min(bound, len(part)))
                begin = int(place * (len(part) - length + 1))
                part[begin : begin + length] = hidden


def _padded(waveform: Tensor, least: int) -> Tensor:
    missing = least - len(waveform)
    return torch.nn.functional.pad(waveform, (0, missing)) if missing > 0 else waveform
