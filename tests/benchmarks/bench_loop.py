"""What the training loop costs: a step of it beside a bare PyTorch loop that does the same arithmetic."""

import itertools
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset, default_collate

from avtool.models.model_folder import ModelDescription
from avtool.training.loop import fit
from avtool.training.recipe import TrainRecipe
from avtool.training.task import Training

STEPS, BATCH, REPEATS = 500, 8, 2


class Points(Dataset[dict[str, Tensor]]):
    """Clips that cost nothing to load, so that only the loop is left."""

    def __init__(self) -> None:
        self.values = torch.randn(512, 64)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"audio": self.values[index], "label": torch.tensor(index % 10)}


def make_model(width: int) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )


def score(model: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    return {"loss": cross_entropy(model(batch["audio"]), batch["label"])}


def bare(model: nn.Module) -> None:
    """The same steps by hand."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    loader = DataLoader(Points(), BATCH, shuffle=True, collate_fn=default_collate)
    batches = itertools.chain.from_iterable(loader for _ in itertools.count())
    losses = []
    for batch in itertools.islice(batches, STEPS):
        loss = score(model, batch)["loss"]
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())


def ours(model: nn.Module, **tables: Any) -> None:
    """The same steps by `fit`, with its log, a checkpoint at the end, and a seed for each clip and step."""
    loop = {
        "max_steps": STEPS,
        "batch_size": BATCH,
        "workers": 0,
        "checkpoint_every": "never",
        "tensorboard": False,
    }
    recipe = TrainRecipe.model_validate({"loop": loop, "runtime": {"precision": "fp32"}, **tables})
    with tempfile.TemporaryDirectory() as folder:
        fit(
            Training(model, score, Points(), default_collate, ModelDescription("points")),
            recipe,
            Path(folder),
        )


def milliseconds(work: Any, width: int) -> float:
    """The least processor time of a step over a few runs."""
    times = []
    for _ in range(REPEATS):
        model = make_model(width)
        start = time.process_time()
        work(model)
        times.append(time.process_time() - start)
    return 1000 * min(times) / STEPS


def main() -> None:
    """Prints the time of a step, and what is added."""
    torch.set_num_threads(1)
    bare(make_model(8))  # torch loads its compiler at the first step
    for width in (64, 1024):
        alone = milliseconds(bare, width)
        for name, tables in {"avtool": {}, "avtool, with EMA": {"ema": {"decay": 0.999}}}.items():
            taken = milliseconds(lambda model, tables=tables: ours(model, **tables), width)
            print(
                f"width {width:5}: bare {alone:6.3f} ms, {name:18} {taken:6.3f} ms   + {taken - alone:.3f} ms"
            )


if __name__ == "__main__":
    main()
