"""What drawing neighbours and negatives from the queue adds to a step of audio-visual contrast.

The contrasts are timed alone, forward and backward over given projections: between two whole steps the
difference would drown in their noise. The bar, 3 % of the step, is for encoders that see something: those of
the tiny size cost so little that a few operations on a short queue show.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from avtool.models.registry import create
from avtool.objectives.temporal.contrasts import InfoNCE, MinedContrast
from avtool.objectives.temporal.memory_bank import PairedQueue
from avtool.objectives.temporal.mining import MiningSettings
from avtool.objectives.temporal.objective import TemporalObjective
from avtool.objectives.temporal.views import Views

PAIRS = ("vv", "va")
REPEATS = 5


@dataclass(frozen=True)
class Size:
    """A model, a batch and a queue. The base batch is small: every part of a step grows with it alike."""

    model: str
    rows: int
    queue: int
    dim: int
    frames: int
    side: int
    steps: int


SIZES = (
    Size("avt_tiny", 16, 320, 16, 8, 32, REPEATS),
    Size("avt_tiny", 16, 1600, 16, 8, 32, REPEATS),
    Size("avt_base", 2, 16384, 128, 16, 112, 1),
)


def batch_of(size: Size) -> dict[str, Tensor]:
    """Two clips of each row, with labels."""
    rows = size.rows
    batch = {
        "video": torch.rand(rows, 2, 3, size.frames, size.side, size.side) * 2 - 1,
        "audio": torch.randn(rows, 2, 100, 128),
        "video_id": torch.arange(rows),
        "index": torch.arange(rows),
    }
    for name in ("video", "audio"):
        batch[f"{name}_speed"] = torch.randint(4, (rows, 2))
        batch[f"{name}_direction"] = torch.randint(2, (rows, 2))
    for pair in ("vv", "aa", "va"):
        batch[f"order_{pair}"] = torch.randint(3, (rows,))
    questions = [name for name in batch if name.startswith("order") or name.endswith(("speed", "direction"))]
    return batch | {f"{name}_weight": torch.ones(batch[name].shape) for name in questions}


def filled(size: Size) -> PairedQueue:
    """A queue of other videos."""
    queue = PairedQueue(size.queue, size.dim)
    for memory in (queue.video, queue.audio):
        memory.copy_(normalize(torch.randn(memory.shape), dim=1))
    queue.video_id.copy_(torch.arange(size.queue) + 1000)
    return queue


def least(work: Callable[[], None], repeats: int) -> float:
    """The least processor time of a few runs after one to warm up, in seconds."""
    times = []
    for _ in range(repeats + 1):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times[1:])


def of_contrast(contrast: nn.Module, size: Size, batch: dict[str, Tensor]) -> float:
    """Seconds of a contrast, forward and backward."""
    given = {
        name: normalize(torch.randn(size.rows, 2, size.dim), dim=2).requires_grad_()
        for name in ("video", "audio")
    }

    def work() -> None:
        terms = contrast(Views.of(given, batch), batch)
        torch.stack([terms[f"contrast_{pair}"] for pair in PAIRS]).sum().backward()

    return least(work, REPEATS)


def of_step(size: Size, batch: dict[str, Tensor]) -> float:
    """Seconds of a whole training step without a queue."""
    model, objective = create(size.model), TemporalObjective(InfoNCE(PAIRS, 0.1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def work() -> None:
        objective(model, batch)["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()

    return least(work, size.steps)


def main() -> None:
    """Prints a row a size."""
    torch.set_num_threads(1)
    for size in SIZES:
        torch.manual_seed(0)
        batch = batch_of(size)
        plain = of_contrast(InfoNCE(PAIRS, 0.1), size, batch)
        mined = of_contrast(MinedContrast(PAIRS, 0.1, filled(size), MiningSettings()), size, batch)
        step = of_step(size, batch)
        print(
            f"{size.model}, {size.rows} videos a step, queue of {size.queue:5}: step {1e3 * step:8.1f} ms, "
            f"contrast {1e3 * plain:5.2f} ms, with mining {1e3 * mined:5.2f} ms: "
            f"+ {100 * (mined - plain) / step:.2f} % of the step"
        )


if __name__ == "__main__":
    main()
