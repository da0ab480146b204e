"""The loss on clips that are not learned from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

    from avtool.training.task import Batch, Objective, Samples


@dataclass(frozen=True)
class Validation:
    """Measures an objective on clips with the same masks at each call.

    Attributes:
        objective: what is minimised.
        data: the clips; they are not changed at random.
        collate: makes a batch of them.
        batch_size: clips that are compared with one another.
        whole_batches: drop the last few clips, as contrasts among fewer are easier.
        workers: processes that load clips.
    """

    objective: "Objective"
    data: "Samples"
    collate: "Callable[[list[Any]], Batch]"
    batch_size: int
    whole_batches: bool
    workers: int

    def __call__(self, model: "nn.Module", device: "torch.device") -> Mapping[str, float]:
        from accelerate.utils import send_to_device  # type: ignore[import-untyped]
        from torch.utils.data import DataLoader

        size = min(self.batch_size, len(self.data))
        loader: DataLoader[Any] = DataLoader(  # it takes whatever has a length and items
            self.data,  # type: ignore[arg-type]
            size,
            collate_fn=self.collate,
            drop_last=self.whole_batches,
            num_workers=self.workers,
        )
        sums: dict[str, float] = {}
        count = 0
        for loaded in loader:
            batch = send_to_device(loaded, device)
            clips = len(batch["index"])
            for name, value in self.objective(model, batch).items():
                sums[name] = sums.get(name, 0.0) + clips * float(value)
            count += clips
        return {name: value / count for name, value in sums.items()}
