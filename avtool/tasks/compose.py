"""The experiment of a method."""

from collections.abc import Sequence
from pathlib import Path

from avtool.core.artifact import Input
from avtool.core.reporter import Reporter
from avtool.tasks.masked.recipe import MaskedRecipe
from avtool.tasks.masked.task import MaskedExperiment
from avtool.tasks.pretraining_task import Experiment, Method
from avtool.tasks.temporal.recipe import AvtRecipe
from avtool.tasks.temporal.task import TemporalExperiment

PretrainRecipe = MaskedRecipe | AvtRecipe


def make_experiment(
    method: Method,
    dataset: Path,
    recipe: PretrainRecipe,
    reporter: Reporter,
    *,
    jobs: int = 1,
    command: str = "pretrain",
    inputs: Sequence[Input] = (),
) -> Experiment:
    """The experiment of a method with the settings of a recipe."""
    assert isinstance(recipe, method.schema), f"{method.name} is told by a {method.schema.__name__}"
    if isinstance(recipe, AvtRecipe):
        return TemporalExperiment(method, dataset, recipe, reporter, jobs, command, inputs)
    return MaskedExperiment(method, dataset, recipe, reporter, jobs, command, inputs)
