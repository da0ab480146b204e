"""Few-shot draws beside the published procedure; base and new classes; split files and their faults."""

import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from avtool.core.errors import BadInputError
from avtool.data.image_sets import IMAGE_SETS
from avtool.data.image_shots import class_split, draw_shots, harmonic_mean
from avtool.data.readers.layouts import read_source

LABELS = [3, 1, 1, 3, 2, 2, 1, 3, 2, 1, 0]


def published(items: list[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    """The procedure as the published code has it, on the global generator."""
    by_label = defaultdict(list)
    for item in items:
        by_label[item[1]].append(item)
    found = []
    for own in by_label.values():
        found += random.sample(own, count) if len(own) >= count else own
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("shots", [1, 2, 8])
def test_the_draw_is_the_published_one(seed: int, shots: int) -> None:
    train, val = list(enumerate(LABELS)), list(enumerate(reversed(LABELS)))
    random.seed(seed)
    expected = published(train, shots), published(val, min(shots, 4))
    draw = draw_shots(LABELS, [label for _, label in val], shots, seed)
    assert draw.train == [place for place, _ in expected[0]]
    assert draw.val == [place for place, _ in expected[1]]
    assert draw.short == {label: LABELS.count(label) for label in (3, 1, 2, 0) if LABELS.count(label) < shots}


def test_the_draw_leaves_the_global_generator_alone() -> None:
    random.seed(5)
    before = random.getstate()
    draw_shots(LABELS, LABELS, 1, 9)
    assert random.getstate() == before


def test_base_is_the_larger_half() -> None:
    assert list(class_split(5, "base")) == [0, 1, 2]
    assert list(class_split(5, "new")) == [3, 4]
    assert list(class_split(5, "all")) == [0, 1, 2, 3, 4]
    assert harmonic_mean(80.0, 60.0) == pytest.approx(68.5714, abs=1e-4)
    assert harmonic_mean(0.0, 0.0) == 0.0


def write(folder: Path, content: Any, name: str = "split.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


ROW = ["a.jpg", 0, "cat"]


def test_a_split_file_is_read_in_the_order_of_its_labels(tmp_path: Path) -> None:
    rows = {"train": [["b.jpg", 1, "ant"], ROW], "val": [], "test": [["c.jpg", 0, "cat"]]}
    source = read_source(write(tmp_path, rows))
    assert [one.label for one in source.classes["classes"]] == ["cat", "ant"]
    assert [(clip.media, clip.split, clip.labels) for clip in source.clips] == [
        ("b.jpg", "train", ("ant",)), ("a.jpg", "train", ("cat",)), ("c.jpg", "test", ("cat",)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ({"test": [ROW]}, "has no key `train` \\(it has test\\)"),
        ({"train": [ROW]}, "neither a key `test` nor `val`"),
        (
            {"train": [ROW, ["a.jpg", "0", "cat"]], "test": []},
            "row 2 of `train` is \\['a.jpg', '0', 'cat'\\]",
        ),
        ({"train": [ROW, ["b.jpg", True, "cat"]], "test": []}, "row 2 of `train`"),
        ({"train": [ROW], "test": ["a.jpg"]}, "row 1 of `test`"),
        ({"train": [ROW, ["b.jpg", 0, "dog"]], "test": []}, "label 0 is cat, dog"),
        ({"train": [ROW, ["b.jpg", 1, "cat"]], "test": []}, "`cat` has the labels 0, 1"),
        ({"train": [ROW, ["b.jpg", 2, "dog"]], "test": []}, "its labels are not 0 to 1: no 1 among 0, 2"),
        ({"train": [ROW, ROW], "test": []}, "lists `train/a.jpg` twice"),
        ({"train": {"a.jpg": 0}, "test": []}, "`train` is no list"),
    ],
)
def test_a_wrong_split_file_is_named_with_its_row(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        read_source(write(tmp_path, content), "coop-split")


def test_images_of_a_known_dataset_are_found_beside_its_file(tmp_path: Path) -> None:
    (tmp_path / "2750").mkdir()
    file = write(tmp_path, {"train": [ROW], "test": []}, "split_zhou_EuroSAT.json")
    assert read_source(file).media == tmp_path / "2750"
    assert read_source(tmp_path).inputs == (file,)
    facts = IMAGE_SETS.of_source(tmp_path)
    assert facts is not None
    assert facts.names["SeaLake"] == "Sea or Lake"


def test_every_dataset_has_its_facts() -> None:
    main = [IMAGE_SETS[name] for name in IMAGE_SETS if not IMAGE_SETS[name].domain]
    assert len(main) == 11
    assert all("{}" in one.template and one.classes > 1 for one in main)
    assert sum(bool(one.split) for one in main) == 9
