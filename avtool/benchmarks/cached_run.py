"""Cached runs of benchmarks: an interrupted benchmark resumes them, and a repeated one only scores."""

from pathlib import Path

from avtool.core.paths import cache_folder
from avtool.tasks.classification.task import ClassificationTask
from avtool.training.run import default_out, train_task


def cached_run(task: ClassificationTask, folder: Path | None, name: str) -> Path:
    """The run of a training; it is there once it is finished.

    Args:
        task: the training.
        folder: of the benchmark's runs; None for the cache.
        name: what the run's name begins with; a hash of everything that decides the result follows.
    """
    return default_out(task, folder or cache_folder() / "benchmarks", name)


def train_cached(task: ClassificationTask, out: Path) -> Path:
    """Trains, or finds the finished run of the same training; gives the run."""
    out.parent.mkdir(parents=True, exist_ok=True)
    train_task(task, out)
    return out
