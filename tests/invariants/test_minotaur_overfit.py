"""A tiny MINOTAUR learns eight clips by heart: segments and boxes, of queries of four kinds."""

import numpy as np
import torch
from torch import Tensor

from avtool.inference.localisation.frame_scores import FrameScores
from avtool.inference.localisation.segments import RankingRecipe, rank
from avtool.models.registry import create
from avtool.objectives.localisation import Localisation, LocalisationWeights, corners

torch.set_num_threads(1)
CLIPS, FRAMES, STEPS = 8, 16, 200
KINDS = ("image", "text", "label", "audio")


def clips() -> dict[str, Tensor]:
    """Clips of noise: while a box passes through, its cell of the grid has the mark of the clip's query."""
    generator = torch.Generator().manual_seed(0)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    visual, query = 0.5 * noise(CLIPS, FRAMES, 4, 32), noise(CLIPS, 3, 32)
    boxes, foreground = torch.full((CLIPS, FRAMES, 4), 0.5), torch.zeros(CLIPS, FRAMES, dtype=torch.bool)
    edges = torch.tensor([[[1 + clip, 6 + clip]] for clip in range(CLIPS)])
    for clip, ((first, last),) in enumerate(edges.tolist()):
        for frame in range(first, last + 1):
            place = (frame - first) / (last - first)
            boxes[clip, frame] = torch.tensor([0.25 + 0.5 * place, 0.3 + 0.05 * clip, 0.3, 0.2])
            visual[clip, frame, int(place > 0.5) + 2 * int(clip > 3)] += 2 * query[clip, 0]
            foreground[clip, frame] = True
    return {
        "visual": visual,
        "audio": 0.5 * noise(CLIPS, FRAMES, 1, 16),
        "query": query,
        "query_mask": torch.ones(CLIPS, 3, dtype=torch.bool),
        "kind": torch.arange(CLIPS) % 4,
        "valid": torch.ones(CLIPS, FRAMES, dtype=torch.bool),
        "edges": edges,
        "foreground": foreground,
        "boxes": boxes,
        "box_present": foreground,
    }


def box_overlaps(boxes: Tensor, targets: Tensor) -> Tensor:
    ours, theirs = corners(boxes), corners(targets)
    sides = torch.minimum(ours[..., 2:], theirs[..., 2:]) - torch.maximum(ours[..., :2], theirs[..., :2])
    shared = sides.clamp_min(0).prod(-1)
    return shared / (boxes[..., 2:].prod(-1) + targets[..., 2:].prod(-1) - shared)


def test_eight_clips_are_learned_by_heart() -> None:
    torch.manual_seed(0)
    batch = clips()
    model = create("minotaur_tiny", dropout=0.0, head_dropout=0.0)
    objective = Localisation(KINDS, LocalisationWeights())
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=STEPS)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = objective(model, batch)["loss"]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    with torch.no_grad():
        output = model.eval()(*(batch[name] for name in ("visual", "audio", "query", "query_mask", "kind")))
    there = batch["foreground"]
    overlaps = box_overlaps(output.boxes[-1], batch["boxes"])[there]
    found = []
    for clip, ((first, last),) in enumerate(batch["edges"].tolist()):
        scores = FrameScores(
            np.arange(FRAMES) * 0.2, 0.2, output.foreground[-1, clip].sigmoid().numpy(),
            *output.start_end[-1, clip].numpy().T,
        )  # fmt: skip
        hit = rank(scores, RankingRecipe())[0]
        start, end = hit.start / 0.2, hit.end / 0.2
        shared = min(end, last + 1) - max(start, first)
        found.append(shared / (max(end, last + 1) - min(start, first)))
    assert losses[-1] < losses[0] / 10
    assert np.mean(found) > 0.9
    assert float(overlaps.mean()) > 0.8
