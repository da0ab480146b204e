"""Class lists and the user's taxonomy."""

import pytest

from avtool.core.errors import BadInputError
from avtool.mining.taxonomy import ClassCount, choose_classes, count_labels, read_label_map, write_class_csv

LABELS = [("bark",), ("slam", "bark"), ("sigh",), ("sigh", "sigh"), ("bark",), ()]


def test_labels_are_counted_once_an_event_and_ordered_by_count_then_name():
    assert count_labels([*LABELS, ("cry",)]) == (
        ClassCount(0, "bark", 3),
        ClassCount(1, "sigh", 2),
        ClassCount(2, "cry", 1),
        ClassCount(3, "slam", 1),
    )


@pytest.mark.parametrize(
    ("options", "classes"),
    [
        ({}, ("bark", "sigh", "slam")),
        ({"classes": 2}, ("bark", "sigh")),
        ({"classes": 9}, ("bark", "sigh", "slam")),
        ({"min_count": 2}, ("bark", "sigh")),
        ({"classes": 1, "min_count": 2}, ("bark", "sigh")),
        ({"min_count": 9}, ()),
    ],
)
def test_classes_by_number_or_by_count(options, classes):
    assert choose_classes(count_labels(LABELS), **options) == classes


def test_the_csv_lists_index_label_count(tmp_path):
    write_class_csv(tmp_path / "sounds.csv", count_labels(LABELS))
    assert (tmp_path / "sounds.csv").read_text() == "index,label,count\n0,bark,3\n1,sigh,2\n2,slam,1\n"


def test_a_taxonomy_renames_and_drops(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("\ufefflabel,class\nBark,animal\nmeow, animal \nslam,impact\nsigh,\n", encoding="utf-8")
    label_map = read_label_map(path)
    assert label_map(["bark", "slam", "meow", "sigh", "honk"]) == ("animal", "impact")


def test_a_class_list_of_ours_limits_the_labels(tmp_path):
    write_class_csv(tmp_path / "sounds.csv", count_labels(LABELS)[:2])
    assert read_label_map(tmp_path / "sounds.csv")(["slam", "sigh"]) == ("sigh",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column `label`"),
        (b"name,class\nbark,animal\n", "no column `label`"),
        (b"label,class\n", "names no label"),
        (b"label,class\nbark,\n", "names no label"),
        (b"label,class\nbark,animal\nbark,dog\n", "line 3: `bark` is `animal` above and `dog` here"),
        (b'label,class\nbark,"animal, dog"\n', "line 2: a comma"),
        (b"label\n\xff\xfe", "not a CSV file in UTF-8"),
        (b'label\n"bark', "not a CSV file in UTF-8"),
    ],
)
def test_a_wrong_taxonomy_is_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=message) as caught:
        read_label_map(path)
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_missing_taxonomy_is_named(tmp_path):
    with pytest.raises(BadInputError, match=r"mine\.csv"):
        read_label_map(tmp_path / "mine.csv")
