"""Readers of segments: the frames and spectrograms of a part of a video, and their augmentation."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avtool.data.decode_cache.frames import cut_out
from avtool.data.decode_cache.shots import cut_places, steps_of
from avtool.data.decode_cache.source import ClipSource
from avtool.data.inputs.boxes import centre_box, random_box
from avtool.data.inputs.fbank import FLOOR
from avtool.data.inputs.feature_cache import FeatureCache
from avtool.data.inputs.settings import AudioSettings
from avtool.data.inputs.spectrogram import features_of
from avtool.data.inputs.video_augment import UNCHANGED, ColourChange, draw_colours
from avtool.data.manifest import Clip, Manifest
from avtool.tasks.temporal.grid import Grid, Segment
from avtool.tasks.temporal.pair_settings import PairSettings

_MASKS = 2
VideoFrames = NDArray[np.uint8]
Frames = NDArray[np.float32]


class VideoReader:
    """Frames of segments.

    Args:
        settings: of the clips.
        source: where they come from.
    """

    def __init__(self, settings: PairSettings, source: ClipSource) -> None:
        self.settings = settings
        self.source = source

    def grid(self, clip: Clip) -> Grid:
        """The frames that a video offers."""
        offset, total = self.source.frame_span(clip)
        count, speeds = self.settings.num_frames, self.settings.speeds
        return Grid(offset, self.source.fps, total, count, speeds, tuple(count * speed for speed in speeds))

    def read(
        self, manifest: Manifest, clip: Clip, pair: tuple[Segment, Segment]
    ) -> tuple[VideoFrames, VideoFrames]:
        """The frames of both segments as they are played, (T, H, W, 3) each; decoded in one pass."""
        numbers = np.concatenate([segment.numbers for segment in pair])
        frames = self.source.frames(manifest, clip, numbers)
        return frames[: self.settings.num_frames], frames[self.settings.num_frames :]

    def has_shot_boundary(self, manifest: Manifest, clip: Clip, segment: Segment) -> bool:
        """Whether a new shot begins within a segment."""
        numbers = segment.first + np.arange(segment.grid.spans[segment.speed])
        return bool(cut_places(self.source.frames(manifest, clip, numbers)).any())

    def is_moving(self, frames: VideoFrames) -> bool:
        """Whether there is enough motion to infer time from."""
        return float(steps_of(frames).mean()) >= self.settings.least_motion

    def windows(
        self, pair: tuple[VideoFrames, VideoFrames], rng: np.random.Generator | None
    ) -> tuple[VideoFrames, list[ColourChange]]:
        """Crops of the frames of both clips, (2, T, size, size, 3).

        With a generator all frames of a clip are augmented alike, as in training, and the colour changes are
        returned; else the crop is central.
        """
        settings = self.settings
        windows, colours = [], []
        for clip in pair:
            frames = clip[:, : max(1, round(clip.shape[1] * (1 - settings.bottom_crop)))]
            height, width = frames.shape[1:3]
            square = settings.size, settings.size
            if rng is None:
                windows.append(cut_out(frames, centre_box(height, width), square))
                continue
            window = cut_out(frames, random_box(height, width, settings.area, rng), square)
            flip, jitter, drop = rng.random(3)
            drawn = draw_colours(rng)
            change = drawn if jitter < settings.colour_jitter else UNCHANGED
            windows.append(window[:, :, ::-1] if flip < settings.flip else window)
            colours.append(change._replace(saturation=0.0) if drop < settings.colour_drop else change)
        return np.stack(windows), colours


class AudioReader:
    """Log-mel spectrograms of segments.

    A faster segment takes every s-th frame of its source, or all of a source that is resampled to a higher
    pitch. Frames are never averaged: that lowers the variance of noise, and would so reveal the speed.

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
        assert audio.kind == "fbank", "temporal pretext tasks take spectrograms"
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

    def read(self, manifest: Manifest, index: int, clip: Clip, segment: Segment) -> Frames:
        """The frames of a segment as they are played, (T, F); silence after the clip's end."""
        if self.settings.audio_speed == "resample":
            frames = self._resampled(manifest, clip, segment)
        else:
            frames = self._stride(manifest, index, clip, segment)
        count = self.settings.audio_frames
        missing = max(0, count - len(frames))
        if missing:
            frames = np.pad(frames, ((0, missing), (0, 0)), constant_values=math.log(FLOOR))
        return frames[count - 1 :: -1] if segment.backward else frames[:count]

    def _stride(self, manifest: Manifest, index: int, clip: Clip, segment: Segment) -> Frames:
        step = segment.grid.steps[segment.speed]
        first, past = segment.first, segment.first + segment.grid.spans[segment.speed]
        if self.features is not None:
            return self.features[index][first:past:step].astype(np.float32)
        return self._fbank(manifest, clip, first, min(past, segment.grid.total))[::step]

    def _resampled(self, manifest: Manifest, clip: Clip, segment: Segment) -> Frames:
        from torchaudio.functional import resample

        step = segment.grid.steps[segment.speed]
        begin = segment.first * self.audio.hop_size
        length = self.audio.samples_of(self.settings.audio_frames) * step
        past = min(begin + length, self.audio.num_samples(clip.duration))
        waveform = torch.from_numpy(self.source.audio(manifest, clip, begin, past))
        # At least a window, even of a clip that is too short for a pretext task.
        faster = resample(waveform, step, 1) if step > 1 else waveform
        return features_of(_padded(faster, self.audio.window_size), self.audio).numpy()

    def _fbank(self, manifest: Manifest, clip: Clip, first: int, past: int) -> Frames:
        begin = first * self.audio.hop_size
        end = begin + self.audio.samples_of(max(1, past - first))
        sound = self.source.audio(manifest, clip, begin, end)
        return features_of(torch.from_numpy(sound), self.audio).numpy()

    def is_audible(self, frames: Frames) -> bool:
        """Whether enough frames are not silent to infer time from."""
        return bool(np.mean(frames.mean(axis=1) > self.settings.least_energy) >= 0.5)

    def change(self, frames: Frames, rng: np.random.Generator) -> None:
        """Augments level and masks time and frequency, as in training; in place."""
        settings = self.settings
        gain = rng.uniform(1 - settings.gain, 1 + settings.gain)
        frames += 2 * math.log(gain)  # of energies
        fill = frames.mean()  # a value of its own would show where the masks are
        for part, bound in ((frames, settings.time_mask), (frames.T, settings.frequency_mask)):
            for width, place in rng.random((_MASKS, 2)).tolist():
                length = int(width * min(bound, len(part)))
                begin = int(place * (len(part) - length + 1))
                part[begin : begin + length] = fill


def _padded(waveform: Tensor, least: int) -> Tensor:
    missing = least - len(waveform)
    return torch.nn.functional.pad(waveform, (0, missing)) if missing > 0 else waveform
