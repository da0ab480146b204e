"""The smallest row under each heading of the taxonomy learns 32 images of 4 classes by heart."""

import pytest

from avtool.models.zoo.catalogue import params_of, shipped_rows
from tests.zoo_headings import CLASSIFIERS, ENOUGH, Classifier, labelled_images, learn_classes

BEYOND = "beyond the survey"


def test_each_heading_with_a_classifier_has_its_smallest_row() -> None:
    rows = [row for row in shipped_rows() if row.is_built and row.task == "classification"]
    groups = {row.group for row in rows} - {BEYOND}
    assert {one.heading for one in CLASSIFIERS} == groups
    for one in CLASSIFIERS:
        sizes = {row.key: params_of(row) or 0.0 for row in rows if row.group == one.heading}
        assert sizes[one.key] == min(sizes.values())


def test_images_have_four_classes_by_colour() -> None:
    images, labels = labelled_images(32)
    assert images.shape == (32, 3, 32, 32)
    assert labels.bincount().tolist() == [8, 8, 8, 8]
    brightest = images.amax(dim=(2, 3))
    assert (brightest[labels == 2].argmax(dim=1) == 2).all()


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(one, id=one.key, marks=[] if one.key == "pvtv2-b0" else [pytest.mark.slow])
        for one in CLASSIFIERS
    ],
)
def test_a_heading_learns_32_images(one: Classifier) -> None:
    found = learn_classes(one)
    assert found.first > 1.0
    assert found.loss < ENOUGH
