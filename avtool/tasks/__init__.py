"""Ways of learning: a folder each, with its recipe and its task, and its captioner where it has one."""

from avtool.inference.captioner import CAPTIONERS, open_captioner
from avtool.training.task import TASKS

__all__ = ["CAPTIONERS", "TASKS", "open_captioner"]

TASKS.live_in(__name__, leaf="task")
CAPTIONERS.live_in(__name__, leaf="captioner")
