"""The base of masked reconstruction: the steps that MAE, Audio-MAE, VideoMAE and MAViL share."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from avtool.core.errors import BadInputError
from avtool.data.clip_filter import Wanted
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.base import ModelInput
from avtool.data.inputs.feature_cache import FeatureCache, cached_features
from avtool.data.inputs.image import ImageInput
from avtool.data.inputs.settings import AudioSettings, VideoSettings
from avtool.data.inputs.spec import InputSpec, read_inputs
from avtool.data.inputs.video import VideoInput, film_source
from avtool.data.manifest import Manifest
from avtool.inference.reconstruction import reconstruct_batch
from avtool.models.family import DataFact
from avtool.models.registry import MODELS
from avtool.tasks.clips import PretrainClips, audio_seconds, find_clips
from avtool.tasks.feature_maps import ShownSamples, feature_section, first_labels
from avtool.tasks.masked.recipe import AudioRecipe, MaskedRecipe
from avtool.tasks.masked.reconstruction import reconstruction_sections
from avtool.tasks.pretraining import PretrainTask
from avtool.tasks.spectrogram_scale import measured_scale
from avtool.training.report import Section, load_trained
from avtool.training.task import Training
from avtool.training.validation import Validation

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.load import LoadedModel
    from avtool.models.model_folder import ModelDescription
    from avtool.tasks.masked.samples import MaskedClipDataset

_MOST_RECONSTRUCTED = 6

Masked = TypeVar("Masked", bound=MaskedRecipe)


@dataclass(frozen=True)
class MaskedTask(PretrainTask[Masked]):
    """Reconstruction of masked patches."""

    @property
    def method(self) -> str:
        """The method, for the model's card."""
        return type(self).name

    @property
    def audio(self) -> AudioRecipe | None:
        """Settings of audio; None where the method takes none."""
        return None

    @property
    def video(self) -> VideoSettings:
        """The window of frames, or the size of an image."""
        return VideoSettings()

    @property
    def teacher(self) -> "LoadedModel | None":
        """The model whose features are predicted; None where patches are reconstructed."""
        return None

    def make_objective(self, model: "nn.Module") -> "nn.Module":  # noqa: ARG002 - for those that compare it
        """The loss of the method.

        Raises:
            BadInputError: a teacher does not fit the model.
        """
        from avtool.objectives.masked.reconstruction import MaskedReconstruction

        assert self.recipe.target is not None, "the method reconstructs patches"
        return MaskedReconstruction(self.recipe.target)

    @cached_property
    def clips(self) -> PretrainClips:
        """The clips."""
        shortest = 0.0
        if self.audio is not None:  # one row of patches
            audio = self.audio.audio
            shortest = audio.samples_of(16) / audio.sample_rate
        wanted = Wanted(self.modalities, shortest=shortest)
        rate = self.audio.audio.sample_rate if self.audio is not None else AudioSettings().sample_rate
        return find_clips(self.source, self.recipe.data, wanted, rate, self.reporter)

    @cached_property
    def num_frames(self) -> int:
        """Frames of a spectrogram."""
        if self.audio is None:
            return 1
        steps = self.audio.audio.num_steps(audio_seconds(self.clips.train, self.audio))
        return MODELS.find(self.model_name).family.fit_frames(steps)

    def build(self) -> "tuple[nn.Module, dict[str, Any]]":
        """The network, and the arguments that build it again."""
        audio = self.audio.audio if self.audio is not None else AudioSettings()
        facts: dict[DataFact, int] = {
            "audio_frames": self.num_frames,
            "num_mel_bins": audio.num_mel_bins,
            "video_frames": self.video.num_frames,
            "image_size": self.video.size,
        }
        chosen = self.recipe.network_settings() | MODELS.find(self.model_name).follow(facts, {})
        return self.build_with(chosen)

    def num_samples(self) -> int:
        """Crops of an epoch."""
        return len(self._samples(self.clips.train, self._spec(), None, {}, train=True))

    def prepare(self) -> Training:
        """The model, its objective and its samples.

        Raises:
            BadInputError: data, model and settings do not fit together.
        """
        from avtool.data.inputs.collate import collate

        clips, recipe = self.clips, self.recipe
        model, arguments = self.build()
        self.load_start(model)
        objective = self.make_objective(model)
        spec, features = self._inputs
        data = self._samples(clips.train, spec, features, _noise(model), train=True)
        if len(self.modalities) > 1 and len(data) < recipe.loop.batch_size:
            self.reporter.warn(
                f"{len(data)} clips do not fill a batch of {recipe.loop.batch_size}: they come twice in it, "
                "and are contrasted with themselves"
            )
        return Training(
            model=model,
            objective=objective,
            samples=data,
            collate=collate,
            description=self._description(arguments, spec),
            validate=self._validation(objective, self._held_out_samples(model)) if self.validates else None,
            groups=data.groups,
            sample_ids=data.clip_ids,
        )

    def report(self, run: Path, training: Training) -> Sequence[Section]:
        """Reconstructions and a map of the features."""
        from avtool.data.inputs.collate import collate
        from avtool.data.inputs.video_augment import as_float

        model, device = load_trained(run, self.recipe.runtime.device)
        shown = ShownSamples(
            self._held_out_samples(training.model),
            collate,
            first_labels(self.held_out),
            lambda batch: {name: as_float(batch, name) for name in self.modalities},
            held_out=self.validates,
        )
        sections = []
        if (kind := self.recipe.target) is not None:
            found = reconstruct_batch(model, shown.batch(0, _MOST_RECONSTRUCTED, device), kind)
            sections = reconstruction_sections(found, held_out=self.validates)
        return [*sections, feature_section(model, shown, device, self.reporter)]

    def _held_out_samples(self, model: "nn.Module") -> "MaskedClipDataset":
        spec, features = self._inputs
        return self._samples(self.held_out, spec, features, _noise(model), train=False)

    def _description(self, arguments: dict[str, Any], spec: InputSpec) -> "ModelDescription":
        """How the saved model is built and fed."""
        from avtool.models.model_folder import ModelDescription

        return ModelDescription(
            self.model_name,
            arguments,
            {"method": type(self).name, **spec.to_json(), "target": self.recipe.target},
            f"An encoder of {' and '.join(self.modalities)}, pretrained by {self.method} on "
            f"{len(self.clips.train)} clips without labels.",
            self.command,
            self.inputs,
            assets=spec.assets(),
        )

    def _validation(self, objective: "nn.Module", clips: "MaskedClipDataset") -> Validation:
        """The same loss on other clips."""
        from avtool.data.inputs.collate import collate
        from avtool.models.runtime import default_workers

        return Validation(
            objective,
            clips,
            collate,
            self.recipe.loop.batch_size,
            whole_batches=len(self.modalities) > 1,
            workers=default_workers() if "video" in self.modalities else 0,
        )

    def _spec(self, mean: float = 0.0, std: float = 1.0) -> InputSpec:
        """The inputs of the model."""
        audio = self.audio.audio if self.audio is not None else AudioSettings()
        known: dict[str, ModelInput] = {
            "audio": AudioInput(audio, self.num_frames, mean, std),
            "video": VideoInput(self.video),
            "image": ImageInput(self.video),
        }
        return InputSpec(tuple(known[name] for name in self.modalities))

    @cached_property
    def _inputs(self) -> tuple[InputSpec, FeatureCache | None]:
        """The inputs of the model, and the spectrograms where they are cached.

        A student's spectrograms are scaled as its teacher's were, since the teacher gets the same ones.
        """
        spectrograms, teacher = self.audio, self.teacher
        if spectrograms is None:
            return self._spec(), None
        features = None
        if spectrograms.cache and self.clips.shards is None:
            features = cached_features(self.clips.whole, spectrograms.audio, self.reporter, jobs=self.jobs)
        mean, std = spectrograms.mean or 0.0, spectrograms.std
        if std is None and teacher is not None:
            mean, std = _scale_of(teacher, spectrograms.audio)
        elif std is None:
            mean, std = measured_scale(
                self.clips, spectrograms.audio, features, self.reporter, jobs=self.jobs
            )
        return self._spec(mean, std), features

    def augmented(self, spec: InputSpec, features: FeatureCache | None) -> InputSpec:
        """The inputs with their sources and augmentation, as samples read them."""
        from avtool.data.inputs.spec_augment import RollAndGain

        data, shards = self.recipe.data, self.clips.shards
        augment = RollAndGain(enabled=getattr(data, "roll", False))
        spec = spec.reading(AudioInput, features=features, source=shards, augment=augment, scaled=True)
        if "video" not in spec:
            return spec
        source = shards or film_source(self.video, cache_mib=getattr(data, "cache_mib", 1))
        return spec.reading(VideoInput, source=source)

    def _samples(
        self,
        clips: Manifest,
        spec: InputSpec,
        features: FeatureCache | None,
        noise: dict[str, int],
        *,
        train: bool,
    ) -> "MaskedClipDataset":
        from avtool.tasks.masked.samples import MaskedClipDataset

        data = self.recipe.data
        known = features.of(clips.column("clip_id")) if features else None
        samples = MaskedClipDataset(
            clips,
            self.augmented(spec, known),
            noise=noise,
            second_view=len(spec.names) > 1,
            train=train,
            align=getattr(data, "align", False),
            crops=(data.crops or None) if train else 1,
            seed=self.recipe.seed,
        )
        if not len(samples):
            raise BadInputError(f"`{clips.origin}` has no clips to learn from", "choose another split")
        return samples


def _noise(model: "nn.Module") -> dict[str, int]:
    """The number of patches of each input."""
    return {name: grid.num_tokens for name, grid in model.grids.items()}  # type: ignore[union-attr,operator]


def _scale_of(teacher: "LoadedModel", audio: AudioSettings) -> tuple[float, float]:
    """Mean and deviation that a teacher's spectrograms were scaled by."""
    seen = read_inputs(Path("the teacher"), teacher.preprocess).get(AudioInput)
    assert seen is not None, "a MAViL takes audio"
    if seen.settings != audio:
        theirs, ours = seen.settings.model_dump(), audio.model_dump()
        name = next(name for name in ours if ours[name] != theirs[name])
        message = f"the teacher takes spectrograms of {name} {theirs[name]}, and these have {ours[name]}"
        raise BadInputError(message, f"--set data.audio.{name}={theirs[name]}")
    return seen.mean, seen.std
