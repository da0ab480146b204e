"""Classification of the texts of clips."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import Field

from avtool.core.artifact import Input
from avtool.data.inputs.settings import TextSettings
from avtool.data.inputs.spec import InputSpec
from avtool.data.inputs.text import TextInput
from avtool.data.labels import class_lists, encode_labels
from avtool.data.manifest import Manifest, read_manifest
from avtool.data.splits import ChosenClips, choose_clips
from avtool.inference.outputs import OutputSpec
from avtool.models.build import build_network
from avtool.tasks.clips import dataset_input
from avtool.tasks.recipe import ClipsRecipe, ModelRecipe
from avtool.training.recipe import TrainRecipe
from avtool.training.task import Task, Training, register
from avtool.training.validation import Validation

if TYPE_CHECKING:
    from torch import nn

    from avtool_plugin.samples import Samples


class TextData(ClipsRecipe):
    """Clips, and the tokens of their texts."""

    text: TextSettings = Field(default_factory=lambda: TextSettings(max_tokens=32))


class TextRecipe(TrainRecipe):
    """`avtool train text-labels`."""

    model: ModelRecipe = Field(default_factory=ModelRecipe)
    data: TextData = Field(default_factory=TextData)


@register
@dataclass(frozen=True)
class TextLabels(Task[TextRecipe]):
    """A classifier of the texts of clips."""

    name = "text-labels"
    summary = "Train a classifier of the texts of clips."
    recipe_type = TextRecipe

    @property
    def inputs(self) -> Sequence[Input]:
        return [dataset_input(self.source)]

    @cached_property
    def clips(self) -> ChosenClips:
        """The clips."""
        return choose_clips(read_manifest(self.source), self.recipe.data, self.reporter)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The class list of the dataset."""
        return class_lists(self.source, "single-label")[0]

    @property
    def validates(self) -> bool:
        return self.clips.val is not None

    def build(self) -> "tuple[nn.Module, dict[str, Any]]":
        follows = {"num_classes": len(self.classes)}
        return build_network("token_bag_tiny", self.recipe.model.arguments, follows, self.recipe.seed)

    def num_samples(self) -> int:
        return len(self.clips.train)

    def prepare(self) -> Training:
        from avtool.data.inputs.collate import collate
        from avtool.models.model_folder import ModelDescription
        from avtool_plugin.text_labels.network import score

        model, arguments = self.build()
        outputs = OutputSpec("single-label", self.classes, (len(self.classes),))
        preprocess = {**outputs.to_json(), **self._spec.to_json()}
        size = self.recipe.loop.batch_size
        return Training(
            model=model,
            objective=score,
            samples=self._samples(self.clips.train),
            collate=collate,
            description=ModelDescription("token_bag_tiny", arguments, preprocess),
            validate=Validation(score, self._samples(self.clips.val), collate, size, False, 0)
            if self.clips.val is not None
            else None,
            metric="accuracy",
            maximise=True,
        )

    @property
    def _spec(self) -> InputSpec:
        return InputSpec((TextInput(self.recipe.data.text),))

    def _samples(self, clips: Manifest) -> "Samples":
        from avtool_plugin.samples import Samples

        return Samples(clips, self._spec, encode_labels(clips, "single-label", [self.classes]))
