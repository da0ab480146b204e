"""Calibration of the sound tagger: thresholds by onset, releases that stay, and a film listened to once."""

from pathlib import Path

import numpy as np
import pytest

from avtool.captioning.phrases.phrase_book import read_phrases
from avtool.data.inputs.spec import Window
from avtool.inference.events import Event
from avtool.inference.sound_tagger.calibration import (
    GRID,
    ClassCalibration,
    FilmCounts,
    choose_thresholds,
    count_film,
    raised,
)
from avtool.inference.sound_tagger.heard_film import HeardFilm
from avtool.inference.sound_tagger.thresholds import ClassThresholds, default_thresholds

LABELS = ["dog", "rain", "cat"]
Times = dict[str, dict[float, list[float]]]


def counted(starts: Times, true: dict[str, list[float]], seconds: float = 600.0) -> FilmCounts:
    """A film in which each class is detected at these times from some thresholds on downwards."""
    found = {
        value: [
            Event(start, start + 1, label, 0.9)
            for label, by_threshold in starts.items()
            for highest, times in by_threshold.items()
            if value <= highest
            for start in times
        ]
        for value in GRID
    }
    return count_film(LABELS, seconds, found, true, 1.0)


def test_the_threshold_with_the_best_f1_by_onset_is_chosen_over_all_films() -> None:
    dog = {0.9: [10.0, 50.4], 0.6: [90.0], 0.3: [100.0, 120.0, 140.0, 160.0, 180.0]}
    true = {"dog": [10.5, 50.0, 90.2]}
    one = counted({"dog": dog}, true)
    (found, *_) = choose_thresholds([one, one], LABELS, np.full(3, 0.7), min_events=5, per_hour=2)
    assert (found.threshold, found.events, found.precision, found.recall, found.f1) == (0.6, 6, 1.0, 1.0, 1.0)
    few = choose_thresholds([one], LABELS, np.full(3, 0.7), min_events=5, per_hour=2)[0]
    assert (few.threshold, np.isnan(few.f1)) == (0.7, True)


def test_late_onsets_count_as_wrong_and_missed() -> None:
    late = counted({"rain": {0.9: [13.0, 53.0], 0.4: [10.2, 50.2]}}, {"rain": [10.0, 50.0]})
    found = choose_thresholds([late], LABELS, np.full(3, 0.7), min_events=2, per_hour=2)[1]
    assert found.threshold == 0.4
    assert found.f1 == pytest.approx(2 * 2 / (4 + 2))


def test_rare_classes_are_raised_until_few_detections_have_no_caption() -> None:
    noisy = counted({"cat": {0.8: [1.0, 2.0, 3.0], 0.9: [4.0]}}, {}, seconds=1800)
    defaults = np.array([1.1, 0.5, 0.5])
    chosen = choose_thresholds([noisy], LABELS, defaults, min_events=5, per_hour=2)
    assert [one.threshold for one in chosen] == [1.1, 0.5, 0.85]  # never detected; quiet; one in half an hour


def test_raised_thresholds_stay_on_the_grid() -> None:
    classes = [ClassCalibration("a", 0.5, 9), ClassCalibration("b", 0.9, 9), ClassCalibration("c", 1.1, 0)]
    assert [one.threshold for one in raised(classes, 0.2)] == [0.7, 0.95, 1.1]


def test_a_higher_threshold_does_not_start_a_sound_later() -> None:
    values: ClassThresholds = default_thresholds(read_phrases().classes(["Rain", "Bark"]), "multi-label")
    higher, lower = values.at(0.9), values.at(0.2)
    assert higher.release.tolist() == values.release.tolist() == [0.25, 0.35]
    assert lower.release.tolist() == [0.1, 0.1]
    table = values.with_table({"rain": 0.9}, ["Rain", "Bark"], Path("t.csv"))
    assert (table.threshold.tolist(), table.release.tolist()) == ([0.9, 0.7], [0.25, 0.35])


def test_a_film_is_read_back_as_it_was_heard(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    scores = rng.random((5000, 3))
    heard = HeardFilm(tmp_path / "film.f32", 3)
    for first in range(0, 5000, 700):
        part = range(first, min(first + 700, 5000))
        audio = {"audio": np.zeros(1000, np.float32)}
        windows = [Window(0.5 * place, 0.5 * place + 1, audio) for place in part]
        heard.add(windows, scores[part.start : part.stop])
    found = [*heard.windows()]
    assert [start for start, _, _ in found] == [0.5 * place for place in range(5000)]
    np.testing.assert_allclose(np.stack([row for *_, row in found]), scores, atol=1e-7)
    assert heard.seconds == 2500.5
