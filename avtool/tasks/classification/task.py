"""Classification of clips as a task: network, loss, augmentation, validation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.artifact import Input
from avtool.core.learned_clips import Use
from avtool.core.reporter import Reporter
from avtool.data.clip_filter import Skipped
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.frame_features import frames_input
from avtool.data.inputs.spec import InputSpec
from avtool.data.labels import LabelKind, encode_labels
from avtool.data.manifest import Manifest
from avtool.inference.outputs import OutputSpec
from avtool.mining.review.journal import review_input
from avtool.models.registry import MODELS
from avtool.models.start import freeze_encoder, load_start
from avtool.tasks.classification.adapt import recipe_of_start
from avtool.tasks.classification.clip_inputs import ClipInputs
from avtool.tasks.classification.clips import (
    LabelledClips,
    check_lengths,
    dataset_inputs,
    find_clips,
)
from avtool.tasks.classification.features import FeatureSource
from avtool.tasks.classification.metrics import METRIC
from avtool.tasks.classification.network import build_network, check_inputs, video_group
from avtool.tasks.classification.recipe import FinetuneRecipe
from avtool.training.report import Section, load_trained
from avtool.training.run import weights_input
from avtool.training.task import Task, Training, register

if TYPE_CHECKING:
    from torch import Tensor, nn

    from avtool.models.frozen import FrozenWeights
    from avtool.models.model_folder import ModelDescription
    from avtool.objectives.classification import Classification, Criterion
    from avtool.tasks.classification.batch_transform import BatchTransform
    from avtool.tasks.classification.validation import ClipValidation


@register
@dataclass(frozen=True)
class ClassificationTask(Task[FinetuneRecipe]):
    """Classification of clips by audio, video, images or features of frames.

    Attributes:
        given: clips that a caller has chosen; None takes those of the dataset `source`.
        given_inputs: what decides these clips, for the run's identity and the model card.
        features: of spectrograms, where several tasks share them.
    """

    name = "classification"
    verb = "finetune"
    summary = "Train a classifier of audio, video or both on a labelled dataset."
    recipe_type = FinetuneRecipe

    given: LabelledClips | None = None
    given_inputs: Sequence[Input] = ()
    features: FeatureSource | None = None

    @classmethod
    def of_clips(
        cls,
        train: Manifest,
        classes: Sequence[str],
        recipe: FinetuneRecipe,
        reporter: Reporter,
        *,
        val: Manifest | None = None,
        inputs: Sequence[Input] = (),
        features: FeatureSource | None = None,
        kind: LabelKind = "single-label",
        jobs: int = 1,
        command: str = "finetune",
    ) -> "ClassificationTask":
        """A task of clips that a caller has chosen: a fold of a benchmark.

        Args:
            train: clips to learn from.
            classes: the names that labels are of.
            recipe: the settings; its splits and folds have no effect.
            reporter: receives decisions and progress.
            val: clips to validate on.
            inputs: what decides the clips; by default their ids, places and labels.
            features: of spectrograms, where several tasks share them.
            kind: of labels: one a clip, or several.
            jobs: processes that compute spectrograms.
            command: the command line, for the cards.
        """
        clips = LabelledClips(train, val, kind, (tuple(classes),))
        return cls(
            Path(train.origin), recipe, reporter, jobs, command,
            given=clips, given_inputs=inputs or [clips.as_input()], features=features,
        )  # fmt: skip

    @classmethod
    def settle(cls, recipe: FinetuneRecipe, reporter: Reporter) -> FinetuneRecipe:
        """The recipe with the network and the inputs of the model that it starts from, where it sets none."""
        return recipe_of_start(recipe, reporter)

    @classmethod
    def subcommand(cls) -> str:
        """`finetune`, which trains nothing else."""
        return cls.verb

    @property
    def run_name(self) -> str:
        """Verb and architecture."""
        return f"{self.verb}-{self.recipe.model.name}"

    @property
    def learned_from(self) -> Sequence[tuple[Manifest, Use]]:
        """Training clips with their labels; validation clips where they decide anything."""
        found: list[tuple[Manifest, Use]] = [(self.clips.train, "labels")]
        if self.clips.val is not None and self.recipe.selects:
            found.append((self.clips.val, "selection"))
        return found

    @property
    def starts(self) -> Sequence[Path]:
        """Initial weights, and the encoder of the frames, which has learned from clips of its own."""
        found = [self.recipe.model.init]
        if (frames := self._clip_inputs.frames) is not None:
            encoder = frames.encoder
            found.append(Path(encoder.name) if encoder else self.recipe.data.frame_features)
        return [path for path in found if path is not None]

    @cached_property
    def inputs(self) -> Sequence[Input]:
        """Clips and class lists, and the weights that the model starts from."""
        found = list(self.given_inputs) if self.given is not None else dataset_inputs(self.source)
        if (frames := self.recipe.data.frame_features) is not None:
            found.append(frames_input(frames))
        if self.given is None and (review := self.recipe.data.review) is not None:
            found.append(review_input(review))
        init = self.recipe.model.init
        return [*found, *([weights_input(init)] if init else [])]

    @cached_property
    def _clip_inputs(self) -> ClipInputs:
        return ClipInputs(self.recipe, self.clips, self.reporter, self.jobs, self.features)

    @cached_property
    def clips(self) -> LabelledClips:
        """What is learned from and validated on."""
        if self.given is not None:
            return self.given
        recipe = self.recipe
        inputs = recipe.model.modalities or MODELS.find(recipe.model.name).family.inputs
        return find_clips(self.source, recipe.data, inputs, self.reporter)

    @property
    def validates(self) -> bool:
        """Whether there are validation clips."""
        return self.clips.val is not None

    @property
    def skipped(self) -> Sequence[Skipped]:
        """The clips without what the model takes."""
        return self.clips.skipped

    def describe(self) -> Mapping[str, int | str]:
        """The model, the kind of labels, and how many clips and classes there are."""
        return {
            "model": self.recipe.model.name,
            "labels": self.clips.kind,
            "classes": sum(self.clips.sizes),
            "train_clips": len(self.clips.train),
            "val_clips": len(self.clips.val or ()),
            "skipped_clips": len(self.clips.skipped),
        }

    def num_samples(self) -> int:
        """Training clips: each is a sample."""
        return len(self.clips.train)

    def build(self) -> "tuple[nn.Module, dict[str, Any]]":
        """The network, and the arguments that build it again."""
        given = self._clip_inputs
        return build_network(self.recipe, sum(self.clips.sizes), given.num_frames, given.frame_width)

    def prepare(self) -> Training:
        """The network, its loss and the clips.

        Raises:
            BadInputError: data, model and settings do not fit together.
        """
        from avtool.data.inputs.collate import collate
        from avtool.models.frozen import FrozenWeights
        from avtool.tasks.classification.batch_transform import BatchTransform, OnDevice
        from avtool.tasks.classification.samples import warn_of_unseen_classes

        recipe, clips = self.recipe, self.clips
        model, arguments = self.build()
        start = recipe.model
        load_start(model, start.name, start.init, self.reporter, interpolate=start.interpolate_positions)
        frozen = []
        if start.freeze:
            freeze_encoder(model, start.name)
            if start.init is not None:
                interpolate = start.interpolate_positions
                frozen = [FrozenWeights.of(model, start.name, start.init, interpolate=interpolate)]
        inputs: tuple[str, ...] = model.inputs  # type: ignore[assignment]
        check_inputs(recipe, inputs)
        train, val = clips.train, clips.val
        warn_of_unseen_classes(encode_labels(train, clips.kind, clips.classes), self.reporter)
        spec, features = self._clip_inputs.of_training(train, inputs, model)
        outputs = self._outputs(inputs)
        transform = BatchTransform(outputs.sizes, spec, recipe.augment)
        return Training(
            model=model,
            objective=self._objective(model),
            samples=self._clip_inputs.samples(train, spec, features, train=True),
            collate=collate,
            description=self._description(arguments, outputs, spec, frozen),
            self_contained=True,
            transform=OnDevice(transform),
            validate=self._validation(val, spec, outputs, transform) if val is not None else None,
            metric=METRIC[clips.kind] if val is not None else "loss",
            maximise=val is not None,
            labels=train.values("labels"),
            groups=train.values("group"),
            parameter_groups=video_group(recipe, model),
        )

    def _description(
        self,
        arguments: Mapping[str, Any],
        outputs: OutputSpec,
        spec: InputSpec,
        frozen: "list[FrozenWeights]",
    ) -> "ModelDescription":
        from avtool.models.model_folder import ModelDescription

        return ModelDescription(
            self.recipe.model.name,
            arguments,
            {**outputs.to_json(), **spec.to_json()},
            f"Names clips by {len(outputs.labels)} classes, from {' and '.join(spec.names)}; "
            f"trained on {len(self.clips.train)} clips.",
            self.command,
            self.inputs,
            frozen,
            spec.assets(),
        )

    def example(self) -> "Mapping[str, Tensor]":
        """Zeros."""
        import torch

        model, _ = self.build()
        names: tuple[str, ...] = model.inputs  # type: ignore[assignment]
        size = self.recipe.loop.batch_size
        found: dict[str, Tensor] = {}
        for one in self._clip_inputs.spec(names, model).reading(AudioInput, pad_waveform=False):
            for name, value in one.absent().items():
                if name in names:
                    found[name] = torch.zeros(size, *value.shape, dtype=value.dtype)
        return found

    def report(self, run: Path, training: Training) -> Sequence[Section]:
        """Each class's score on the validation clips, and the most confident mistakes."""
        from avtool.tasks.classification.report import class_sections, mistake_sections
        from avtool.tasks.classification.validation import ClipValidation

        if not isinstance(training.validate, ClipValidation):
            return ()

        model, device = load_trained(run, self.recipe.runtime.device)
        validate = training.validate
        logits = validate.logits(model, device)
        sections = class_sections(logits, validate.targets, validate.unlabelled)
        return [
            *sections,
            *mistake_sections(logits, validate.targets, validate.clips.manifest, self.reporter),
        ]

    def _outputs(self, inputs: Sequence[str]) -> OutputSpec:
        labels = tuple(name for names in self.clips.classes for name in names)
        rolls = self.recipe.data.tta_shifts if "audio" in inputs else 1
        return OutputSpec(self.clips.kind, labels, self.clips.sizes, rolls)

    def _objective(self, model: "nn.Module") -> "Classification":
        from avtool.objectives.classification import Classification

        criterion = self._criterion(self.recipe.loss.smoothing)
        return Classification(model.inputs, criterion, self.recipe.loss.per_modality)  # type: ignore[arg-type]

    def _criterion(self, smoothing: float) -> "Criterion":
        from avtool.objectives.classification import CRITERIA

        name: str = self.clips.kind
        if name == "multi-label" and self.recipe.loss.over_classes == "sum":
            name = "multi-label-sum"
        more = {"sizes": self.clips.sizes} if name == "verb-noun" else {}
        return partial(CRITERIA[name], smoothing=smoothing, **more)

    def _validation(
        self, val: Manifest, spec: InputSpec, outputs: OutputSpec, transform: "BatchTransform"
    ) -> "ClipValidation":
        from avtool.models.runtime import default_workers
        from avtool.tasks.classification.validation import ClipValidation

        features = None
        if "audio" in spec:
            check_lengths(val, self.recipe.data.audio)
            features = self._clip_inputs.source.of(val)
        clips = self._clip_inputs.samples(val, spec, features, train=False)
        assert clips.targets is not None, "the clips have labels"
        if unseen := clips.targets.unseen():
            self.reporter.warn(
                f"{len(unseen)} classes have no clip to validate on, `{unseen[0]}` among them"
                + (": the mean leaves them out" if self.clips.kind == "multi-label" else "")
            )
        workers = default_workers() if {"video", "image"} & set(spec.names) else 0
        criterion = self._criterion(smoothing=0.0)
        batch_size = self.recipe.loop.batch_size
        return ClipValidation(
            clips, transform, batch_size, workers, criterion, outputs.rolls, self.recipe.data.unlabelled
        )
