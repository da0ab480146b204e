"""A codec and its critic: two optimisers that take turns, three parameter groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import Field

from avtool.core.artifact import Input
from avtool.core.recipe import option
from avtool.data.clip_filter import Wanted
from avtool.data.inputs.audio import AudioInput
from avtool.data.inputs.settings import AudioSettings
from avtool.data.inputs.spec import InputSpec
from avtool.models.build import build_network
from avtool.tasks.clips import PretrainClips, dataset_input, find_clips
from avtool.tasks.recipe import ClipsRecipe, ModelRecipe
from avtool.training.recipe import GroupRecipe, OptimizationRecipe, TrainRecipe
from avtool.training.task import Task, Training, register

if TYPE_CHECKING:
    from torch import nn


class CodecData(ClipsRecipe):
    """Clips, and their spectrograms."""

    num_frames: int = option(32, "Frames of a crop.", ge=1)
    audio: AudioSettings = Field(default_factory=lambda: AudioSettings(num_mel_bins=32))


class CodecRecipe(TrainRecipe):
    """`avtool train codec-game`."""

    model: ModelRecipe = Field(default_factory=ModelRecipe)
    data: CodecData = Field(default_factory=CodecData)
    critic: OptimizationRecipe = Field(default_factory=OptimizationRecipe)


@register
@dataclass(frozen=True)
class CodecGame(Task[CodecRecipe]):
    """A codec of spectra against a critic."""

    name = "codec-game"
    summary = "Train a codec of spectra against a critic."
    recipe_type = CodecRecipe

    @property
    def inputs(self) -> Sequence[Input]:
        return [dataset_input(self.source)]

    @cached_property
    def clips(self) -> PretrainClips:
        """The clips with audio."""
        data = self.recipe.data
        return find_clips(self.source, data, Wanted(("audio",)), data.audio.sample_rate, self.reporter)

    @property
    def spec(self) -> InputSpec:
        """Spectrograms of one crop."""
        return InputSpec(
            (AudioInput(self.recipe.data.audio, self.recipe.data.num_frames, -5.0, 4.0, scaled=True),)
        )

    def build(self) -> "tuple[nn.Module, dict[str, Any]]":
        follows = {"num_mel_bins": self.recipe.data.audio.num_mel_bins}
        return build_network("spectral_codec_tiny", self.recipe.model.arguments, follows, self.recipe.seed)

    def num_samples(self) -> int:
        return len(self.clips.train)

    def prepare(self) -> Training:
        from avtool.data.inputs.collate import collate
        from avtool.models.model_folder import ModelDescription
        from avtool.training.optimizers import NamedOptimizer
        from avtool.training.parameter_groups import ParameterGroup
        from avtool.training.step_rule import Phase
        from avtool_plugin.codec_game.networks import Game
        from avtool_plugin.samples import Samples

        model, arguments = self.build()
        game = Game(self.recipe.data.audio.num_mel_bins)
        return Training(
            model=model,
            objective=game,
            samples=Samples(self.clips.train, self.spec),
            collate=collate,
            description=ModelDescription("spectral_codec_tiny", arguments, self.spec.to_json()),
            parameter_groups=[
                ParameterGroup("encoder", [model.encoder], GroupRecipe(rate=0.5)),  # type: ignore[list-item]
                ParameterGroup("decoder", [model.decoder], GroupRecipe(weight_decay=0.0)),  # type: ignore[list-item]
                ParameterGroup("critic_head", [game.head], GroupRecipe(rate=2.0)),
            ],
            optimizers=[NamedOptimizer("critic", [game.body, game.head], self.recipe.critic)],
            phases=[Phase("critic", ("critic",), every=2), Phase("codec", every=2, first=1)],
        )
