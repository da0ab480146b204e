"""What only fusion can learn: the label is the exclusive or of what is heard and what is seen."""

import torch
from torch import Tensor

from avtool.models.mbt.mbt import MBT
from avtool.models.registry import create
from avtool.objectives.classification import Classification, cross_entropy

torch.set_num_threads(1)  # tiny matrices: threads would only wait for each other


def exclusive_or() -> dict[str, Tensor]:
    """Sixteen clips: two sounds by two pictures, four of each pair."""
    heard, seen = torch.arange(16) % 2, torch.arange(16) // 2 % 2
    generator = torch.Generator().manual_seed(0)
    sounds = torch.randn(2, 32, 16, generator=generator)
    pictures = torch.randn(2, 3, 4, 16, 16, generator=generator)
    return {"audio": sounds[heard], "video": pictures[seen], "label": heard ^ seen}


def accuracy_after_training(modalities: tuple[str, ...]) -> float:
    torch.manual_seed(0)
    model: MBT = create("mbt_tiny", modalities=modalities, num_classes=2)  # type: ignore[assignment]
    task = Classification(model.inputs, cross_entropy, each_modality=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    batch = exclusive_or()
    for _ in range(100):
        optimizer.zero_grad()
        task(model, batch)["loss"].backward()
        optimizer.step()
    with torch.no_grad():
        logits = model.eval()(**{name: batch[name] for name in modalities}).logits
    return float((logits.argmax(dim=1) == batch["label"]).float().mean())


def test_both_modalities_learn_it() -> None:
    assert accuracy_after_training(("video", "audio")) >= 0.95


def test_sound_alone_cannot() -> None:
    assert accuracy_after_training(("audio",)) <= 0.6


def test_picture_alone_cannot() -> None:
    assert accuracy_after_training(("video",)) <= 0.6
