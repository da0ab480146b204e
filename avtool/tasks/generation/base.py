"""What PVDM's two tasks share: videos that are decoded, held out and skipped, and checks of models."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from avtool.core.artifact import Input
from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of
from avtool.core.learned_clips import Use
from avtool.data.clip_filter import Skipped
from avtool.data.frame_clips import scaled_up
from avtool.data.manifest import Manifest
from avtool.models.registry import MODELS
from avtool.tasks.generation.videos import FrameSpan, TrainingVideos
from avtool.training.recipe import TrainRecipe
from avtool.training.task import Task

RecipeType = TypeVar("RecipeType", bound=TrainRecipe)


@dataclass(frozen=True)
class VideoTask(Task[RecipeType]):
    """A task that learns from videos."""

    verb = "generate"
    takes = "Videos: a film, a folder of films or of folders of frames, or a dataset."

    @cached_property
    def videos(self) -> TrainingVideos:
        """The videos, before they are decoded."""
        return TrainingVideos(self.source, self.recipe.data, self.recipe.seed)  # type: ignore[attr-defined]

    @property
    def learned_from(self) -> Sequence[tuple[Manifest, Use]]:
        """The clips of a dataset; films of folders have no record."""
        return self.videos.learned_from

    @property
    def validates(self) -> bool:
        """Whether videos are held out."""
        return bool(self.videos.split[1])

    @cached_property
    def _skipped(self) -> list[Skipped]:
        return []

    @property
    def skipped(self) -> Sequence[Skipped]:
        """Videos that are too short or unreadable; known once they are decoded."""
        return self._skipped

    def decode(self, size: tuple[int, int], least: int) -> tuple[list[FrameSpan], list[FrameSpan]]:
        """The frames of training and of validation."""
        if small := scaled_up(self.videos.sources, size):
            self.reporter.warn(f"{small}; train at their size, or on a cache of larger frames")
        train, val, skipped = self.videos.decode(size, least, self.reporter)
        self._skipped[:] = skipped
        for one in skipped[:3]:
            self.reporter.warn(f"`{one.clip_id}` is skipped: {one.reason}")
        if len(skipped) > 3:
            self.reporter.warn(f"{len(skipped)} videos are skipped: the run lists them")
        return train, val

    def facts(self) -> dict[str, int | str]:
        """Facts for the plan."""
        train, val = self.videos.split
        return {"train_videos": len(train), "val_videos": len(val)}


def need_like(name: str, example: str, what: str) -> None:
    """Refuses a model that is of another family than an example of what is trained."""
    if MODELS.find(name).family is not MODELS.find(example).family:
        raise BadInputError(f"`{name}` is no {what}", f"choose --model {example}, or one of its other sizes")


def hashed_weights(path: Path) -> Input:
    """Weights by content."""
    from avtool.models.foreign import find_weights

    return Input(str(path), "weights", sha256_of(path if path.is_file() else find_weights(path)))
