"""A run: a task trained in its folder, resumed there, or found finished; then its report and its card."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from avtool.core.artifact import Input, settings_hash
from avtool.core.artifact_folder import discard_partial
from avtool.core.errors import AvtoolError
from avtool.core.files import sha256_of
from avtool.core.learned_clips import LearnedClips, join_learned
from avtool.core.parallel import is_first_process
from avtool.core.recipe import identity
from avtool.core.report.page import optional_report
from avtool.core.reporter import Silent
from avtool.data.clip_filter import write_skipped
from avtool.data.learned_clips import learned_from
from avtool.models.model_files import find_learned
from avtool.training.report import write_report
from avtool.training.task import Task, TrainOutcome


def train_task(task: Task[Any], out: Path, *, overwrite: bool = False) -> TrainOutcome:
    """Trains in the folder `out`, resumes the interrupted run there, or reads the outcome of a finished one.

    Args:
        task: what to train.
        out: the run; `default_out` names one by everything that decides the result.
        overwrite: replace a run that is there.

    Raises:
        AvtoolError: data, model and settings do not fit together, `out` belongs to something else, or the
            training failed.
    """
    from avtool.training.loop import CRASH, fit, save_untrained
    from avtool.training.memory_guard import check_memory
    from avtool.training.run_folder import open_run, publish_run

    run = open_run(
        out,
        task.recipe,
        run_settings(task),
        command=task.command,
        overwrite=overwrite,
        inputs=[Path(item.path) for item in task.inputs],
    )
    if run.done:
        outcome = run.outcome()
        task.reporter.info(f"`{out}` is finished already: {outcome.steps} steps")
        return outcome
    first = is_first_process()
    try:
        check_memory(task, task.reporter if first else Silent())
        training = task.prepare()
        if first:
            write_skipped(run.folder, task.skipped)
            description = replace(training.description, learned=learned_by(task))
            training = replace(training, description=description, validated_on=task.validated_on)
        fitted = save_untrained if training.untrained else fit
        outcome = fitted(training, task.recipe, run.folder, task.reporter)
    except AvtoolError:
        if not any((run.folder / name).exists() for name in ("checkpoints", CRASH)):
            discard_partial(run.folder)  # nothing to resume from, nothing to look at
        raise
    if first:
        with optional_report(task.reporter):
            write_report(run.folder, task.summary, task.report(run.folder, training))
        outcome = publish_run(run, outcome, task.recipe, command=task.command, inputs=task.inputs)
    return outcome


def learned_by(task: Task[Any]) -> LearnedClips | None:
    """The clips that a task's model learns from, its own and those of the weights that it starts from.

    None where the task does not state its own.

    Raises:
        BadInputError: weights are not there.
        CorruptArtifactError: a record is damaged.
    """
    parts = [learned_from(clips, use) for clips, use in task.learned_from]
    if not parts:
        return None
    unknown = []
    for start in task.starts:
        record = find_learned(start)
        if record is None:
            unknown.append(str(start))
        else:
            parts.append(record)
    found = join_learned(parts)
    return replace(found, unknown=tuple(dict.fromkeys([*found.unknown, *unknown])))


def run_settings(task: Task[Any]) -> dict[str, Any]:
    """The identity of a run: two calls with equal values train the same model, so the second one resumes.

    Task, recipe and the content of all inputs count; device, threads and loader processes do not.
    """
    inputs = sorted(item.sha256 for item in task.inputs)
    return {"command": task.subcommand(), "inputs": inputs, "recipe": identity(task.recipe)}


def default_out(task: Task[Any], folder: Path = Path("runs"), name: str = "") -> Path:
    """The run's folder, named by the hash of its identity: equal calls meet there, a changed one does not.

    Args:
        task: what is trained.
        folder: where runs are kept.
        name: what the run's name begins with, instead of the task's own.
    """
    return folder / folder_name(name or task.run_name, run_settings(task))


def folder_name(name: str, settings: Mapping[str, Any]) -> str:
    """A run's folder name: a readable part and the hash of its identity."""
    slug = re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-.") or "run"
    return f"{slug}-{settings_hash(settings)[:8]}"


def weights_input(start: Path) -> Input:
    """Weights that a training starts or learns from.

    Raises:
        BadInputError: there are none.
    """
    from avtool.models.foreign import find_weights

    weights = find_weights(start)
    return Input(str(weights), "weights", sha256_of(weights))
