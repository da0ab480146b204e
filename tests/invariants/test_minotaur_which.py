"""A tiny MINOTAUR with a match learns which of a window's events a query means, on windows of its own."""

import torch
from torch import Tensor

from avtool.models.registry import create
from avtool.objectives.localisation import Localisation, LocalisationWeights

torch.set_num_threads(1)
CLASSES, EVENTS, LENGTH, BATCH, STEPS = 12, 4, 6, 16, 40
FRAMES = EVENTS * LENGTH
KINDS = ("image", "text", "label", "audio")


class Windows:
    """Windows of four events, each of another class in one cell of the grid; a query names one of them.

    Queries and frames of a class have nothing in common but the class.
    """

    def __init__(self, seed: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.marks = torch.randn(CLASSES, 32, generator=generator)
        self.names = torch.randn(CLASSES, 24, generator=generator)
        self.generator = torch.Generator().manual_seed(seed)

    def noise(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator)

    def batch(self) -> dict[str, Tensor]:
        visual = 0.5 * self.noise(BATCH, FRAMES, 4, 32)
        foreground, edges = torch.zeros(BATCH, FRAMES, dtype=torch.bool), torch.zeros(BATCH, 1, 2)
        wanted = torch.randint(EVENTS, (BATCH,), generator=self.generator)
        query = torch.zeros(BATCH, 2, 24)
        for row in range(BATCH):
            classes = torch.randperm(CLASSES, generator=self.generator)[:EVENTS]
            for event, mark in enumerate(self.marks[classes]):
                cell = int(torch.randint(4, (1,), generator=self.generator))
                visual[row, event * LENGTH + 1 : (event + 1) * LENGTH - 1, cell] += mark
            first = int(wanted[row]) * LENGTH + 1
            foreground[row, first : first + LENGTH - 2] = True
            edges[row, 0] = torch.tensor([first, first + LENGTH - 3])
            query[row] = self.names[classes[wanted[row]]] + 0.3 * self.noise(2, 24)
        return {
            "visual": visual,
            "audio": 0.5 * self.noise(BATCH, FRAMES, 1, 16),
            "query": query,
            "query_mask": torch.ones(BATCH, 2, dtype=torch.bool),
            "kind": torch.ones(BATCH, dtype=torch.int64),
            "valid": torch.ones(BATCH, FRAMES, dtype=torch.bool),
            "edges": edges.long(),
            "foreground": foreground,
            "boxes": torch.full((BATCH, FRAMES, 4), 0.5),
            "box_present": torch.zeros(BATCH, FRAMES, dtype=torch.bool),
            "film": torch.arange(BATCH),
        }


def test_the_match_learns_which_event_a_query_means() -> None:
    torch.manual_seed(0)
    model = create("minotaur_tiny", match=True, dropout=0.0, head_dropout=0.0)
    weights = LocalisationWeights(foreground=5.0, attention=0.0, contrastive=5.0, negatives="batch")
    objective, windows = Localisation(KINDS, weights), Windows(seed=1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(STEPS):
        optimizer.zero_grad()
        objective(model, windows.batch())["loss"].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    others, found = Windows(seed=2), []
    for _ in range(4):
        batch = others.batch()
        with torch.no_grad():
            output = model.eval()(
                *(batch[name] for name in ("visual", "audio", "query", "query_mask", "kind"))
            )
        best = output.foreground[-1].argmax(dim=-1)
        found.append(batch["foreground"][torch.arange(BATCH), best])
    assert torch.cat(found).float().mean() > 0.9
