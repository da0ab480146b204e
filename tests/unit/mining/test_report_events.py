"""The report's list of events: every one, in plain words, and no script but the page's own."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from avtool.core.report.page import write_page
from avtool.mining.events import Event
from avtool.mining.film_record import FilmRecord
from avtool.mining.report import write
from avtool.mining.report.event_table import event_data, rule_in_words


def event(number: int, **changes) -> Event:
    values = {
        "film_id": "friday",
        "event_id": f"0000{number}-1",
        "start": 0.0,
        "end": 4.0,
        "start_raw": 61.0 * number,
        "end_raw": 61.0 * number + 2,
        "tag_raw": "[</script>door slams]",
        "tag_clean": "door slams",
        "sounds": ("slam",),
        "sources_stated": ("door",),
        "sources_default": (),
        "qualities": (),
        "aspect": "abrupt",
        "speaker": "",
        "lyrics": False,
        "time_source": "cue",
        "conf": 0.95,
        "rule_id": "source+sound",
        "clip_path": f"0000{number}-1.wav",
    }
    return Event(**{**values, **changes})


def record(*events: Event) -> FilmRecord:
    return FilmRecord("friday", "friday.mkv", "", {}, events=list(events))


def test_every_event_is_a_row_in_plain_words():
    events = [event(1), event(2, sounds=(), rule_id="state", time_source="interpolated")]
    data = json.loads(event_data([record(*events)], cut=True))
    assert data["films"] == ["friday"]
    assert data["counts"]["sounds"] == [["slam", 1], ["", 1]]
    assert data["counts"]["rules"] == [["a sound and who makes it", 1], ["starts, stops or moves", 1]]
    first, second = data["events"]
    assert first[1:7] == ["1:01.0", "2.0 s", ["slam"], ["door"], [], "[</script>door slams]"]
    assert data["timed"][second[8]] == "its place in the caption, ± 0.5 s"
    assert first[-1] == "00001-1.wav"
    assert json.loads(event_data([record(*events)], cut=False))["events"][0][-1] == ""


def test_a_caption_cannot_end_the_data():
    assert "</script" not in event_data([record(event(1))], cut=True)


def test_rules_without_a_name_stand_as_they_are():
    assert rule_in_words("sound+ocr") == "a sound, misread letters repaired"
    assert rule_in_words("of a plugin") == "of a plugin"


@pytest.mark.parametrize("script", [None, Path(write.__file__).parent / "report.js"])
def test_the_page_allows_its_own_script_alone(tmp_path, script):
    template = tmp_path / "t.html"
    template.write_text('{% extends "page.html" %}')
    write_page(tmp_path / "page.html", template, script=script)
    page = (tmp_path / "page.html").read_text()
    policy = re.search(r'content="(default-src[^"]*)"', page)[1]
    if script is None:
        assert "script-src" not in policy
        assert "<script" not in page
    else:
        code = re.search(r"<script>(.*)</script>", page, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert f"script-src 'sha256-{digest}'" in policy
