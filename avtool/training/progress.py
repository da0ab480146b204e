"""How far a run is, and how well it does: read from its folder, also while it trains."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.files import read_json, write_json
from avtool.training.metrics_log import METRICS, read_metrics

if TYPE_CHECKING:
    from avtool.training.plan import Plan
    from avtool.training.task import Training

PLAN = "plan.json"
_SCHEMA_VERSION = 1
_NO_METRICS = {"step", "epoch", "split"}


@dataclass(frozen=True)
class RunProgress:
    """The content of a run's log.

    Attributes:
        step: of the last line.
        total: steps of the run; 0 where an older avtool began it.
        steps_per_epoch: likewise.
        metric: what selects the best checkpoint.
        losses: the last training losses by name.
        validations: (step, metrics) of each validation.
        best: the place of the best one in `validations`; None without one.
    """

    step: int
    total: int
    steps_per_epoch: int
    metric: str
    losses: dict[str, float]
    validations: list[tuple[int, dict[str, float]]]
    best: int | None

    def facts(self) -> dict[str, str]:
        """The same in words, by name."""
        found = {"steps": f"{self.step}" + (f" of {self.total}" if self.total else "")}
        if self.total:
            found["steps"] += f" ({100 * self.step / self.total:.0f} %)"
            done, epochs = (steps / self.steps_per_epoch for steps in (self.step, self.total))
            found["epochs"] = f"{done:.4g} of {epochs:.4g}"
        if self.losses:
            found["training"] = _words(self.losses)
        if self.validations:
            step, values = self.validations[-1]
            found["validation"] = f"{_words(values)} (step {step})"
        if self.best is not None:
            step, values = self.validations[self.best]
            found["best"] = f"{self.metric} {values[self.metric]:.4g} (step {step})"
        return found


def write_run_plan(run: Path, plan: "Plan", training: "Training") -> None:
    """Writes the length of a run and its metric, which are not in its log."""
    values: dict[str, Any] = {
        "schema_version": _SCHEMA_VERSION,
        "steps": plan.total,
        "steps_per_epoch": plan.steps_per_epoch,
        "metric": training.metric,
        "maximise": training.maximise,
    }
    write_json(run / PLAN, values)


def read_progress(run: Path) -> RunProgress:
    """Reads how far a run is.

    Args:
        run: its folder, finished or `.partial`.

    Raises:
        CorruptArtifactError: its plan is damaged.
    """
    plan = read_json(run / PLAN) if (run / PLAN).is_file() else {}
    plan = plan if isinstance(plan, dict) else {}
    lines = read_metrics(run / METRICS)
    metric = str(plan.get("metric", "loss"))
    trained = [line for line in lines if line.get("split") == "train"]
    validations = [(line["step"], _numbers(line)) for line in lines if line.get("split") == "val"]
    sign = 1 if plan.get("maximise") else -1
    scored = [place for place, (_, values) in enumerate(validations) if metric in values]
    return RunProgress(
        step=lines[-1]["step"] if lines else 0,
        total=int(plan.get("steps", 0)),
        steps_per_epoch=max(1, int(plan.get("steps_per_epoch", 1))),
        metric=metric,
        losses={
            name: value for name, value in _numbers(trained[-1] if trained else {}).items() if _is_loss(name)
        },
        validations=validations,
        best=max(scored, key=lambda place: (sign * validations[place][1][metric], -place), default=None),
    )


def is_run(folder: Path) -> bool:
    """Whether a folder is a run, finished or not."""
    return (folder / "recipe.toml").is_file() and (folder / "command.txt").is_file()


def _numbers(line: dict[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in line.items()
        if name not in _NO_METRICS and isinstance(value, int | float) and math.isfinite(value)
    }


def _is_loss(name: str) -> bool:
    return name.rpartition("/")[2] == "loss"


def _words(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items())
