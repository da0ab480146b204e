"""Recipes of LM-BFF, and of a grid of it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, NonNegativeInt, PositiveInt

from avtool.core.recipe import Recipe, distinct, listed, option, validate
from avtool.core.runtime import RuntimeRecipe
from avtool.data.few_shot.demonstrations import DemoMode
from avtool.data.few_shot.examples import Duplicates
from avtool.data.few_shot.k_shot import SEEDS
from avtool.training.recipe import (
    Interval,
    LoopRecipe,
    OptimizerRecipe,
    ScheduleName,
    ScheduleRecipe,
    TrainRecipe,
)


class MaskedLMRecipe(Recipe):
    """The masked LM, and how it becomes a classifier."""

    path: Path | None = option(
        None,
        "Folder of a masked LM of transformers: weights, config.json, tokenizer.",
        flag="--model",
        identity=False,  # their content is an input of the run
    )
    head: Literal["words", "classifier"] = option(
        "words", "words: LM head at the mask; classifier: new layers over CLS, the baseline.", flag="--head"
    )
    verbalizer: Literal["single", "mean"] = option(
        "single", "Label words of a class: one, or several whose logits are averaged."
    )


class ExamplesRecipe(Recipe):
    """Examples of a text task."""

    task: str = option("", "Text task: a name of `avtool prompt-tune tasks`, or a TOML file.", flag="--task")
    template: str | None = option(None, "Template of the prompt.  [default: the task's]", flag="--template")
    words: dict[str, tuple[str, ...]] = option(
        {}, "Label words of each class, as { label = [word] }.  [default: the task's]"
    )
    k: int = option(
        16,
        "Training examples per class drawn from one file; 0 trains on all of it.",
        flag="--k",
        ge=0,
        le=10_000,
    )
    split_seed: int = option(
        13, "Seed of the draw; published: 13, 21, 42, 87, 100.", flag="--split-seed", ge=0, lt=2**32
    )
    test: Path | None = option(
        None,
        "Labelled examples that the trained model is scored on.  [default: what the draw leaves]",
        flag="--test",
        identity=False,  # its content is an input of the run
    )
    grouped: bool = option(False, "Draw whole groups, so that those of the test are never seen in training.")
    duplicates: Duplicates = option(
        "refuse", "Texts with two labels: refuse, keep the first, or keep both as the published splits do."
    )
    max_test: int = option(0, "Most examples to score, evenly spaced; 0 for all.", ge=0)


class DemosRecipe(Recipe):
    """Demonstrations."""

    mode: DemoMode = option(
        "none", "Demonstrations: none, random, or filtered by sentence embeddings.", flag="--demos"
    )
    sets: int = option(
        0,
        "Sets of demonstrations averaged in evaluation; 0 for the task's.",
        flag="--demo-sets",
        ge=0,
        le=256,
    )
    keep: float = option(
        0.5, "Share of each class's examples, the most similar, that filtering keeps.", gt=0, le=1
    )
    embedder: Path | None = option(
        None, "Sentence encoder of transformers that filters.  [default: the masked LM's mean state]"
    )


class LmBffOptimizer(OptimizerRecipe):
    """AdamW as published."""

    lr: float = option(1e-5, "Learning rate at the schedule's peak.", flag="--lr", gt=0, le=1000)
    weight_decay: float = option(0.0, "Weight decay of weight matrices.", ge=0, lt=1)


class LmBffSchedule(ScheduleRecipe):
    """Linear decay as published."""

    name: ScheduleName = option("linear", "Learning-rate schedule.")


class LmBffLoop(LoopRecipe):
    """Steps as published."""

    max_steps: int | None = option(1000, "Optimiser steps.", flag="--max-steps", ge=1, le=10**9)
    batch_size: int = option(8, "Batch size per process, in samples.", flag="--batch-size", ge=1)
    validate_every: Interval = option("100 steps", "Validation interval; the last step is always validated.")
    checkpoint_every: Interval = option(
        "500 steps", "Checkpoint interval; the last step always has one.", identity=False
    )
    keep: int = option(1, "Latest checkpoints kept, besides the best.", identity=False, ge=1)
    final: Literal["last", "best"] = option("best", "Checkpoint that becomes the run's model.")
    workers: int | None = option(
        0, "Loader processes; prompts need none.", flag="--workers", identity=False, ge=0, le=256
    )


class LmBffRecipe(TrainRecipe):
    """`avtool prompt-tune lm-bff`."""

    model: MaskedLMRecipe = Field(default_factory=MaskedLMRecipe)
    data: ExamplesRecipe = Field(default_factory=ExamplesRecipe)
    demos: DemosRecipe = Field(default_factory=DemosRecipe)
    optimizer: LmBffOptimizer = Field(default_factory=LmBffOptimizer)
    schedule: LmBffSchedule = Field(default_factory=LmBffSchedule)
    loop: LmBffLoop = Field(default_factory=LmBffLoop)


class SplitRecipe(Recipe):
    """`avtool prompt-tune split`."""

    data: ExamplesRecipe = Field(default_factory=ExamplesRecipe)


class UntrainedRecipe(SplitRecipe):
    """A masked LM on a task without training: `inspect`, `zero-shot` and the searches."""

    seed: int = option(0, "Random seed.", flag="--seed", ge=0, lt=2**63)
    model: MaskedLMRecipe = Field(default_factory=MaskedLMRecipe)
    demos: DemosRecipe = Field(default_factory=DemosRecipe)
    runtime: RuntimeRecipe = Field(default_factory=RuntimeRecipe)


def as_training(recipe: SplitRecipe) -> LmBffRecipe:
    """The same settings as those of a training."""
    return validate(LmBffRecipe, recipe.model_dump(mode="json"), "the settings")


def _numbers(value: object) -> object:
    return listed(value) if not isinstance(value, float) else (value,)


_LIST = (BeforeValidator(_numbers), AfterValidator(distinct))


class GridSettings(Recipe):
    """What is varied."""

    seeds: Annotated[tuple[NonNegativeInt, ...], *_LIST] = option(
        SEEDS, "Seeds of the draws and of the trainings.", flag="--seeds", min_length=1
    )
    lrs: Annotated[tuple[Annotated[float, Field(gt=0, le=1000)], ...], *_LIST] = option(
        (), "Learning rates; published: 1e-5, 2e-5, 5e-5.  [default: optimizer.lr]", flag="--lrs"
    )
    batch_sizes: Annotated[tuple[PositiveInt, ...], *_LIST] = option(
        (), "Batch sizes; published: 2, 4, 8.  [default: loop.batch_size]", flag="--batch-sizes"
    )
    templates: Path | None = option(
        None, "File of templates, one a line; an ensemble of them is scored too.", flag="--templates"
    )
    words: Path | None = option(
        None, "File of label words, as label-search writes it; each assignment is trained.", flag="--words"
    )
    top: int = option(20, "Templates, or label words, taken from the file.", flag="--top", ge=1)
    classifier: bool = option(True, "Train the classifier over CLS over the same grid, as the baseline.")
    zero_shot: bool = option(True, "Score the masked LM without training too.")


class GridRecipe(LmBffRecipe):
    """`avtool prompt-tune grid`."""

    grid: GridSettings = Field(default_factory=GridSettings)
