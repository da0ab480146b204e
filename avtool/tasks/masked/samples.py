"""Clips for masked models: stretches of sound and pictures, and the noise that their masks are drawn from.

Noise and stretches depend on seed, epoch and the number of the sample alone: whoever loads a sample, in
whatever batch, after whatever interruption, hides the same patches of the same stretch.
"""

import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from avtool.data.inputs.clip_views import AudioView, VideoView
from avtool.data.inputs.collate import Key, scalar
from avtool.data.inputs.fit import normalize
from avtool.data.inputs.image_view import ImageView
from avtool.data.manifest import Clip, Manifest
from avtool.data.sample_numbers import SampleNumbers, sources_of
from avtool.data.statistics import durations

_NOISE_STREAM = 1  # what else is drawn must not move the masks
_INPUTS = ("audio", "video", "image")


class MaskedClipDataset(Dataset[dict[str, Tensor]]):
    """Samples for masked models.

    A sample holds `index`, the place of its clip in the manifest; `audio` (T, F), `video` (3, T, H, W) and
    `image` (3, H, W) as far as there are views of them; and for each input named in `noise` uniform numbers
    `audio_noise` (L,) of its L patches, with `second_view` another set `audio_noise2`.

    Args:
        manifest: the clips.
        audio: the view of the sound, or None.
        video: the view of moving pictures, or None.
        image: the view of single pictures, or None.
        noise: the number of patches of each input that is masked.
        second_view: whether there is noise for a second mask.
        train: whether stretches are taken anywhere and changed at random; else from the middle, as they are,
            and with the same noise in each epoch.
        align: sound and pictures begin together; else the shorter stretch lies somewhere in the longer.
        crops: stretches taken of each clip in an epoch, spread over its length; None takes as many as fit,
            so that a long film counts for more than a short one.
        roll: training rotates spectrograms in time and changes their level (Huang et al., 2022).
        scale: mean and standard deviation that spectrograms are scaled by; None leaves them as they are.
        seed: of everything random.

    Raises:
        BadInputError: the features belong to other clips.
    """

    def __init__(
        self,
        manifest: Manifest,
        *,
        audio: AudioView | None = None,
        video: VideoView | None = None,
        image: ImageView | None = None,
        noise: Mapping[str, int],
        second_view: bool = False,
        train: bool = True,
        align: bool = False,
        crops: int | None = 1,
        roll: bool = False,
        scale: tuple[float, float] | None = None,
        seed: int = 0,
    ) -> None:
        assert audio or video or image, "a sample needs an input"
        assert set(noise) <= set(_INPUTS), f"noise for {sorted(noise)}"
        assert min(noise.values(), default=1) > 0, f"noise for no patches: {dict(noise)}"
        if audio is not None and audio.features is not None:
            audio.features.need_clips(manifest)
        self.manifest = manifest
        self.audio = audio
        self.video = video
        self.image = image
        self.noise = {name: noise[name] for name in _INPUTS if name in noise}
        self.second_view = second_view
        self.train = train
        self.align = align
        self.roll = roll
        self.scale = scale
        self.seed = seed
        self.epoch = 0
        self._numbers = SampleNumbers(self._count_crops(crops))

    def __len__(self) -> int:
        return len(self._numbers)

    def set_epoch(self, epoch: int) -> None:
        """The epoch of samples that are asked for by number alone."""
        self.epoch = epoch

    @property
    def window_seconds(self) -> float:
        """Length of the longest stretch that is taken."""
        return max(self._audio_seconds, self._video_seconds)

    @property
    def groups(self) -> list[str]:
        """The film or recording of each sample."""
        return self._numbers.repeat(sources_of(self.manifest))

    @property
    def clip_ids(self) -> list[str]:
        """The clip of each sample."""
        return self._numbers.repeat(self.manifest.column("clip_id"))

    def __getitem__(self, key: Key) -> dict[str, Tensor]:
        number, epoch = key if isinstance(key, tuple) else (key, self.epoch)
        epoch = epoch if self.train else 0
        index, crop, crops = self._numbers.find(number)
        clip = self.manifest[index]
        rng = np.random.default_rng([self.seed, epoch, number])
        place = self._place(crop, crops, rng)
        sample = {"index": scalar(index), **self._draw_noise(epoch, number)}
        changes = rng if self.train else None
        if self.audio is not None:
            at = self._part(clip, place, self._audio_seconds)
            sample["audio"] = self._changed(self.audio(self.manifest, index, clip, at), rng)
        if self.video is not None:
            at = self._part(clip, place, self._video_seconds)
            sample["video"] = self.video(self.manifest, clip, at, changes)
        if self.image is not None:
            sample["image"] = self.image(self.manifest, clip, place, changes)
        return sample

    @property
    def _audio_seconds(self) -> float:
        if self.audio is None:
            return 0.0
        return self.audio.settings.samples_of(self.audio.num_steps) / self.audio.settings.sample_rate

    @property
    def _video_seconds(self) -> float:
        return 0.0 if self.video is None else self.video.settings.seconds

    def _count_crops(self, crops: int | None) -> NDArray[np.int64]:
        if crops is not None:
            assert crops >= 1, crops
            return np.full(len(self.manifest), crops, np.int64)
        window = self.window_seconds
        if not window:
            return np.ones(len(self.manifest), np.int64)
        return np.maximum(durations(self.manifest) // window, 1).astype(np.int64)

    def _place(self, crop: int, crops: int, rng: np.random.Generator) -> float:
        """Where a stretch lies in the room there is; each crop of a clip has a part of it of its own."""
        within = float(rng.random())
        return (crop + (within if self.train else 0.5)) / crops

    def _part(self, clip: Clip, place: float, seconds: float) -> float:
        """The place of a stretch of some seconds, so that with `align` all begin together."""
        room = clip.duration - seconds
        if not self.align or room <= 0:
            return place
        begin = place * max(0.0, clip.duration - self.window_seconds)
        return begin / room

    def _draw_noise(self, epoch: int, number: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self.seed, epoch, number, _NOISE_STREAM])
        views = ("", "2") if self.second_view else ("",)
        return {
            f"{name}_noise{view}": torch.from_numpy(rng.random(length, np.float32))
            for view in views
            for name, length in self.noise.items()
        }

    def _changed(self, audio: Tensor, rng: np.random.Generator) -> Tensor:
        shift, gain = int(rng.integers(len(audio))), float(rng.beta(10, 10)) + 0.5
        if self.roll and self.train:
            audio = audio.roll(shift, dims=0) + 2 * math.log(gain)  # of energies
        return audio if self.scale is None else normalize(audio, *self.scale)
