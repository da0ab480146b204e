"""Random geometry and colour of annotated images: boxes and masks move with their image."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from avtool.core.errors import BadInputError
from avtool.core.recipe import load, validate
from avtool.core.reporter import Silent
from avtool.models.zoo.catalogue import find_row
from avtool.models.zoo.dense_network import IGNORED_PIXEL
from avtool.models.zoo.dense_prediction import processor_of
from avtool.tasks.dense_prediction.augment import DenseAugmentation
from avtool.tasks.dense_prediction.recipe import DenseAugmentRecipe, DensePredictionRecipe
from avtool.tasks.dense_prediction.samples import Truth
from avtool.tasks.dense_prediction.task import DensePredictionTask
from tests.annotated_images import SIDE, write_annotated

RED = (230, 20, 20)
BOX = (20, 12, 44, 30)  # left, top, right, bottom, in an image of 50 x 80
CROP = {"crop": 1.0, "crop_before": (), "crop_sides": (24, 40)}
GREY = (124, 116, 104)


def augmented(
    values: dict[str, Any], seed: int, truth: Truth | None = None, side: int = 48
) -> tuple[NDArray[np.uint8], Truth]:
    """A red box on black, changed."""
    return DenseAugmentation(DenseAugmentRecipe(**values), side, GREY)(image(), truth or truth_of(), seed)


def image() -> NDArray[np.uint8]:
    left, top, right, bottom = BOX
    found = np.zeros((50, 80, 3), np.uint8)
    found[top:bottom, left:right] = RED
    return found


def truth_of() -> Truth:
    left, top, right, bottom = BOX
    mask = torch.zeros(1, 50, 80, dtype=torch.int64)
    mask[0, top:bottom, left:right] = 1
    return {"boxes": torch.tensor([BOX], dtype=torch.float32), "masks": mask, "objects": torch.tensor([3])}


def pixels_of() -> Truth:
    return {"pixels": truth_of()["masks"][0]}


def corners(mask: Tensor) -> tuple[int, int, int, int]:
    """Of the pixels of a mask: left, top, right, bottom."""
    rows, columns = mask.any(dim=1).nonzero(), mask.any(dim=0).nonzero()
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


@pytest.mark.parametrize("values", [CROP, {"scales": (0.5, 2.0)}, {**CROP, "scales": (1.0, 3.0)}])
def test_box_mask_and_colour_move_alike(values: dict[str, Any]) -> None:
    kept = 0
    for seed in range(60):
        found, truth = augmented(values, seed)
        red = torch.from_numpy(found[..., 0] > 115) & torch.from_numpy(found[..., 1] < 80)
        if not len(truth["boxes"]):
            assert int(red.sum()) <= 2 * max(found.shape)  # less than a pixel's row or column is dropped
            continue
        kept += 1
        assert truth["objects"].tolist() == [3]
        assert truth["masks"].shape == (1, *found.shape[:2])
        for mask in (truth["masks"][0] > 0, red):
            distance = torch.tensor(corners(mask)) - truth["boxes"][0]
            assert float(distance.abs().max()) <= 1.01, seed
    assert kept > 30


def test_crops_are_of_the_drawn_sides_and_all_over_the_image() -> None:
    shapes, places = set(), set()
    for seed in range(40):
        found, truth = augmented(CROP, seed)
        shapes.add(found.shape[:2])
        places.add(tuple(truth["boxes"].flatten().tolist()))
    assert all(24 <= side <= 40 for shape in shapes for side in shape)
    assert len(shapes) > 20
    assert len(places) > 20


def test_a_scale_is_a_square_filled_with_the_mean_colour_that_does_not_count() -> None:
    found, truth = augmented({"scales": (0.5, 0.5), "max_share": 1.0}, 0, pixels_of())
    assert found.shape == (48, 48, 3)
    assert truth["pixels"].shape == (48, 48)
    outside = truth["pixels"] == IGNORED_PIXEL
    assert int((~outside).sum()) == 24 * 38  # half of 48, and 80 / 50 of that
    assert (found[outside.numpy()] == GREY).all()
    _, objects = augmented({"scales": (0.5, 0.5)}, 0)
    assert int(objects["masks"].max()) == 1


@pytest.mark.parametrize("values", [{"scales": (0.5, 2.0)}, {"crop": 1.0}])
def test_thin_images_are_not_scaled_up_beyond_memory(values: dict[str, Any]) -> None:
    """Scaled to a shorter side of 400, a line of 20 000 pixels would have 3.2 thousand million of them."""
    augmentation = DenseAugmentation(DenseAugmentRecipe(**values), 48, GREY)
    changed, _ = augmentation(
        np.zeros((1, 20_000, 3), np.uint8), {"pixels": torch.zeros(1, 20_000, dtype=torch.int64)}, 0
    )
    assert max(changed.shape[:2]) <= 600


def test_no_class_fills_more_than_the_share_where_another_crop_is_found() -> None:
    shares = []
    for seed in range(40):
        _, truth = augmented({"scales": (2.0, 2.0), "max_share": 0.75}, seed, pixels_of())
        shares.append(float(torch.bincount(truth["pixels"].flatten()).max()) / 48**2)
    assert sum(share < 0.75 for share in shares) > 30
    any_share = [
        float(torch.bincount(augmented({"scales": (2.0, 2.0), "max_share": 1.0}, seed, pixels_of())[1]
                             ["pixels"].flatten()).max()) / 48**2
        for seed in range(40)
    ]  # fmt: skip
    assert sum(share < 0.75 for share in any_share) < 25


def test_boxes_that_are_cut_away_are_dropped_with_their_masks_and_classes() -> None:
    dropped = 0
    for seed in range(60):
        _, truth = augmented({"crop": 1.0, "crop_before": (), "crop_sides": (10, 14)}, seed)
        assert len(truth["boxes"]) == len(truth["masks"]) == len(truth["objects"])
        dropped += not len(truth["boxes"])
    assert 10 < dropped < 55


def test_colour_changes_no_geometry_and_leaves_some_images_as_they_are() -> None:
    untouched = 0
    for seed in range(60):
        found, truth = augmented({"distort": 0.5}, seed)
        torch.testing.assert_close(truth["boxes"], truth_of()["boxes"])
        untouched += bool((found == image()).all())
    assert 0 < untouched < 20  # four draws of a half: 60 / 16


def test_draws_follow_from_the_seed_and_leave_the_global_generator() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    one, other = (augmented({**CROP, "distort": 1.0}, 5) for _ in range(2))
    assert (one[0] == other[0]).all()
    torch.testing.assert_close(one[1]["boxes"], other[1]["boxes"])
    torch.testing.assert_close(torch.rand(3), expected)


def task_of(folder: Path, name: str, augment: dict[str, Any]) -> DensePredictionTask:
    values = {"model": {"name": name}, "data": {"side": SIDE, "flip": 0.5}, "augment": augment}
    return DensePredictionTask(folder, validate(DensePredictionRecipe, values, "test"), Silent())


def test_sides_are_drawn_by_epoch_within_the_longest(tmp_path: Path) -> None:
    from avtool.tasks.dense_prediction.samples import DenseSamples, processors_of

    task = task_of(write_annotated(tmp_path / "data"), "yolos-ti", {"sides": [32, 48, 96], "longest": 80})
    given = (task.row, task.names, processor_of(task.row, SIDE), 0, 0.0, None)
    samples = DenseSamples(task.data[0], *given, processors_of(task.row, task.recipe.augment))
    seen = set()
    for epoch in range(12):
        samples.set_epoch(epoch)
        seen.add(tuple(samples[0]["image"].shape[1:]))
        assert samples[0]["boxes"].tolist() == [pytest.approx([18 / 64, 18 / 64, 24 / 64, 20 / 64])]
    assert seen == {(32, 32), (48, 48), (80, 80)}


def test_sides_of_a_row_that_scales_to_a_square_are_refused(tmp_path: Path) -> None:
    task = task_of(write_annotated(tmp_path / "data"), "segformer-b0", {"sides": [32, 48]})
    with pytest.raises(BadInputError, match=r"scales images to one square: augment\.sides"):
        task.kept_bytes()


@pytest.mark.parametrize("value", [(2.0, 0.5), (0.0, 1.0)])
def test_ranges_that_are_none_are_refused(value: tuple[float, float]) -> None:
    with pytest.raises(BadInputError, match="no range of positive numbers"):
        validate(DensePredictionRecipe, {"augment": {"scales": value}}, "test")


@pytest.mark.parametrize(("recipe", "name"), [("detr", "detr-r50"), ("segformer", "segformer-b0")])
def test_published_recipes_give_samples_of_their_sizes(tmp_path: Path, recipe: str, name: str) -> None:
    from avtool.core.paths import find_recipe
    from avtool.tasks.dense_prediction.samples import DenseSamples, processors_of

    found = load(DensePredictionRecipe, recipe=find_recipe(f"train/{recipe}"), environment={})
    task = DensePredictionTask(write_annotated(tmp_path / "data"), found, Silent())
    processor = processor_of(find_row(name), found.data.side)
    change = DenseAugmentation.of_processor(found.augment, processor)
    given = (task.row, task.names, processor, 0, 0.5, change, processors_of(task.row, found.augment))
    height, width = DenseSamples(task.data[0], *given)[0]["image"].shape[1:]
    if name == "segformer-b0":
        assert (height, width) == (512, 512)
    else:
        assert min(height, width) in found.augment.sides or max(height, width) == 1333
