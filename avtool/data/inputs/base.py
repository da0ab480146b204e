"""The interface of a model's inputs: samples for training, windows of files for inference, their JSON."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from avtool.core.reporter import Reporter
from avtool.data.items import Item
from avtool.data.manifest import Clip, Manifest

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Span = tuple[float, float]
"""Start and end, in seconds of a file, or of a clip in a dataset."""


class ModelInput(ABC):
    """One input of a model; the same object serves training, validation, prediction and embedding.

    Attributes:
        name: of the model's argument.
        noun: of the modality, for messages.
        is_track: whether it is a track of a film: a sample is a crop of it in time, and clips may lack it.
            Models of several tracks take `<name>_present` of each.
        is_stream: whether it is decoded from start to end, and so sets the windows of the others.
    """

    name: str
    noun: ClassVar[str]
    is_track: ClassVar[bool] = False
    is_stream: ClassVar[bool] = False

    @property
    @abstractmethod
    def seconds(self) -> float:
        """Duration of a window; 0 where it has none."""

    @property
    def hop(self) -> float | None:
        """Seconds from one window of a file to the next, where the model has its own."""
        return None

    def is_present(self, clips: Manifest, clip: Clip) -> bool:  # noqa: ARG002
        """Whether a clip of a dataset has this modality."""
        return True

    def lacking(self, clips: Manifest) -> NDArray[np.bool_]:
        """Which clips of a dataset are known to lack it, (clips,)."""
        return np.zeros(len(clips), bool)

    def check_clips(self, clips: Manifest) -> None:
        """Makes sure that what is cached of the input is of these clips.

        Raises:
            BadInputError: it is of other clips, or in another order.
        """
        del clips

    def is_in(self, item: Item) -> bool:
        """Whether a file, or a clip, has this modality.

        Raises:
            BadInputError: it cannot be opened.
        """
        if item.clip is None or item.manifest is None:
            return True
        return self.is_present(item.manifest, item.clip)

    @abstractmethod
    def sample(
        self, clips: Manifest, index: int, place: float, rng: np.random.Generator | None
    ) -> "dict[str, Tensor]":
        """Reads one training or validation sample.

        Args:
            clips: the dataset.
            index: of the clip.
            place: in [0, 1], where in a clip that is longer than the window the window lies. All inputs take
                the same place, and so belong together.
            rng: draws the augmentation; None reads without.

        Raises:
            BadInputError: the clip cannot be read.
        """

    @abstractmethod
    def absent(self) -> "dict[str, Tensor]":
        """What stands for the modality in samples of clips that lack it."""

    def noise(self, count: int, generator: "torch.Generator") -> "dict[str, Tensor]":
        """A batch of noise in the form of `batch`: what a network is traced with, and compared on.

        Args:
            count: samples B.
            generator: draws it.
        """
        import torch

        found = {}
        for name, value in self.absent().items():
            shape = (count, *value.shape)
            if value.dtype == torch.bool:
                found[name] = torch.rand(shape, generator=generator) < 0.7
                found[name][:, 0] = True
            else:
                found[name] = torch.randn(shape, generator=generator) / 2
        return found

    def windows(self, item: Item, hop: float, reporter: Reporter | None = None) -> Iterator[tuple[Span, Any]]:
        """The windows of a file every `hop` seconds until its end is covered, with their spans.

        Raises:
            BadInputError: it cannot be read, or its duration is unknown.
        """
        del reporter
        total = item.seconds
        for number in range(1 + max(0, int(np.ceil((total - self.seconds) / hop - 1e-9)))):
            span = number * hop, min(total, number * hop + self.seconds)
            yield span, self.window(item, *span)

    @abstractmethod
    def window(self, item: Item, start: float, end: float) -> Any:
        """The part of a file, or of a clip, between two times in seconds: what `batch` takes.

        Raises:
            BadInputError: it cannot be read.
        """

    @abstractmethod
    def batch(self, windows: Sequence[Any], device: "torch.device") -> "dict[str, Tensor]":
        """Windows as the model's arguments, scaled, each with a first dimension of their number."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Its part of `preprocess.json`."""

    def assets(self) -> dict[str, Path]:
        """Folders that belong beside the weights, by their names there."""
        return {}

    @classmethod
    @abstractmethod
    def from_json(cls, name: str, values: Mapping[str, Any], folder: Path) -> Self:
        """Reads it back.

        Args:
            name: of the model's argument.
            values: its part of `preprocess.json`.
            folder: of the model, with the assets.

        Raises:
            KeyError, TypeError, ValueError, AvtoolError: a value is absent or wrong.
        """


def known_false(clips: Manifest, column: str) -> NDArray[np.bool_]:
    """Where a column of flags is False, and not merely unknown; nowhere without the column."""
    if column not in clips.table.column_names:
        return np.zeros(len(clips), bool)
    return np.array([value is False for value in clips.column(column)], bool)
