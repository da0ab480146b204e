"""Few-shot text tasks without training: a split on disk, a zero-shot model, a look at the prompts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avtool.core.errors import BadInputError
from avtool.core.files import write_csv
from avtool.core.reporter import Reporter
from avtool.data.few_shot.examples import Example
from avtool.data.few_shot.text_task import TextTask
from avtool.tasks.lm_bff.recipe import LmBffRecipe
from avtool.tasks.lm_bff.task import LmBffTask


@dataclass(frozen=True)
class SplitResult:
    """The folder of a split, and how many examples each part has."""

    out: Path
    counts: dict[str, int]


def write_split(source: Path, recipe: LmBffRecipe, out: Path, reporter: Reporter) -> SplitResult:
    """Draws a K-shot split and writes `train.csv`, `dev.csv` and `test.csv`.

    Args:
        source: a file of examples.
        recipe: task and draw.
        out: the folder to write.
        reporter: receives warnings.

    Raises:
        AvtoolError: the examples do not allow it, or the folder is there.
    """
    if out.exists():
        raise BadInputError(f"`{out}` exists already", "choose another --out folder")
    task = LmBffTask(source, recipe, reporter)
    found = task.examples
    parts = {"train": found.train, "dev": found.dev, "test": found.test}
    for part, examples in parts.items():
        if examples:
            columns, rows = _rows(examples, task.text_task)
            write_csv(out / f"{part}.csv", columns, rows)
    return SplitResult(out, {part: len(examples) for part, examples in parts.items()})


def _rows(examples: tuple[Example, ...], task: TextTask) -> tuple[list[str], list[list[str]]]:
    group = [task.group] if task.group else []
    columns = [*task.texts, task.label, *group]
    return columns, [[*one.texts, one.label, *([one.group] if group else [])] for one in examples]


def write_zero_shot(
    source: Path | None, recipe: LmBffRecipe, out: Path, reporter: Reporter, command: str
) -> Path:
    """Writes the masked LM with template and label words as a model, without training.

    Args:
        source: examples for demonstrations; None without any.
        recipe: task and model.
        out: the model to write.
        reporter: receives warnings.
        command: the command line, for the card.

    Raises:
        AvtoolError: model and task do not fit together, or the folder is there.
    """
    from avtool.data.few_shot.find_examples import FewShot
    from avtool.models.model_folder import save_model

    if out.exists():
        raise BadInputError(f"`{out}` exists already", "choose another --out folder")
    if source is None and recipe.demos.mode != "none":
        raise BadInputError("demonstrations need examples", "give a file of them, or --demos none")
    given = FewShot((), ()) if source is None else None
    task = LmBffTask(source or Path(), recipe, reporter, command=command, given=given)
    model, prompt = task.untrained()
    _, arguments = task.build()
    save_model(
        out, model.state_dict(), task.description(arguments, prompt), recipe=recipe.model_dump(mode="json")
    )
    return out


def inspect_prompts(
    source: Path, recipe: LmBffRecipe, reporter: Reporter, count: int
) -> list[dict[str, Any]]:
    """The first training examples as the model is given them.

    Args:
        source: the examples.
        recipe: task, model and draw.
        reporter: receives warnings.
        count: examples that are shown.

    Raises:
        AvtoolError: data and model do not fit together.
    """
    task = LmBffTask(source, recipe, reporter)
    prompt = task.prompt_input(task.host)
    examples = task.examples.train[:count]
    found = []
    for example, windows in zip(examples, prompt.prompts([one.texts for one in examples]), strict=True):
        first = windows[0]
        text = prompt.tokenizer.text_of(first.ids)
        found.append(
            {"label": example.label, "tokens": len(first.ids), "mask_at": first.place, "prompt": text}
        )
    return found
