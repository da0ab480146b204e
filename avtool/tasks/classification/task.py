"""Puts a training together: clips, network, loss, augmentation, validation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from avtool.core.artifact import Input
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.inputs.feature_cache import FeatureCache
from avtool.data.labels import Targets, Task, encode_labels
from avtool.data.manifest import Manifest
from avtool.inference.preprocess import Preprocess
from avtool.models.registry import MODELS
from avtool.models.start import freeze_encoder, load_start
from avtool.tasks.classification.clips import check_lengths, find_frames, with_modality
from avtool.tasks.classification.features import FeatureSource
from avtool.tasks.classification.metrics import METRIC, clip_metrics
from avtool.tasks.classification.network import build_network
from avtool.tasks.classification.recipe import FinetuneRecipe

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import nn

    from avtool.objectives.classification import Classification, Criterion
    from avtool.tasks.classification.batch_transform import BatchTransform
    from avtool.tasks.classification.samples import ClipDataset
    from avtool.training.task import Training


@dataclass(frozen=True)
class Experiment:
    """What a training is made of.

    Attributes:
        train: clips to learn from.
        val: clips to validate on, or None.
        task: what labels are.
        classes: the class lists.
        recipe: the settings.
        source: of spectrograms.
        reporter: told about decisions.
        command: the command line.
        inputs: the artifacts that it is made from.
    """

    train: Manifest
    val: Manifest | None
    task: Task
    classes: tuple[tuple[str, ...], ...]
    recipe: FinetuneRecipe
    source: FeatureSource
    reporter: Reporter
    command: str = "finetune"
    inputs: Sequence[Input] = ()

    def compose(self) -> "Training":
        """What the training loop takes.

        Raises:
            BadInputError: data, model and settings do not fit together; one line says which.
        """
        from avtool.data.inputs.collate import collate
        from avtool.models.model_folder import ModelDescription
        from avtool.tasks.classification.samples import warn_of_unseen_classes
        from avtool.training.task import Training

        recipe = self.recipe
        sizes = tuple(len(names) for names in self.classes)
        num_frames = MODELS.find(recipe.model.name).family.fit_frames(find_frames(self.train, recipe.data))
        model, arguments = build_network(recipe, sum(sizes), num_frames)
        load_start(
            model,
            recipe.model.name,
            recipe.model.init,
            self.reporter,
            fit_positions=recipe.model.fit_positions,
        )
        if recipe.model.freeze:
            freeze_encoder(model, recipe.model.name)
        inputs: tuple[str, ...] = model.inputs  # type: ignore[assignment]
        _check_modalities(recipe, inputs)
        train = with_modality(self.train, inputs, self.reporter)
        val = with_modality(self.val, inputs, self.reporter) if self.val is not None else None
        targets = encode_labels(train, self.task, self.classes)
        warn_of_unseen_classes(targets, self.reporter)
        features = None
        mean, std = recipe.data.mean or 0.0, recipe.data.std or 1.0
        if "audio" in inputs:
            check_lengths(train, recipe.data.audio)
            features = self.source.of(train)
            if recipe.data.std is None:
                mean, std = self.source.scale(train, features)
        preprocess = Preprocess(
            task=self.task,
            labels=tuple(name for names in self.classes for name in names),
            sizes=sizes,
            rolls=recipe.data.rolls,
            inputs=tuple(name for name in inputs if name in {"audio", "video", "clip", "image"}),
            audio=recipe.data.audio,
            num_frames=num_frames,
            mean=mean,
            std=std,
            pad_waveform=recipe.augment.mix_waveforms,
            video=recipe.data.video,
        )
        transform = self._transform(preprocess)
        return Training(
            model=model,
            objective=self._objective(model, sizes),
            samples=self._clips(train, preprocess, features, train=True),
            collate=collate,
            description=ModelDescription(
                recipe.model.name,
                arguments,
                preprocess.to_json(),
                f"Names clips by {len(preprocess.labels)} classes, from {' and '.join(preprocess.inputs)}; "
                f"trained on {len(train)} clips.",
                self.command,
                self.inputs,
            ),
            transform=_OnDevice(transform),
            validate=self._validation(val, preprocess, transform) if val is not None else None,
            metric=METRIC[self.task] if val is not None else "loss",
            maximise=val is not None,
            labels=train.column("labels"),
            groups=train.column("group"),
        )

    def _transform(self, preprocess: Preprocess) -> "BatchTransform":
        from avtool.tasks.classification.batch_transform import BatchTransform

        audio = preprocess.audio if "audio" in preprocess.inputs else None
        return BatchTransform(
            preprocess.sizes,
            audio,
            preprocess.num_frames,
            preprocess.mean,
            preprocess.std,
            self.recipe.augment,
        )

    def _objective(self, model: "nn.Module", sizes: tuple[int, ...]) -> "Classification":
        from avtool.objectives.classification import Classification

        criterion = self._criterion(sizes, self.recipe.loss.smoothing)
        return Classification(model.inputs, criterion, self.recipe.loss.each_modality)  # type: ignore[arg-type]

    def _criterion(self, sizes: tuple[int, ...], smoothing: float) -> "Criterion":
        from avtool.objectives.classification import CRITERIA

        name: str = self.task
        if self.task == "multi-label" and self.recipe.loss.over_classes == "sum":
            name = "multi-label-sum"
        more = {"sizes": sizes} if self.task == "verb-noun" else {}
        return partial(CRITERIA[name], smoothing=smoothing, **more)

    def _clips(
        self, clips: Manifest, preprocess: Preprocess, features: FeatureCache | None, *, train: bool
    ) -> "ClipDataset":
        from avtool.data.inputs.clip_views import AudioView, FrameFeatureView, VideoView
        from avtool.data.inputs.image_view import ImageView
        from avtool.tasks.classification.samples import ClipDataset

        data, audio, frames, video, image = self.recipe.data, None, None, None, None
        if "audio" in preprocess.inputs:
            settings, steps = preprocess.audio, preprocess.num_frames
            if preprocess.pad_waveform:
                settings, steps = (
                    settings.model_copy(update={"kind": "waveform"}),
                    settings.samples_of(preprocess.num_frames),
                )
            audio = AudioView(settings, steps, features)
        if "video" in preprocess.inputs:
            video = VideoView(preprocess.video)
        if "image" in preprocess.inputs:
            image = ImageView(preprocess.video.size, flip=preprocess.video.flip)
        if "clip" in preprocess.inputs:
            assert data.frame_features is not None, "checked with the modalities"
            cache = FeatureCache(data.frame_features, clips.column("clip_id"))
            frames = FrameFeatureView(cache, int(self.recipe.model.arguments.get("clip_steps", 12)))
        return ClipDataset(
            clips,
            audio=audio,
            video=video,
            frames=frames,
            image=image,
            targets=encode_labels(clips, self.task, self.classes),
            train=train,
            cut=data.cut if train else "centre",
            windows=1 if train else data.windows,
            seed=self.recipe.seed,
        )

    def _validation(
        self, val: Manifest, preprocess: Preprocess, transform: "BatchTransform"
    ) -> "_Validation":
        from avtool.models.runtime import default_workers

        features = None
        if "audio" in preprocess.inputs:
            check_lengths(val, preprocess.audio)
            features = self.source.of(val)
        clips = self._clips(val, preprocess, features, train=False)
        assert clips.targets is not None, "the clips have labels"
        if unseen := clips.targets.unseen():
            self.reporter.warn(
                f"{len(unseen)} classes have no clip to validate on, `{unseen[0]}` among them"
                + (": the mean leaves them out" if self.task == "multi-label" else "")
            )
        workers = default_workers() if {"video", "image"} & set(preprocess.inputs) else 0
        criterion = self._criterion(preprocess.sizes, smoothing=0.0)
        batch_size = self.recipe.loop.batch_size
        return _Validation(clips, transform, batch_size, workers, criterion, preprocess.rolls)


@dataclass(frozen=True)
class _OnDevice:
    """The training's transform, which follows the batch to its device."""

    transform: "BatchTransform"

    def __call__(self, batch: dict[str, Any], generator: "torch.Generator") -> dict[str, Any]:  # noqa: ARG002
        self.transform.to(batch["label"].device)
        changed: dict[str, Any] = self.transform(batch)
        return changed


