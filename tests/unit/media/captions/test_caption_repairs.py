"""What is mended is counted, and no cue goes without being counted."""

import pytest

from avtool.core.errors import BadInputError
from avtool.media.captions import draft as draft_module
from tests.unit.media.captions.read_text import read, shown


def _srt(*cues: tuple[str, str, str]) -> str:
    return "".join(f"{n}\n{a} --> {b}\n{text}\n\n" for n, (a, b, text) in enumerate(cues, 1))


@pytest.mark.parametrize(
    ("cue", "expected", "repairs"),
    [
        (("00:00:05,000", "00:00:04,000", "x"), (5000, 6000, "x"), {"end not after start": 1}),
        (("00:00:05,000", "00:00:05,000", "x"), (5000, 6000, "x"), {"end not after start": 1}),
        (("-00:00:05,000", "00:00:02,000", "x"), (0, 2000, "x"), {"negative time": 1}),
        (("-00:00:05,000", "-00:00:04,000", "x"), (0, 1000, "x"), {"negative time": 1}),
        (("00:00:05,000", "", "x"), (5000, 10_000, "x"), {"no end time": 1}),
    ],
)
def test_times(cue, expected, repairs):
    captions = read(_srt(cue))
    assert shown(captions) == [expected]
    assert captions.repairs == repairs


def test_a_cue_without_an_end_lasts_until_the_next():
    captions = read(_srt(("00:00:05,000", "", "x"), ("00:00:07,000", "00:00:08,000", "y")))
    assert shown(captions) == [(5000, 7000, "x"), (7000, 8000, "y")]


def test_overlaps_are_legal():
    captions = read(_srt(("00:00:01,000", "00:00:05,000", "x"), ("00:00:02,000", "00:00:03,000", "y")))
    assert shown(captions) == [(1000, 5000, "x"), (2000, 3000, "y")]
    assert captions.repairs == {"overlap (kept)": 1}


def test_empty_cues_are_dropped_and_counted():
    captions = read(_srt(("00:00:01,000", "00:00:02,000", "<i> </i>"), ("00:00:03,000", "00:00:04,000", "y")))
    assert shown(captions) == [(3000, 4000, "y")]
    assert captions.repairs == {"empty cue skipped": 1}


def test_cues_come_in_time_order():
    captions = read(_srt(("00:00:03,000", "00:00:04,000", "b"), ("00:00:01,000", "00:00:02,000", "a")))
    assert [cue.text for cue in captions.cues] == ["a", "b"]
    assert captions.repairs == {"out of order": 1}


def test_too_many_cues_are_refused(monkeypatch):
    monkeypatch.setattr(draft_module, "MAX_CUES", 10)
    with pytest.raises(BadInputError, match="more than 10 cues"):
        read(_srt(*[("00:00:01,000", "00:00:02,000", "x")] * 11))
