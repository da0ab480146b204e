"""Small detectors and segmenters of the zoo learn four images by heart, by the losses of their libraries."""

from statistics import mean

import pytest

from avtool.models.zoo.catalogue import find_row, shipped_rows
from tests.zoo_dense_rows import ENOUGH, LESSONS, DenseRowLesson, learn_four, unexpected

QUICK = ("yolos-ti", "segformer-b0", "maskformer-r50-ade20k")
"""Of each kind one whose gradients are looked at in every run of the tests."""


def test_each_heading_of_detectors_and_segmenters_has_a_row() -> None:
    rows = [row for row in shipped_rows() if row.is_built and row.task != "classification"]
    assert {find_row(one.key).group for one in LESSONS} == {row.group for row in rows}
    assert all(find_row(one.key).group == one.heading for one in LESSONS)
    assert {find_row(one.key).target for one in LESSONS} == {row.target for row in rows}


@pytest.mark.parametrize(
    "lesson",
    [pytest.param(one, id=one.key, marks=[] if one.key in QUICK else [pytest.mark.slow]) for one in LESSONS],
)
def test_the_loss_falls_and_gradients_reach_all_parameters(lesson: DenseRowLesson) -> None:
    found = learn_four(lesson, steps=12)
    assert found.last < found.first
    assert unexpected(lesson, found) == []


@pytest.mark.slow
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda one: one.key)
def test_a_row_learns_four_images(lesson: DenseRowLesson) -> None:
    found = learn_four(lesson)
    assert all(found.right)
    if find_row(lesson.key).task == "detection":
        assert min(found.overlap) > ENOUGH["box"]
    else:
        assert mean(found.overlap) > ENOUGH["mask"]