@dataclass(frozen=True)
class _Validation:
    """Scores the validation clips."""

    clips: "ClipDataset"
    transform: "BatchTransform"
    batch_size: int
    workers: int
    criterion: "Criterion"
    rolls: int

    def __call__(self, model: "nn.Module", device: "torch.device") -> Mapping[str, float]:
        from avtool.tasks.classification.scoring import score_clips

        logits = score_clips(
            model,
            self.clips,
            self.transform,
            device,
            batch_size=self.batch_size,
            workers=self.workers,
            rolls=self.rolls,
        )
        if not np.isfinite(logits).all():
            raise FloatingPointError("the model's answers to the validation clips are not finite")
        targets = self.clips.targets
        assert targets is not None, "the clips have labels"
        return {**clip_metrics(logits, targets), "loss": self._loss(logits, targets)}

    def _loss(self, logits: "NDArray[np.float32]", targets: Targets) -> float:
        """The loss without label smoothing, to hold beside that of training."""
        import torch

        labels = torch.from_numpy(np.stack([targets.target(clip) for clip in range(len(targets))]))
        return float(self.criterion(torch.from_numpy(logits), labels).mean())


def _check_modalities(recipe: FinetuneRecipe, inputs: Sequence[str]) -> None:
    both = {"audio", "video"} <= set(inputs)
    if recipe.augment.modality_dropout and not both:
        raise BadInputError(
            f"--modality-dropout needs a model of sound and pictures; `{recipe.model.name}` is none",
            "leave it out, or choose an MBT",
        )
    if recipe.augment.splice and tuple(inputs) != ("audio",):
        raise BadInputError(
            f"augment.splice needs a model of sound alone; `{recipe.model.name}` is none", "leave it out"
        )
    if recipe.augment.mixup == "modality" and not (both and recipe.loss.each_modality):
        raise BadInputError(
            "--mixup modality gives sound and pictures different labels: it needs a model of both, and "
            "loss.each_modality",
            "choose --mixup batch, or an MBT",
        )
    if "clip" in inputs and recipe.data.frame_features is None:
        raise BadInputError(
            f"`{recipe.model.name}` reads features of frames, and there are none",
            "set data.frame_features to a `features` artifact",
        )
