"""Pairs of clips of a video with the labels of temporal pretext tasks (after Jenni et al., 2023).

The tasks are playback speed, direction and order. To avoid short cuts, each choice is drawn independently,
and a task that a sample cannot serve has weight 0.
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
_GREY = 127  # of the frames of a clip without video


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
        source: of frames and audio.
        audio: of the spectrograms; None leaves audio out.
        video: whether samples have video.
        features: the clips' spectrograms, where they are cached.
        scale: mean and standard deviation that spectrograms are scaled by; None leaves them as they are.
        train: whether clips are changed at random; else the middle is cut out, and each epoch is the same.
        crops: pairs taken of each clip in an epoch.
        seed: of everything random.

    Attributes:
        report: which pretext tasks the clips can serve.

    Raises:
        BadInputError: no clip serves any pretext task, or none has a modality that is taken.
    """

    def __init__(
        self,
        manifest: Manifest,
        settings: PairSettings,
        source: ClipSource,
        *,
        audio: AudioSettings | None,
        video: bool = True,
        features: FeatureCache | None = None,
        scale: tuple[float, float] | None = None,
        train: bool = True,
        crops: int = 1,
        seed: int = 0,
    ) -> None:
        assert video or audio, "a sample needs video or audio"
        assert crops >= 1, crops
        if features is not None:
            features.need_clips(manifest)
        self.manifest = manifest
        self.settings = settings
        self.scale = scale
        self.train = train
        self.seed = seed
        self.epoch = 0
        self._has_tasks = bool(settings.tasks)
        self._video = VideoReader(settings, source) if video else None
        self._audio = AudioReader(settings, audio, source, features) if audio else None
        self._present = [self._find_present(clip) for clip in manifest]
        self._video_ids = np.unique(sources_of(manifest), return_inverse=True)[1]
        self._numbers = SampleNumbers(np.full(len(manifest), crops, np.int64))
        kinds = [name for name, reader in (("video", self._video), ("audio", self._audio)) if reader]
        grids = [self._grids(clip, present) for clip, present in zip(manifest, self._present, strict=True)]
        self.report: TemporalReport = make_report(manifest, settings, kinds, grids)

    def __len__(self) -> int:
        return len(self._numbers)

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch of samples that are indexed by number alone."""
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
        if self._video is not None:
            sample["video_present"] = scalar("video" in grids)
            frames, able["video"] = self._video_of(clip, pair, rng)
            sample |= frames
        if self._audio is not None:
            sample["audio_present"] = scalar("audio" in grids)
            sample["audio"], able["audio"] = self._audio_of(index, clip, pair, rng)
        return sample | self._labels(pair, grids, able)

    def _find_present(self, clip: Clip) -> frozenset[str]:
        manifest = self.manifest
        kinds = (
            ("video", self._video, manifest.has_video),
            ("audio", self._audio, manifest.has_audio),
        )
        return frozenset(name for name, reader, has in kinds if reader and has(clip))

    def _grids(self, clip: Clip, present: frozenset[str]) -> dict[str, Grid]:
        grids = {}
        if self._video is not None and "video" in present:
            grids["video"] = self._video.grid(clip)
        if self._audio is not None and "audio" in present:
            grids["audio"] = self._audio.grid(clip)
        return grids

    def _draw(self, clip: Clip, grids: Mapping[str, Grid], rng: np.random.Generator) -> Pair:
        pair = draw_pair(grids, self.settings.gap, rng)
        if self.settings.respect_shots and self._video is not None and "video" in grids:
            for _ in range(_SHOT_DRAWS - 1):
                segments = pair.segments["video"]
                if not any(self._video.has_shot_boundary(self.manifest, clip, one) for one in segments):
                    break
                pair = draw_pair(grids, self.settings.gap, rng)
        return pair

    def _video_of(
        self, clip: Clip, pair: Pair, rng: np.random.Generator
    ) -> tuple[dict[str, Tensor], list[bool]]:
        """The frames and colour changes of both clips, and whether each serves the pretext tasks."""
        assert self._video is not None
        if "video" not in pair.segments:
            shape = 2, self.settings.num_frames, self.settings.size, self.settings.size, 3
            nothing = {"video": torch.full(shape, _GREY, dtype=torch.uint8)}
            if self.train:
                nothing["video_colours"] = torch.tensor([UNCHANGED] * 2)
            return nothing, [False, False]
        segments = pair.segments["video"]
        clips = self._video.read(self.manifest, clip, segments)
        able = [
            self._has_tasks and segment.fits and self._video.is_moving(one)
            for segment, one in zip(segments, clips, strict=True)
        ]
        windows, colours = self._video.windows(clips, rng if self.train else None)
        found = {"video": torch.from_numpy(windows)}
        if colours:
            found["video_colours"] = torch.from_numpy(np.array(colours, np.float32))
        return found, able

    def _audio_of(
        self, index: int, clip: Clip, pair: Pair, rng: np.random.Generator
    ) -> tuple[Tensor, list[bool]]:
        """The spectrograms of both clips, and whether each serves the pretext tasks."""
        reader = self._audio
        assert reader is not None
        if "audio" not in pair.segments:
            shape = 2, self.settings.audio_frames, reader.audio.num_mel_bins
            return torch.zeros(shape), [False, False]
        segments = pair.segments["audio"]
        frames = np.stack([reader.read(self.manifest, index, clip, segment) for segment in segments])
        able = [
            self._has_tasks and segment.fits and reader.is_audible(one)
            for segment, one in zip(segments, frames, strict=True)
        ]
        if self.train:
            for one in frames:
                reader.change(one, rng)
        audio = torch.from_numpy(frames)
        return (audio if self.scale is None else normalize(audio, *self.scale)), able

    def _labels(
        self, pair: Pair, grids: Mapping[str, Grid], able: Mapping[str, list[bool]]
    ) -> dict[str, Tensor]:
        """Labels and weights."""
        labels: dict[str, list[int]] = {}
        weights: dict[str, list[float]] = {}
        for name, clips in able.items():
            segments = pair.segments.get(name, ())
            possible = {"speed": name in grids and grids[name].num_speeds > 1, "direction": True}
            labels[f"{name}_speed"] = [segment.speed for segment in segments] or [0, 0]
            labels[f"{name}_direction"] = [int(segment.backward) for segment in segments] or [0, 0]
            for task, is_possible in possible.items():
                active = task in self.settings.tasks and is_possible
                weights[f"{name}_{task}"] = [float(active and one) for one in clips]
        for task, (one, other) in ORDERS.items():
            if one not in able or other not in able:
                continue
            known = one in pair.segments and other in pair.segments
            order = order_of(pair.segments[one][0], pair.segments[other][1]) if known else 0
            active = self.settings.has_order and pair.orders and able[one][0] and able[other][1]
            labels[task], weights[task] = [order], [float(known and active)]
        return _tensors(labels, np.int64) | {
            f"{name}_weight": value for name, value in _tensors(weights, np.float32).items()
        }


def _tensors(values: Mapping[str, list[int]] | Mapping[str, list[float]], kind: type) -> dict[str, Tensor]:
    """Lists as tensors, a list of one as a number."""
    return {
        name: torch.from_numpy(np.array(one if len(one) > 1 else one[0], kind))
        for name, one in values.items()
    }
