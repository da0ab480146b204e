"""The comparison of mined events with the truth, on cases whose result is known."""

import pytest

from avtool.core.errors import BadInputError
from avtool.evaluation.mined_events import LabelledStart, merge_scores, read_true_events, score_events


def event(start: float, sound: str = "bark", source: str = "", quality: str = "") -> LabelledStart:
    return LabelledStart(start, *(frozenset(filter(None, [label])) for label in (sound, source, quality)))


def test_nearest_starts_are_matched_one_to_one():
    scores = score_events([event(1.3), event(1.1), event(9.0)], [event(1.0), event(1.4)])
    assert (scores.num_true, scores.num_found, scores.num_matched) == (2, 3, 2)
    assert sorted(scores.errors_s) == pytest.approx([-0.1, 0.1])
    assert (scores.recall, scores.precision) == (1.0, pytest.approx(2 / 3))


def test_a_sound_must_agree_and_events_without_one_match_each_other():
    assert score_events([event(1, "meow")], [event(1, "bark")]).num_matched == 0
    assert score_events([event(1, "", "engine")], [event(1, "", "engine")]).num_matched == 1


def test_labels_are_compared_where_events_match():
    scores = score_events(
        [event(1, "bark", "dog"), event(5, "slam", "gate")],
        [event(1, "bark", "dog"), event(5, "slam", "door")],
    )
    assert (scores.sources_right, scores.qualities_right) == (0.5, 1.0)


def test_films_add_up():
    one = score_events([event(1.2)], [event(1.0)])
    merged = merge_scores([one, score_events([], [event(3.0)])])
    assert (merged.num_true, merged.num_matched, merged.recall) == (2, 1, 0.5)
    assert merged.start_error(50) == pytest.approx(0.2)


def test_tables_of_true_events(tmp_path):
    table = tmp_path / "events.csv"
    table.write_text("start,kind,sound,source,quality\n1.5,sound,bark; howl,dog,\n2,song,sing,,\n")
    assert read_true_events(table) == [
        LabelledStart(1.5, frozenset({"bark", "howl"}), frozenset({"dog"}), frozenset())
    ]
    table.write_text("begin\n1\n")
    with pytest.raises(BadInputError, match="not a table of events"):
        read_true_events(table)
