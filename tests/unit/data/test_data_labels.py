"""Labels become class indices, or an error that says which do not."""

import numpy as np
import pytest

from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder
from avtool.data.labels import LabelClass, class_lists, encode_labels, read_classes, write_classes
from avtool.data.manifest import Clip
from avtool.tasks.classification.samples import warn_of_unseen_classes
from tests.harness import make_manifest


def labelled(folder, *labels):
    return make_manifest(folder, [Clip(f"c{n}", "m", 0.0, 1.0, labels=one) for n, one in enumerate(labels)])


def test_single_labels_are_indices(tmp_path):
    targets = encode_labels(
        labelled(tmp_path, ("cat",), ("dog",), ("cat",)), "single-label", [("dog", "cat")]
    )
    assert [int(targets.target(n)) for n in range(3)] == [1, 0, 1]
    assert targets.target(0).dtype == np.int64
    assert targets.counts()[0].tolist() == [1, 2]


def test_several_labels_are_a_vector(tmp_path):
    classes = [("a", "b", "c")]
    targets = encode_labels(labelled(tmp_path, ("c", "a"), ()), "multi-label", classes)
    assert targets.target(0).tolist() == [1, 0, 1]
    assert targets.target(1).tolist() == [0, 0, 0]
    assert targets.target(0).dtype == np.float32
    assert targets.unseen() == ["b"]


def test_a_verb_and_a_noun_are_two_indices_even_where_they_share_a_name(tmp_path):
    classes = [("cut", "open"), ("door", "cut")]
    targets = encode_labels(labelled(tmp_path, ("open", "door"), ("cut", "cut")), "verb-noun", classes)
    assert [targets.target(n).tolist() for n in range(2)] == [[1, 0], [0, 1]]
    assert [counts.tolist() for counts in targets.counts()] == [[1, 1], [1, 1]]


@pytest.mark.parametrize(
    ("labels", "task", "message"),
    [
        ([("a",), ("x",), ("y",)], "single-label", "2 labels of .* not in the class list: `x`, `y`"),
        ([("a",), ("a", "b")], "single-label", "1 clips .* have not one label: `c1` has a, b"),
        ([("a",), ()], "single-label", "`c1` has none"),
        ([tuple("qrstuvw")], "multi-label", "7 labels .*: `q`, `r`, `s`, `t`, `u`, …"),
        ([("a",)], "verb-noun", "have not a verb and a noun"),
        ([("a", "b")], "verb-noun", "1 noun of .*: `b`"),
    ],
)
def test_labels_that_do_not_fit(tmp_path, labels, task, message):
    classes = [("a", "b")] if task != "verb-noun" else [("a", "b"), ("door",)]
    with pytest.raises(BadInputError, match=message):
        encode_labels(labelled(tmp_path, *labels), task, classes)


def test_class_lists_are_written_and_read(tmp_path):
    classes = [LabelClass("bird, small", "/m/1", 3), LabelClass("dog", "/m/2")]
    write_classes(tmp_path / "labels" / "classes.csv", classes)
    assert (tmp_path / "labels" / "classes.csv").read_text().splitlines()[1] == '0,"bird, small",3,/m/1'
    assert class_lists(tmp_path, "single-label") == (("bird, small", "dog"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name\nx\n", "has no column `label`"),
        ("index,label\n0,a\n1,a\n", "row 2: `a` stands twice"),
        ("index,label\n0,\n", "row 1: the label is empty"),
        ("index,label\n", "names no class"),
    ],
)
def test_damaged_class_lists(tmp_path, text, message):
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(BadInputError, match=message):
        read_classes(tmp_path / "c.csv")
    with pytest.raises(BadInputError, match="cannot read the class list"):
        read_classes(tmp_path / "none.csv")


def test_classes_without_a_clip_are_told(tmp_path):
    reporter = Recorder()
    warn_of_unseen_classes(
        encode_labels(labelled(tmp_path, ("a",)), "multi-label", [("a", "b", "c")]), reporter
    )
    assert reporter.warnings == ["2 of 3 classes have no training clip: `b`, `c`"]
