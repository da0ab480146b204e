"""Checkpoints: the model to use at a step, and the state from which the run is resumed.

`checkpoints/step-000500/model/` is a model artifact; `state/` holds the training weights, the optimiser's
moments, the running average and `progress.json`. Tensors are safetensors, the rest is JSON: nothing is
unpickled. The text files `last` and `best` name checkpoints.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor

from avtool.core.errors import CorruptArtifactError
from avtool.core.files import fsync_folder, inside, read_json, replace_folder, write_text, writing
from avtool.models.model_folder import load_tensors, save_tensors

LAST, BEST = "last", "best"
_WEIGHTS, _OPTIMIZER, _AVERAGE = "weights.safetensors", "optimizer.safetensors", "average.safetensors"
_PROGRESS = "progress.json"


class Best(BaseModel):
    """The best validation so far."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    step: int
    value: float
    metrics: dict[str, float] = {}


class Progress(BaseModel):
    """The numbers of a run after a step, for exact resume.

    Attributes:
        schema_version: of this record.
        step: optimiser steps done.
        processes: processes that train together; other ones would draw other batches.
        updates: times that the weight average was moved.
        best: the best validation so far.
        validated: the metrics of the last validation.
        pending: scalars of the steps since the last line of the log.
        scaler: the state of the fp16 loss scale.
        optimizer: the values of the optimisers' states that are no tensors.
        plateaus: the state of `plateau` schedules by the name of their rate.
        frozen: the content hash of frozen parameters, which `state/` does not store; empty without any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    schema_version: int = 1
    step: int
    processes: int = 1
    updates: int = 0
    best: Best | None = None
    validated: dict[str, float] = {}
    pending: dict[str, list[float]] = {}
    scaler: dict[str, int | float] = {}
    optimizer: dict[str, float] = {}
    plateaus: dict[str, dict[str, float]] = {}
    frozen: str = ""

    def text(self) -> str:
        """The record as JSON, without what most runs do not have."""
        absent = {name for name in ("plateaus", "frozen") if not getattr(self, name)}
        return self.model_dump_json(indent=2, exclude=absent) + "\n"


@dataclass(frozen=True)
class Tensors:
    """The tensors of a checkpoint's state by name.

    Attributes:
        weights: of the network and of the objective, as they are trained.
        optimizer: the optimiser's moments: `head.weight.exp_avg`.
        average: the weights that `model/` holds where they are an average; else None.
    """

    weights: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    average: dict[str, Tensor] | None = None


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of a run.

    Attributes:
        run: the run's folder.
    """

    run: Path

    def folder(self, step: int) -> Path:
        """Where the checkpoint of a step lies."""
        return self.run / "checkpoints" / f"step-{step:06d}"

    def write(
        self, progress: Progress, tensors: Tensors, save_model: Callable[[Path], None], keep: int
    ) -> None:
        """Writes a checkpoint whole or not at all, points to it, and removes those that are too many.

        Args:
            progress: the run's numbers.
            tensors: its tensors.
            save_model: writes the model artifact to a path.
            keep: how many of the latest to keep, besides the best.
        """
        final = self.folder(progress.step)
        partial = final.with_name(f".{final.name}.partial")
        state = partial / "state"
        with writing(partial):
            shutil.rmtree(partial, ignore_errors=True)
            state.mkdir(parents=True)
        save_model(partial / "model")
        save_tensors(state / _WEIGHTS, tensors.weights)
        save_tensors(state / _OPTIMIZER, tensors.optimizer)
        if tensors.average is not None:
            save_tensors(state / _AVERAGE, tensors.average)
        write_text(state / _PROGRESS, progress.text())
        fsync_folder(state)
        fsync_folder(partial)
        replace_folder(partial, final)
        self.point(progress)
        self._prune(progress, keep)

    def last(self) -> Path | None:
        """The checkpoint to resume from."""
        return self._pointed(LAST)

    def best(self) -> Path | None:
        """The checkpoint with the best validation."""
        return self._pointed(BEST)

    def _pointed(self, pointer: str) -> Path | None:
        path = self.run / pointer
        if not path.is_file():
            return None
        return inside(self.run, f"checkpoints/{path.read_text(encoding='utf-8').strip()}")

    def read_last(self) -> tuple[Progress, Tensors] | None:
        """The state to resume from, or None where the run has not begun.

        Raises:
            CorruptArtifactError: the checkpoint that `last` names is damaged.
        """
        folder = self.last()
        if folder is None:
            return None
        state = folder / "state"
        try:
            progress = Progress.model_validate(read_json(state / _PROGRESS))
        except ValidationError as error:
            message = f"`{state / _PROGRESS}` is no record of progress ({error.error_count()} problems)"
            raise CorruptArtifactError(message, self._other_checkpoint(folder)) from error
        except CorruptArtifactError as error:
            raise CorruptArtifactError(error.message, self._other_checkpoint(folder)) from error
        average = state / _AVERAGE
        try:
            tensors = Tensors(
                load_tensors(state / _WEIGHTS),
                load_tensors(state / _OPTIMIZER),
                load_tensors(average) if average.is_file() else None,
            )
        except CorruptArtifactError as error:
            raise CorruptArtifactError(error.message, self._other_checkpoint(folder)) from error
        return progress, tensors

    def point(self, progress: Progress) -> None:
        """Lets `last` and `best` name the checkpoints that the progress names."""
        write_text(self.run / LAST, f"{self.folder(progress.step).name}\n")
        if progress.best:
            write_text(self.run / BEST, f"{self.folder(progress.best.step).name}\n")

    def _prune(self, progress: Progress, keep: int) -> None:
        parent = self.folder(0).parent
        steps = {step: path for path in parent.glob("step-*") if (step := _step_of(path))}
        wanted = set(sorted(step for step in steps if step <= progress.step)[-keep:])
        if progress.best:
            wanted.add(progress.best.step)
        with writing(parent):
            for leftover in parent.glob(".step-*"):  # of a process that was killed while it wrote or removed
                shutil.rmtree(leftover)
            for path in (path for step, path in steps.items() if step not in wanted):
                shutil.rmtree(path.replace(parent / f".{path.name}.old"))  # never half of it under its name

    def _other_checkpoint(self, damaged: Path) -> str:
        others = [path for path in damaged.parent.glob("step-*") if path != damaged and _step_of(path)]
        if not others:
            return "run the command again with --overwrite"
        return f"write `{max(others, key=_step_of).name}` into `{self.run / LAST}` to resume from there"


def _step_of(path: Path) -> int:
    number = path.name.removeprefix("step-")
    return int(number) if number.isdigit() and path.is_dir() else 0
