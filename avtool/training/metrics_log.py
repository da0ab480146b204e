"""The curve of a run: `metrics.jsonl`, one object a line, and TensorBoard's files where it is installed.

The lines hold no clock times, so a resumed run writes the very bytes of an undisturbed one.
"""

import importlib.util
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.files import write_text, writing

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

METRICS = "metrics.jsonl"


def read_metrics(path: Path, *, until: int | None = None) -> list[dict[str, Any]]:
    """The lines of a log in order, up to the first that a killed process left unfinished.

    Args:
        path: a `metrics.jsonl`; without one there are no lines.
        until: drop lines of later steps.
    """
    lines: list[dict[str, Any]] = []
    if not path.is_file():
        return lines
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            break
        if not isinstance(line, dict) or not isinstance(line.get("step"), int):
            break
        if until is None or line["step"] <= until:
            lines.append(line)
    return lines


class MetricsLog:
    """Appends to the log of a run.

    Args:
        folder: the run.
        step: steps done already; lines of later ones are cut away, as they will be written again.
        tensorboard: write TensorBoard's files too, where it is installed.
    """

    def __init__(self, folder: Path, step: int, *, tensorboard: bool) -> None:
        path = folder / METRICS
        kept = read_metrics(path, until=step) if step else []
        write_text(path, "".join(f"{_dump(line)}\n" for line in kept))
        with writing(path):
            self._file = path.open("a", encoding="utf-8")
        self._tensorboard = _tensorboard(folder / "tensorboard", step) if tensorboard else None

    def write(self, step: int, epoch: float, split: str, values: Mapping[str, float]) -> None:
        """Adds a line; metrics that are not finite become null.

        Args:
            step: steps done.
            epoch: the same in epochs.
            split: `train` or `val`.
            values: name → number.
        """
        shown = {name: value if math.isfinite(value) else None for name, value in values.items()}
        with writing(Path(self._file.name)):
            self._file.write(_dump({"step": step, "epoch": epoch, "split": split, **shown}) + "\n")
            self._file.flush()
        if self._tensorboard:
            for name, value in values.items():
                self._tensorboard.add_scalar(f"{split}/{name}", value, step)

    def sync(self) -> None:
        """Makes the lines so far durable, before a checkpoint that counts on them."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()
        if self._tensorboard:
            self._tensorboard.close()


def _tensorboard(folder: Path, step: int) -> "SummaryWriter | None":
    if not importlib.util.find_spec("tensorboard"):
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=step + 1)


def _dump(line: Mapping[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False, allow_nan=False)
