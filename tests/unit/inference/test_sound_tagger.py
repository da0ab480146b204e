"""The sound tagger's rules: hysteresis, thresholds, speech, music, alike classes, onsets."""

from pathlib import Path

import numpy as np
import pytest

from avtool.captioning.phrases.phrase_book import SoundClass, read_phrases
from avtool.core.errors import BadInputError
from avtool.inference.events import Event, EventFinder
from avtool.inference.sound_tagger.onsets import OnsetCurve
from avtool.inference.sound_tagger.rules import Detection, Prevailing, sound_events
from avtool.inference.sound_tagger.thresholds import default_thresholds, read_thresholds
from avtool.models.yamnet.weights import class_names

CLASSES = read_phrases().classes(class_names())
BY_LABEL = {one.label: one for one in CLASSES}


def detect(label: str, start: float, end: float, score: float = 0.9, threshold: float = 0.5) -> Detection:
    return Detection(Event(start, end, label, score), BY_LABEL[label], threshold)


def phrases(*detections: Detection) -> list[tuple[float, float, str]]:
    return [(one.start, one.end, one.phrase) for one in sound_events(detections)]


def find(scores: list[float], **settings: float) -> list[tuple[float, float, float]]:
    finder = EventFinder(["a"], hop=1.0, **{"merge_gap": 0.0, "min_duration": 0.0, **settings})
    for place, score in enumerate(scores):
        finder.add(place, place + 1.0, np.array([score]))
    return [(event.start, event.end, event.score) for event in finder.finish()]


def test_an_event_lasts_down_to_the_release() -> None:
    scores = [0.1, 0.3, 0.8, 0.3, 0.1, 0.3, 0.3, 0.1]
    assert find(scores, threshold=0.5, release=0.25) == [(1.0, 4.0, 0.8)]
    assert find(scores, threshold=0.5) == [(2.0, 3.0, 0.8)]


def test_only_events_above_the_threshold_are_merged() -> None:
    scores = [0.8, 0.1, 0.3, 0.1, 0.8]
    assert find(scores, threshold=0.5, release=0.25, merge_gap=1.0) == [(0.0, 1.0, 0.8), (4.0, 5.0, 0.8)]
    assert find(scores, threshold=0.5, release=0.25, merge_gap=3.0) == [(0.0, 5.0, 0.8)]


def test_each_class_has_its_own_threshold_gap_and_duration() -> None:
    finder = EventFinder(
        ["a", "b"], np.array([0.5, 0.9]), np.array([0.0, 5.0]), np.array([2.0, 0.0]), hop=1.0
    )
    for place, row in enumerate([(0.6, 0.95), (0.1, 0.6), (0.6, 0.95), (0.6, 0.1)]):
        finder.add(place, place + 1.0, np.array(row))
    assert [(event.label, event.start, event.end) for event in finder.finish()] == [
        ("b", 0.0, 3.0), ("a", 2.0, 4.0)
    ]  # fmt: skip


def test_speech_never_gets_a_cue() -> None:
    speech = [one for one in CLASSES if one.kind == "speech"]
    assert len(speech) >= 5
    assert not phrases(*(detect(one.label, 3 * n, 3 * n + 2) for n, one in enumerate(speech)))


def test_speech_explains_a_shout_but_no_dog() -> None:
    found = phrases(detect("Speech", 0, 10, 0.9), detect("Shout", 1, 3, 0.7), detect("Bark", 5, 6, 0.9, 0.6))
    assert [one[2] for one in found] == ["dog barks"]
    assert phrases(detect("Speech", 0, 10, 0.5), detect("Shout", 1, 3, 0.7)) == [(1, 3, "person shouts")]


def test_a_faint_bang_under_speech_is_a_bump() -> None:
    speech = detect("Speech", 0, 10, 0.99)
    assert not phrases(speech, detect("Explosion", 4, 5, 0.62, 0.6))
    assert phrases(speech, detect("Explosion", 4, 5, 0.8, 0.6))


def test_parents_yield_to_their_children() -> None:
    found = phrases(detect("Animal", 0, 9, 0.99), detect("Dog", 2, 4, 0.97), detect("Bark", 2, 4, 0.8, 0.6))
    assert found == [(2, 4, "dog barks")]


def test_a_generic_class_stands_where_nothing_definite_is() -> None:
    assert phrases(detect("Animal", 0, 2, 0.9, 0.8)) == [(0, 2, "animal calls")]


@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [
        ("Thunk", "Bang", "something thuds"),
        ("Writing", "Scratch", "pen scratches"),
        ("Bark", "Yip", "dog barks"),
        ("Gunshot, gunfire", "Boom", "gun fires"),
        ("Siren", "Smoke detector, smoke alarm", "siren wails"),
    ],
)
def test_alike_classes_are_one_sound(one: str, other: str, kept: str) -> None:
    assert phrases(detect(one, 1, 2, 0.9), detect(other, 1.2, 2.4, 0.7)) == [(1, 2.4, kept)]


