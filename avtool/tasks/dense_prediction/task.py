"""Detection and segmentation as a task: a row of the zoo on COCO-style annotations, by its library's loss."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.artifact import Input
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.clip_filter import Skipped
from avtool.models.zoo.catalogue import find_row, need_builder
from avtool.models.zoo.family import DENSE_PREFIX
from avtool.models.zoo.row import Row
from avtool.tasks.dense_prediction.annotated import AnnotatedImages, find_annotated
from avtool.tasks.dense_prediction.recipe import DensePredictionRecipe
from avtool.training.run import weights_input
from avtool.training.task import Task, Training, register

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.model_folder import ModelDescription
    from avtool.models.zoo.dense_network import DenseRow
    from avtool.tasks.dense_prediction.samples import Augmentation
    from avtool.training.parameter_groups import ParameterGroup

_AUXILIARY = ("Detr", "ConditionalDetr", "DabDetr", "DeformableDetr")
"""Detectors whose decoder layers all learn, as published; an option of transformers."""


@register
@dataclass(frozen=True)
class DensePredictionTask(Task[DensePredictionRecipe]):
    """A detector or segmenter (Liu et al., 2023)."""

    name = "dense-prediction"
    summary = "Train a detector or segmenter of the zoo on COCO-style annotations."
    takes = "COCO-style annotations of instances (.json), or a folder with annotations.json."
    recipe_type = DensePredictionRecipe

    @classmethod
    def settle(cls, recipe: DensePredictionRecipe, reporter: Reporter) -> DensePredictionRecipe:  # noqa: ARG003
        """The recipe as it is.

        Raises:
            BadInputError: the row does not exist, has no builder, or classifies images.
        """
        row = need_builder(find_row(recipe.model.name))
        if row.task == "classification":
            message = f"`{row.name}` classifies images: `avtool zoo train` trains it"
            raise BadInputError(message, "avtool zoo list --built --task detection, or segmentation")
        return recipe

    @cached_property
    def row(self) -> Row:
        """What is trained."""
        return find_row(self.recipe.model.name)

    @cached_property
    def data(self) -> tuple[AnnotatedImages, AnnotatedImages | None]:
        """The images of training and of validation."""
        return find_annotated(self.source, self.recipe.data)

    @cached_property
    def names(self) -> list[str]:
        """The classes, in the network's order."""
        pixels = self.row.task == "segmentation" and "instance" not in self.row.name
        return self.data[0].names(pixels=pixels, background=self.recipe.data.background)

    @cached_property
    def inputs(self) -> Sequence[Input]:
        """Annotations, images and initial weights."""
        init = self.recipe.model.init
        found = [one for part in self.data if part is not None for one in part.inputs]
        return [*found, *([weights_input(init)] if init else [])]

    @property
    def starts(self) -> Sequence[Path]:
        """The initial weights."""
        return [self.recipe.model.init] if self.recipe.model.init else []

    @property
    def validates(self) -> bool:
        """Whether there are images to validate on."""
        return self.data[1] is not None

    @property
    def skipped(self) -> Sequence[Skipped]:
        """Groups, and boxes without an area."""
        return self.data[0].skipped

    def describe(self) -> Mapping[str, int | str]:
        """The row, its images and classes."""
        train, val = self.data
        return {
            "model": self.row.key,
            "train_images": len(train.annotations.images),
            "train_objects": sum(len(one) for one in train.objects.values()),
            "val_images": len(val.annotations.images) if val else 0,
            "classes": len(self.names),
        }

    def num_samples(self) -> int:
        """Images of an epoch."""
        return len(self.data[0].annotations.images)

    def build(self) -> "tuple[nn.Module, dict[str, Any]]":
        """The network, and the arguments that build it again."""
        from avtool.models.build import build_seeded, tuples

        options = dict(self.recipe.model.options)
        if self.row.target.rpartition("For")[0] in _AUXILIARY:
            options.setdefault("auxiliary_loss", True)
        arguments = {
            "row": self.row.key,
            "num_classes": len(self.names),
            "side": self.recipe.data.side or 0,
            "options": tuples(options),
        }
        return build_seeded(f"{DENSE_PREFIX}:{self.row.key}", arguments, self.recipe.seed), arguments

    def kept_bytes(self) -> int:
        """Of a batch of images as large as the largest: of two images, whose products are not computed."""
        import torch

        from avtool.models.zoo.count import MacCounter
        from avtool.models.zoo.dense_prediction import processor_of, scaled_size
        from avtool.tasks.dense_prediction.samples import processors_of
        from avtool.training.memory import kept_bytes

        drawn = processors_of(self.row, self.recipe.augment)
        processor = max(drawn, key=lambda one: one.size.shortest_edge, default=None)
        processor = processor or processor_of(self.row, self.recipe.data.side)
        declared = self.data[0].annotations.api.imgs.values()
        scaled = [scaled_size(processor, (one["height"], one["width"])) for one in declared]
        size = max(height for height, _ in scaled), max(width for _, width in scaled)
        network = self.build()[0].train()
        image, mask = torch.zeros(2, 3, *size), torch.ones(2, *size, dtype=torch.int64)
        with MacCounter():
            kept = kept_bytes(network, lambda: network(image, mask))
        return kept * self.recipe.loop.batch_size // 2

    def prepare(self) -> Training:
        """The network, its library's loss, and annotated images.

        Raises:
            BadInputError: annotations, row and settings do not fit together.
            MissingError: transformers or pycocotools is absent.
        """
        from avtool.models.model_files import weights_file
        from avtool.models.zoo.dense_network import start_dense
        from avtool.models.zoo.dense_prediction import processor_of
        from avtool.objectives.library_loss import LibraryLoss
        from avtool.tasks.dense_prediction.samples import DenseSamples, collate_dense, processors_of
        from avtool.tasks.dense_prediction.validation import DenseValidation
        from avtool.training.validation import Validation

        recipe, (train, val) = self.recipe, self.data
        if not any(train.objects.values()) and recipe.data.masks is None:
            raise BadInputError(f"`{train.file}` has no objects to learn from", "give annotated images")
        model: DenseRow
        model, arguments = self.build()  # type: ignore[assignment]
        if recipe.model.init:
            start_dense(model, weights_file(recipe.model.init), self.reporter)
        processor = processor_of(self.row, recipe.data.side)
        given = (self.row, self.names, processor, recipe.seed)
        samples = DenseSamples(
            train,
            *given,
            recipe.data.flip,
            self._augmentation(processor),
            processors_of(self.row, recipe.augment),
        )
        validation = None
        if val is not None:
            held_out = DenseSamples(val, *given, 0.0)
            losses = Validation(
                LibraryLoss(), held_out, collate_dense, recipe.loop.batch_size, whole_batches=False, workers=0
            )
            validation = DenseValidation(losses, val, self.row, self.names, recipe, self.reporter)
        return Training(
            model=model,
            objective=LibraryLoss(),
            samples=samples,
            collate=collate_dense,
            description=self._description(arguments),
            validate=validation,
            metric=validation.metric if validation else "loss",
            maximise=validation is not None,
            parameter_groups=self._groups(model),
            sample_ids=samples.sample_ids,
            validated_on="validation images",
        )

    def _augmentation(self, processor: Any) -> "Augmentation | None":
        if not self.recipe.augment.changes:
            return None
        from avtool.tasks.dense_prediction.augment import DenseAugmentation

        return DenseAugmentation.of_processor(self.recipe.augment, processor)

    def _groups(self, model: "DenseRow") -> "Sequence[ParameterGroup]":
        from avtool.training.parameter_groups import ParameterGroup

        backbone = model.backbone()
        return [ParameterGroup("backbone", [backbone], self.recipe.backbone)] if backbone is not None else []

    def _description(self, arguments: dict[str, Any]) -> "ModelDescription":
        from avtool.models.model_folder import ModelDescription
        from avtool.models.zoo.trained import TASK

        count = self.num_samples()
        found = "boxes" if self.row.task == "detection" else "masks"
        return ModelDescription(
            f"{DENSE_PREFIX}:{self.row.key}",
            arguments,
            {
                "task": TASK,
                "row": self.row.key,
                "classes": self.names,
                "side": self.recipe.data.side,
                "usage": f"avtool zoo run {self.row.key} photo.jpg --weights . --out found",
            },
            f"Finds {found} of {len(self.names)} classes in images: trained on {count} images.",
            self.command,
            self.inputs,
        )
