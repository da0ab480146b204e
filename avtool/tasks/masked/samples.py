"""Samples of masked models: crops of audio and video, and the noise that their masks are drawn from.

Noise and crops depend on seed, epoch and the number of the sample alone: whoever loads a sample, in
whatever batch, after whatever interruption, masks the same patches of the same crop.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from avtool.data.inputs.base import ModelInput
from avtool.data.inputs.collate import Key, scalar
from avtool.data.manifest import Clip, Manifest
from avtool.data.sample_numbers import SampleNumbers, sources_of

_NOISE_STREAM = 1  # what else is drawn must not move the masks


class MaskedClipDataset(Dataset[dict[str, Tensor]]):
    """Samples for masked models.

    A sample holds `index`, the place of its clip in the manifest; what its inputs read, by their names; and
    for each input named in `noise` uniform numbers `<name>_noise` (L,) of its L patches, with `second_view`
    another set `<name>_noise2`.

    Args:
        manifest: the clips.
        inputs: of the model, audio first.
        noise: the number of patches of each input that is masked.
        second_view: whether there is noise for a second mask.
        train: whether crops are taken anywhere and augmented; else from the middle, as they are,
            and with the same noise in each epoch.
        align: audio and video begin together; else the shorter crop lies somewhere in the longer.
        crops: per clip and epoch, spread over its length; None takes as many as fit,
            so that a long film counts for more than a short one.
        seed: of everything random.

    Raises:
        BadInputError: the features belong to other clips.
    """

    def __init__(
        self,
        manifest: Manifest,
        inputs: Iterable[ModelInput],
        *,
        noise: Mapping[str, int],
        second_view: bool = False,
        train: bool = True,
        align: bool = False,
        crops: int | None = 1,
        seed: int = 0,
    ) -> None:
        self.inputs = tuple(inputs)
        assert self.inputs, "a sample needs an input"
        assert set(noise) <= {one.name for one in self.inputs}, f"noise for {sorted(noise)}"
        assert min(noise.values(), default=1) > 0, f"noise for no patches: {dict(noise)}"
        for one in self.inputs:
            one.check_clips(manifest)
        self.manifest = manifest
        self.noise = {one.name: noise[one.name] for one in self.inputs if one.name in noise}
        self.second_view = second_view
        self.train = train
        self.align = align
        self.seed = seed
        self.epoch = 0
        self._numbers = SampleNumbers(self._count_crops(crops))

    def __len__(self) -> int:
        return len(self._numbers)

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch of samples that are indexed by number alone."""
        self.epoch = epoch

    @property
    def window_seconds(self) -> float:
        """Length of the longest crop."""
        return max((one.seconds for one in self.inputs if one.is_track), default=0.0)

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
        for one in self.inputs:
            at = self._part(clip, place, one.seconds) if one.is_track else place
            sample |= one.sample(self.manifest, index, at, changes)
        return sample

    def _count_crops(self, crops: int | None) -> NDArray[np.int64]:
        if crops is not None:
            assert crops >= 1, crops
            return np.full(len(self.manifest), crops, np.int64)
        window = self.window_seconds
        if not window:
            return np.ones(len(self.manifest), np.int64)
        return np.maximum(self.manifest.durations() // window, 1).astype(np.int64)

    def _place(self, crop: int, crops: int, rng: np.random.Generator) -> float:
        """The place of a crop in [0, 1]; each crop of a clip has its own part of it."""
        within = float(rng.random())
        return (crop + (within if self.train else 0.5)) / crops

    def _part(self, clip: Clip, place: float, seconds: float) -> float:
        """The place of a crop of some seconds, so that with `align` all begin together."""
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