@pytest.mark.parametrize(("one", "other"), [("Bark", "Meow"), ("Rain", "Stream"), ("Bark", "Rain")])
def test_unlike_classes_stay_apart(one: str, other: str) -> None:
    assert len(phrases(detect(one, 1, 3), detect(other, 1, 3))) == 2


def test_a_class_below_its_threshold_words_a_general_one() -> None:
    assert phrases(detect("Dog", 0, 1, 0.92, 0.9), detect("Growling", 0, 1, 0.88, 0.9)) == [
        (0, 1, "animal growls")
    ]
    assert phrases(detect("Dog", 0, 1, 0.95, 0.9), detect("Growling", 0, 1, 0.6, 0.9)) == [
        (0, 1, "dog barks")
    ]
    assert not phrases(detect("Growling", 0, 1, 0.88, 0.9))


@pytest.mark.parametrize(
    ("detections", "phrase"),
    [
        ([("Quack", 0.8)], "animal calls"),
        ([("Quack", 0.9)], "duck quacks"),
        ([("Cat", 0.97), ("Meow", 0.8)], "cat meows"),
        ([("Crumpling, crinkling", 0.8)], "something rustles"),
        ([("Bird", 0.7)], "birds chirp"),
        ([("Cough", 0.7)], "person coughs"),
    ],
)
def test_an_unsure_class_has_the_coarse_phrase(detections: list[tuple[str, float]], phrase: str) -> None:
    found = phrases(*(detect(label, 1, 2, score) for label, score in detections))
    assert [one[2] for one in found] == [phrase]


def test_music_is_one_passage_worded_by_what_lasts() -> None:
    music = [detect("Music", 0, 10), detect("Music", 14, 30)]
    assert phrases(*music) == [(0, 30, "music playing")]
    piano = [detect("Piano", 2, 20, 0.4, 0.25), detect("Musical instrument", 0, 25, 0.5, 0.25)]
    assert phrases(*music, *piano) == [(0, 30, "piano playing")]
    assert phrases(*music, detect("Piano", 2, 5, 0.9, 0.25)) == [(0, 30, "music playing")]


def test_short_music_is_none() -> None:
    assert not phrases(detect("Music", 0, 2))


def test_a_clearly_better_class_halves_its_rivals() -> None:
    places = {one.label: place for place, one in enumerate(CLASSES)}
    scores = np.zeros(len(CLASSES))
    for label, score in {"Bark": 0.9, "Dog": 0.7, "Meow": 0.7, "Rain": 0.85, "Speech": 0.3}.items():
        scores[places[label]] = score
    found = Prevailing(CLASSES).apply(scores)
    kept = {label: found[places[label]] for label in ("Bark", "Dog", "Meow", "Rain", "Speech")}
    assert kept == {"Bark": 0.9, "Dog": 0.7, "Meow": 0.35, "Rain": 0.85, "Speech": 0.3}


def test_never_is_never_detected() -> None:
    classes = [SoundClass("Silence", "silence", "silence", "never"), BY_LABEL["Bark"]]
    for values in (
        default_thresholds(classes, "multi-label"),
        default_thresholds(classes, "single-label").at(0.1),
    ):
        assert values.threshold[0] > 1 >= values.threshold[1]


def test_a_table_sets_thresholds_by_label(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("label,threshold\nbark,0.25\nMeow,1.1\n", encoding="utf-8")
    labels = ["Bark", "Meow", "Rain"]
    before = default_thresholds([BY_LABEL[label] for label in labels], "multi-label")
    after = before.with_table(read_thresholds(table), labels, table)
    assert after.threshold.tolist() == [0.25, 1.1, before.threshold[2]]
    with pytest.raises(BadInputError, match="thresholds of none of the model's 1 classes"):
        before.with_table(read_thresholds(table), ["Quack"], table)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("label,value\nBark,0.3\n", "no column `threshold`"),
        ("label,threshold\n", "are empty"),
        ("label,threshold\nBark,x\n", "line 2: the threshold of `Bark`"),
        ("label,threshold\nBark,nan\n", "line 2: the threshold of `Bark`"),
        ("label,threshold\nBark,7\n", "line 2: the threshold of `Bark`"),
    ],
)
def test_bad_thresholds_are_refused(content: str, message: str, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text(content, encoding="utf-8")
    with pytest.raises(BadInputError, match=message):
        read_thresholds(table)


@pytest.mark.parametrize("piece", [1000, 7680, 100_000])
def test_an_onset_is_found_in_a_stream(piece: int) -> None:
    rate = 16000
    waveform = np.random.default_rng(0).normal(0, 1e-3, 10 * rate).astype(np.float32)
    waveform[round(6.3 * rate) :] += (
        np.random.default_rng(1).normal(0, 0.2, round(3.7 * rate)).astype(np.float32)
    )
    curve = OnsetCurve(rate)
    for first in range(0, len(waveform), piece):
        curve.add(waveform[first : first + piece])
    assert curve.strongest(5.8, 6.8) == pytest.approx(6.3, abs=0.06)
    assert curve.strongest(2.0, 3.0) is None
    assert curve.strongest(20.0, 21.0) is None
