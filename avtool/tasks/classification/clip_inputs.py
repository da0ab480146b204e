"""The inputs of a classifier's clips: windows, spectrograms, features of frames, and samples of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from avtool.core.reporter import Reporter
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.base import ModelInput
from avtool.data.inputs.feature_cache import FeatureCache
from avtool.data.inputs.features import FeaturesInput
from avtool.data.inputs.frame_features import FrameFeatures, open_frame_features
from avtool.data.inputs.image import TRAINING_AREA, ImageInput
from avtool.data.inputs.spec import InputSpec
from avtool.data.inputs.video import VideoInput
from avtool.data.labels import encode_labels
from avtool.data.manifest import Manifest
from avtool.models.registry import MODELS
from avtool.tasks.classification.clips import LabelledClips, check_lengths, find_frames
from avtool.tasks.classification.features import FeatureSource
from avtool.tasks.classification.recipe import FinetuneRecipe

if TYPE_CHECKING:
    from torch import nn

    from avtool.tasks.classification.samples import ClipDataset


@dataclass(frozen=True)
class ClipInputs:
    """What a classifier reads of its clips.

    Attributes:
        recipe: the settings.
        clips: what is learned from and validated on.
        reporter: receives progress.
        jobs: processes that compute spectrograms.
        features: of spectrograms, where several tasks share them.
    """

    recipe: FinetuneRecipe
    clips: LabelledClips
    reporter: Reporter
    jobs: int
    features: FeatureSource | None

    @cached_property
    def num_frames(self) -> int:
        """Frames of the spectrograms that the model takes."""
        family = MODELS.find(self.recipe.model.name).family
        return family.fit_frames(find_frames(self.clips.train, self.recipe.data))

    @cached_property
    def frames(self) -> "FrameFeatures | None":
        """The features of frames, for a model that reads some."""
        path = self.recipe.data.frame_features
        return None if path is None else open_frame_features(path)

    @cached_property
    def source(self) -> FeatureSource:
        """Of spectrograms: those of the dataset's folds are cached together."""
        return self.features or FeatureSource(self.recipe, self.reporter, self.jobs, self.clips.whole)

    def of_training(
        self, train: Manifest, names: Sequence[str], model: "nn.Module"
    ) -> tuple[InputSpec, FeatureCache | None]:
        """The inputs among a model's arguments, and cached spectrograms of the training clips.

        Args:
            train: the training clips.
            names: of the model's arguments.
            model: whose settings decide the features of frames that it takes.

        Raises:
            BadInputError: clips are shorter than a window of the filter bank.
        """
        data, features = self.recipe.data, None
        mean, std = data.mean or 0.0, data.std or 1.0
        if "audio" in names:
            check_lengths(train, data.audio)
            features = self.source.of(train)
            if data.std is None:
                mean, std = self.source.scale(train, features)
        return self.spec(names, model, mean, std), features

    def spec(
        self, names: Sequence[str], model: "nn.Module", mean: float = 0.0, std: float = 1.0
    ) -> InputSpec:
        """The inputs among a model's arguments; mean and std are those of its spectrograms."""
        from avtool.data.inputs.frame_augment import RandAugment

        data, augment = self.recipe.data, self.recipe.augment
        pad_waveform, area = augment.mix_waveforms, augment.crop_area
        changes = RandAugment(augment.rand_augment, data.video.size) if augment.rand_augment else None
        frames = _frames_of(model)
        if (found := self.frames) is not None:
            seconds = self.num_frames / data.audio.steps_per_second
            frames = replace(frames, dim=found.width, crop_seconds=seconds, encoder=found.encoder)
        known: dict[str, ModelInput] = {
            "audio": AudioInput(data.audio, self.num_frames, mean, std, pad_waveform),
            "video": VideoInput(data.video, area=area, rand_augment=changes),
            "image": ImageInput(data.image, rand_augment=changes, area=area or TRAINING_AREA),
            "clip": frames,
        }
        return InputSpec(tuple(known[name] for name in names if name in known))

    def samples(
        self, clips: Manifest, spec: InputSpec, features: FeatureCache | None, *, train: bool
    ) -> "ClipDataset":
        """The samples of some clips.

        Args:
            clips: to read.
            spec: the inputs.
            features: cached spectrograms of these clips.
            train: crops are drawn, and each clip is one sample.
        """
        from avtool.tasks.classification.samples import ClipDataset

        data = self.recipe.data
        spec = spec.reading(AudioInput, features=features)
        if self.frames is not None:
            spec = spec.reading(FeaturesInput, features=self.frames.of(clips.column("clip_id")))
        return ClipDataset(
            clips,
            spec,
            targets=encode_labels(clips, self.clips.kind, self.clips.classes),
            train=train,
            cut=data.cut if train else "centre",
            windows=1 if train else data.windows,
            seed=self.recipe.seed,
        )

    @property
    def frame_width(self) -> int | None:
        """Numbers of a feature of a frame; None where there are none."""
        return self.frames.width if self.frames is not None else None


def _frames_of(model: "nn.Module") -> FeaturesInput:
    """The input of frame features, where the model takes some."""
    settings = getattr(model, "settings", None)
    return FeaturesInput(getattr(settings, "clip_steps", 1), dim=getattr(settings, "clip_dim", 1))
