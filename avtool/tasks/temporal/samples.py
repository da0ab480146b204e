"""Pairs of clips of a video, with the labels of questions about time (after Jenni et al., 2023).

How fast is it played, and in which direction? Which of two comes first? What would answer without looking at
time is kept out: each choice is drawn by itself, and a question that a sample cannot answer has weight 0.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from avtool.data.decode_cache.source import ClipSource
from avtool.data.inputs.collate import Key, scalar
from avtool.data.inputs.feature_cache import FeatureCache
from avtool.data.inputs.settings import AudioSettings
from avtool.data.inputs.spectrogram import normalize
from avtool.data.inputs.video_augment import UNCHANGED
from avtool.data.manifest import Clip, Manifest
from avtool.data.sample_numbers import SampleNumbers, sources_of
from avtool.tasks.temporal.draw import Pair, draw_pair
from avtool.tasks.temporal.grid import Grid, order_of
from avtool.tasks.temporal.pair_settings import PairSettings
from avtool.tasks.temporal.readers import AudioReader, VideoReader
from avtool.tasks.temporal.sample_report import TemporalReport, make_report

ORDERS = {"order_vv": ("video", "video"), "order_aa": ("audio", "audio"), "order_va": ("video", "audio")}
_SHOT_DRAWS = 4
_GREY = 127  # of the pictures that a clip without them has


class TemporalClipDataset(Dataset[dict[str, Tensor]]):
    """Samples of two clips.

    A sample holds `video` (2, T, H, W, 3), uint8, in training with `video_colours` (2, 4), of which
    `as_float` makes (2, 3, T, H, W) in [-1, 1]; `audio` (2, Ta, F); `video_present` and `audio_present`
    (bool); labels `<modality>_speed` (place of the speed) and `<modality>_direction` (1 for backwards), (2,)
    int64; `order_vv`, `order_aa` and `order_va` (0 overlapping, 1 the first is earlier, 2 later), int64; for
    each label its `<label>_weight` of the same shape, 0 or 1; `video_id`, equal for clips of one film or
    recording; and `index`, the place in the manifest.

    Args:
        manifest: the clips.
        settings: what pairs are like.
        source: where pictures and sound come from.
        audio: of the spectrograms; None asks nothing of sound, and samples have none.
        pictures: whether samples have pictures.
        features: the clips' spectrograms, where they are cached.
        scale: mean and standard deviation that spectrograms are scaled by; None leaves them as they are.
        train: whether clips are changed at random; else the middle is cut out, and each epoch is the same.
        crops: pairs taken of each clip in an epoch.
        seed: of everything random.

    Attributes:
        report: which questions the clips can answer.

    Raises:
        BadInputError: no clip can answer anything, or none has what is asked for.
    """

    def __init__(
        self,
        manifest: Manifest,
        settings: PairSettings,
        source: ClipSource,
        *,
        audio: AudioSettings | None,
        pictures: bool = True,
        features: FeatureCache | None = None,
        scale: tuple[float, float] | None = None,
        train: bool = True,
        crops: int = 1,
        seed: int = 0,
    ) -> None:
        assert pictures or audio, "a sample needs pictures or sound"
        assert crops >= 1, crops
        if features is not None:
            features.need_clips(manifest)
        self.manifest = manifest
        self.settings = settings
        self.scale = scale
        self.train = train
        self.seed = seed
        self.epoch = 0
        self._asks = bool(settings.tasks)
        self._pictures = VideoReader(settings, source) if pictures else None
        self._sound = AudioReader(settings, audio, source, features) if audio else None
        self._present = [self._find_present(clip) for clip in manifest]
        self._video_ids = np.unique(sources_of(manifest), return_inverse=True)[1]
        self._numbers = SampleNumbers(np.full(len(manifest), crops, np.int64))
        kinds = [name for name, reader in (("video", self._pictures), ("audio", self._sound)) if reader]
        grids = [self._grids(clip, present) for clip, present in zip(manifest, self._present, strict=True)]
        self.report: TemporalReport = make_report(manifest, settings, kinds, grids)

    def __len__(self) -> int:
        return len(self._numbers)

    def set_epoch(self, epoch: int) -> None:
        """The epoch of samples that are asked for by number alone."""
        self.epoch = epoch

    @property
    def groups(self) -> list[str]:
        """The film or recording of each sample."""
        return self._numbers.repeat(sources_of(self.manifest))

    def __getitem__(self, key: Key) -> dict[str, Tensor]:
        number, epoch = key if isinstance(key, tuple) else (key, self.epoch)
        index, _, _ = self._numbers.find(number)
        clip, present = self.manifest[index], self._present[index]
        rng = np.random.default_rng([self.seed, epoch if self.train else 0, number])
        grids = self._grids(clip, present)
        pair = self._draw(clip, grids, rng) if grids else Pair({}, orders=False)
        sample = {"index": scalar(index), "video_id": scalar(self._video_ids[index])}
        able: dict[str, list[bool]] = {}
        if self._pictures is not None:
            sample["video_present"] = scalar("video" in grids)
            pictures, able["video"] = self._see(clip, pair, rng)
            sample |= pictures
        if self._sound is not None:
            sample["audio_present"] = scalar("audio" in grids)
            sample["audio"], able["audio"] = self._hear(index, clip, pair, rng)
        return sample | self._answers(pair, grids, able)

    def _find_present(self, clip: Clip) -> frozenset[str]:
        manifest = self.manifest
        kinds = (
            ("video", self._pictures, manifest.has_video),
            ("audio", self._sound, manifest.has_audio),
        )
        return frozenset(name for name, reader, has in kinds if reader and has(clip))

    def _grids(self, clip: Clip, present: frozenset[str]) -> dict[str, Grid]:
        grids = {}
        if self._pictures is not None and "video" in present:
            grids["video"] = self._pictures.grid(clip)
        if self._sound is not None and "audio" in present:
            grids["audio"] = self._sound.grid(clip)
        return grids

    def _draw(self, clip: Clip, grids: Mapping[str, Grid], rng: np.random.Generator) -> Pair:
        pair = draw_pair(grids, self.settings.gap, rng)
        if self.settings.respect_shots and self._pictures is not None and "video" in grids:
            for _ in range(_SHOT_DRAWS - 1):
                stretches = pair.stretches["video"]
                if not any(self._pictures.has_cut(self.manifest, clip, one) for one in stretches):
                    break
                pair = draw_pair(grids, self.settings.gap, rng)
        return pair

    def _see(self, clip: Clip, pair: Pair, rng: np.random.Generator) -> tuple[dict[str, Tensor], list[bool]]:
        """The pictures of both clips and what becomes of their colours; whether each can be asked."""
        assert self._pictures is not None
        if "video" not in pair.stretches:
            shape = 2, self.settings.num_frames, self.settings.size, self.settings.size, 3
            nothing = {"video": torch.full(shape, _GREY, dtype=torch.uint8)}
            if self.train:
                nothing["video_colours"] = torch.tensor([UNCHANGED] * 2)
            return nothing, [False, False]
        stretches = pair.stretches["video"]
        clips = self._pictures.read(self.manifest, clip, stretches)
        able = [
            self._asks and stretch.fits and self._pictures.moves(one)
            for stretch, one in zip(stretches, clips, strict=True)
        ]
        windows, colours = self._pictures.windows(clips, rng if self.train else None)
        seen = {"video": torch.from_numpy(windows)}
        if colours:
            seen["video_colours"] = torch.from_numpy(np.array(colours, np.float32))
        return seen, able

    def _hear(
        self, index: int, clip: Clip, pair: Pair, rng: np.random.Generator
    ) -> tuple[Tensor, list[bool]]:
        """The sound of both clips, and whether each can be asked about time."""
        reader = self._sound
        assert reader is not None
        if "audio" not in pair.stretches:
            shape = 2, self.settings.audio_frames, reader.audio.num_mel_bins
            return torch.zeros(shape), [False, False]
        stretches = pair.stretches["audio"]
        frames = np.stack([reader.read(self.manifest, index, clip, stretch) for stretch in stretches])
        able = [
            self._asks and stretch.fits and reader.sounds(one)
            for stretch, one in zip(stretches, frames, strict=True)
        ]
        if self.train:
            for one in frames:
                reader.change(one, rng)
        audio = torch.from_numpy(frames)
        return (audio if self.scale is None else normalize(audio, *self.scale)), able

    def _answers(
        self, pair: Pair, grids: Mapping[str, Grid], able: Mapping[str, list[bool]]
    ) -> dict[str, Tensor]:
        """Labels and weights."""
        labels: dict[str, list[int]] = {}
        weights: dict[str, list[float]] = {}
        for name, clips in able.items():
            stretches = pair.stretches.get(name, ())
            told = {"speed": name in grids and grids[name].num_speeds > 1, "direction": True}
            labels[f"{name}_speed"] = [stretch.speed for stretch in stretches] or [0, 0]
            labels[f"{name}_direction"] = [int(stretch.backward) for stretch in stretches] or [0, 0]
            for question, can_tell in told.items():
                asked = question in self.settings.tasks and can_tell
                weights[f"{name}_{question}"] = [float(asked and one) for one in clips]
        for question, (one, other) in ORDERS.items():
            if one not in able or other not in able:
                continue
            known = one in pair.stretches and other in pair.stretches
            order = order_of(pair.stretches[one][0], pair.stretches[other][1]) if known else 0
            asked = self.settings.has_order and pair.orders and able[one][0] and able[other][1]
            labels[question], weights[question] = [order], [float(known and asked)]
        return _tensors(labels, np.int64) | {
            f"{name}_weight": value for name, value in _tensors(weights, np.float32).items()
        }


def _tensors(values: Mapping[str, list[int]] | Mapping[str, list[float]], kind: type) -> dict[str, Tensor]:
    """Lists as tensors, a list of one as a number."""
    return {
        name: torch.from_numpy(np.array(one if len(one) > 1 else one[0], kind))
        for name, one in values.items()
    }
