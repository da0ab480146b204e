"""What is shown of a masked model: clip, what was seen, what was rebuilt."""

import numpy as np
import pytest
import torch

from avtool.inference.reconstruction import reconstruct_batch
from avtool.models.registry import create
from avtool.training.report import curve_figures

torch.set_num_threads(1)

SHAPES = {"audio": (128, 32), "image": (3, 32, 32), "video": (3, 4, 32, 32)}


def batch_for(model, count: int = 2) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    batch = {}
    for name, grid in model.grids.items():
        batch[name] = 2 * torch.rand(count, *SHAPES[name], generator=generator) - 1
        for view in ("", "2"):
            batch[f"{name}_noise{view}"] = torch.rand(count, grid.num_tokens, generator=generator)
    return batch


@pytest.mark.parametrize(
    ("name", "modalities"),
    [("video_mae_tiny_pretrain", ["video"]), ("mavil_tiny_pretrain", ["audio", "video"])],
)
@pytest.mark.parametrize("kind", ["patch", "values"])
def test_every_modality_has_three_views_of_each_clip(name: str, modalities: list[str], kind: str) -> None:
    model = create(name)
    found = reconstruct_batch(model, batch_for(model), kind)
    assert [item.modality for item in found] == modalities
    for item in found:
        assert [len({view.shape for view in row}) for row in item.rows] == [1, 1]
        assert item.normalised == (kind == "patch")
        assert (item.trivial is None) == (kind == "values")
        assert np.isfinite(item.loss)


@pytest.mark.parametrize(
    ("name", "side", "visible"), [("mae_tiny_pretrain", 8, 4), ("audio_mae_tiny_pretrain", 16, 3)]
)
def test_seen_patches_are_shown_as_they_are(name: str, side: int, visible: int) -> None:
    model = create(name)
    (item,) = reconstruct_batch(model, batch_for(model), "patch")
    for original, seen, rebuilt in item.rows:
        same = equal_patches(original, seen, side)
        assert same.sum() == visible
        assert (equal_patches(original, rebuilt, side) == same).all()


def equal_patches(one: np.ndarray, other: np.ndarray, side: int) -> np.ndarray:
    """Which square patches of two pictures (H, W, 3) are equal in every pixel."""
    height, width = one.shape[:2]
    same = (one == other).all(axis=-1).reshape(height // side, side, width // side, side)
    return same.all(axis=(1, 3))


def test_the_trivial_level_is_that_of_predicting_nothing() -> None:
    model = create("mae_tiny_pretrain")
    (item,) = reconstruct_batch(model, batch_for(model), "patch")
    assert item.trivial == pytest.approx(191 / 192, rel=1e-4)


def test_constant_patches_lower_the_trivial_loss() -> None:
    model = create("mae_tiny_pretrain")
    batch = batch_for(model)
    batch["image"][:] = 0
    (item,) = reconstruct_batch(model, batch, "patch")
    assert item.trivial == 0


def test_curves_are_drawn_with_the_loss_first_and_chance_as_a_level() -> None:
    lines = [
        {
            "step": step,
            "epoch": 1.0,
            "split": split,
            "lr": 0.1,
            "order": 1.0,
            "order_chance": 0.5,
            "loss": 2.0,
        }
        for step in (1, 2)
        for split in ("train", "val")
    ]
    figures = curve_figures(lines)
    assert [name for name, _ in figures] == ["loss", "order", "lr"]
    assert "chance" in figures[1][1]
    assert "chance" not in figures[0][1]
