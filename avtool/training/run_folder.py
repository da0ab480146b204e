"""The `run` artifact: a training from its settings to its model.

While it runs, and after a kill, it is `NAME.partial`; when it is complete, it is `NAME`:
`recipe.toml` (resolved), `command.txt`, `env.json`, `metrics.jsonl`, `checkpoints/`, `last`, `best`,
`model/`, `outcome.json`.
"""

import json
import math
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from avtool.core.artifact import CARD, Artifact, Input
from avtool.core.artifact_folder import open_partial, partial_folder, publish
from avtool.core.environment import cpu_facts, versions
from avtool.core.errors import CorruptArtifactError
from avtool.core.files import read_json, write_json, write_text
from avtool.core.parallel import is_first_process
from avtool.core.recipe import Recipe
from avtool.training.loop import MODEL
from avtool.training.recipe import TrainRecipe
from avtool.training.resolved_toml import toml_text
from avtool.training.task import TrainOutcome

_OUTCOME = "outcome.json"


@dataclass(frozen=True)
class RunFolder:
    """A run on disk.

    Attributes:
        out: the folder of the finished run.
        done: whether it is finished.
    """

    out: Path
    done: bool

    @property
    def folder(self) -> Path:
        """Where the run lies now: what `fit` gets."""
        return self.out if self.done else partial_folder(self.out)

    def outcome(self) -> TrainOutcome:
        """What the finished run came to.

        Raises:
            CorruptArtifactError: its record is damaged.
        """
        values = read_json(self.out / _OUTCOME)
        if "clips_per_second" in values:  # its name before samples of other kinds
            values["samples_per_second"] = values.pop("clips_per_second")
        try:
            return TrainOutcome(**{**values, "model": self.out / MODEL})
        except TypeError as error:
            message = f"`{self.out / _OUTCOME}` is no outcome of a run ({error})"
            raise CorruptArtifactError(message, "run the command again with --overwrite") from error


def open_run(
    out: Path,
    recipe: Recipe,
    settings: Mapping[str, Any],
    *,
    command: str,
    overwrite: bool = False,
    inputs: Iterable[Path] = (),
) -> RunFolder:
    """Opens a run: a new one, an interrupted one with equal settings to resume, or a finished one.

    Args:
        out: its folder.
        recipe: the resolved recipe.
        settings: what must be equal to resume the run.
        command: the command line.
        overwrite: replace a run that is there.
        inputs: what the run is made from, and must not replace.

    Raises:
        BadInputError: the folder belongs to something else, or another process writes it.
    """
    wanted = json.loads(json.dumps(dict(settings), default=str))
    stored = out / "settings.json"
    if not overwrite and (out / CARD).is_file() and stored.is_file() and read_json(stored) == wanted:
        return RunFolder(out, done=True)
    if not is_first_process():  # the processes meet only when the first one has opened the run
        return RunFolder(out, done=False)
    partial = open_partial(out, settings, kind="run", overwrite=overwrite, inputs=inputs)
    write_text(partial / "recipe.toml", toml_text(recipe.model_dump(mode="json")))
    write_text(partial / "command.txt", f"{command}\n")
    write_json(partial / "env.json", _environment())
    return RunFolder(out, done=False)


def publish_run(
    run: RunFolder, outcome: TrainOutcome, recipe: TrainRecipe, *, command: str, inputs: Sequence[Input]
) -> TrainOutcome:
    """Completes a run: its record and its card, and its final name.

    Returns:
        The outcome, with the model where it now lies.
    """
    values = {name: value for name, value in asdict(outcome).items() if name != "model"}
    values["metrics"] = {name: value for name, value in outcome.metrics.items() if math.isfinite(value)}
    write_json(run.folder / _OUTCOME, values)
    artifact = Artifact("run", command, recipe.model_dump(mode="json"), seed=recipe.seed, inputs=inputs)
    publish(run.out, artifact, unhashed=["checkpoints", "tensorboard"])
    return replace(outcome, model=run.out / MODEL)


def _environment() -> dict[str, Any]:
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "versions": versions(),
        "platform": platform.platform(),
        "processor": cpu_facts().get("model name", platform.machine()),
        "cuda": torch.version.cuda,
        "gpus": gpus,
    }
