"""Ways of learning: a folder each, with its recipe and its task."""

from avtool.training.task import TASKS

__all__ = ["TASKS"]

TASKS.live_in(__name__, leaf="task")
