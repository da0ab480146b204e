"""The preview of a film's captions: its content, and its bounded size."""

import re

import pytest

from avtool.captioning.event import SoundEvent
from avtool.captioning.plan import plan_captions
from avtool.captioning.preview.page import write_preview
from avtool.captioning.preview.strips import make_strips
from avtool.captioning.style import load_style
from avtool.core.reporter import Recorder, Silent
from tests.harness import write_chirp, write_grey_film

STYLE = load_style("netflix")
HEARD = [
    SoundEvent(0.5, 1.0, "door slams", 0.9, "Slam"),
    SoundEvent(1.2, 1.3, "<script>alert(1)</script>", 0.4, "Odd & end"),
    SoundEvent(3.0, 3.5, "dog barks", 0.8, "Bark"),
]


@pytest.fixture
def plan():
    return plan_captions(HEARD, STYLE, duration=4.0)


def test_a_small_film_is_inside_its_page(tmp_path, plan):
    film = write_grey_film(tmp_path / "film.mp4")
    write_preview(
        tmp_path / "preview.html",
        plan,
        4.0,
        film=film,
        settings=[("Model", "mine")],
        reporter=Silent(),
    )
    page = (tmp_path / "preview.html").read_text()
    assert re.search(
        r'<video[^>]* src="data:video/mp4;base64,.*?<track[^>]* default src="data:text/vtt', page, re.S
    )
    assert page.count("[dog barks]") >= 3
    assert page.count('class="spectrogram"') == 1
    assert page.count('<img src="data:image/jpeg') == 6
    assert page.count("<rect") == len(HEARD)
    assert "dropped: rate" in page
    assert "<script>alert" not in page
    assert "self-contained" in page


def test_a_large_film_is_played_from_where_it_is(tmp_path, plan, monkeypatch):
    monkeypatch.setattr("avtool.captioning.preview.page._LARGEST_INSIDE", 10)
    film = write_grey_film(tmp_path / "films" / "a #1.mp4")
    (tmp_path / "out").mkdir()
    write_preview(tmp_path / "out" / "preview.html", plan, 4.0, film=film, reporter=Silent())
    page = (tmp_path / "out" / "preview.html").read_text()
    assert 'src="../films/a%20%231.mp4"' in page
    assert "The film is played from" in page


def test_audio_alone_has_no_frames_and_a_broken_film_is_warned_of(tmp_path, plan):
    reporter = Recorder()
    strips = make_strips(plan, 2.0, write_chirp(tmp_path / "a.wav", 2.0), reporter)
    assert strips[0].spectrogram
    assert not strips[0].frames
    assert "no frames" not in str(reporter)
    (tmp_path / "b.mp4").write_bytes(b"no film")
    write_preview(tmp_path / "preview.html", plan, 4.0, film=tmp_path / "b.mp4", reporter=reporter)
    assert [what for what in ("frames", "spectrogram") if f"no {what}" in str(reporter)] == [
        "frames",
        "spectrogram",
    ]


@pytest.mark.parametrize(
    ("seconds", "count", "length"), [(4, 1, 4), (70, 3, 30), (7200, 60, 120), (1e6, 60, None)]
)
def test_the_timeline_has_at_most_sixty_strips(plan, seconds, count, length):
    strips = make_strips(plan, seconds, None, Silent())
    assert len(strips) <= 60
    assert len(strips) == count or length is None
    assert length is None or strips[0].end == length


def test_the_page_of_a_long_film_with_many_events_is_bounded(tmp_path):
    heard = [SoundEvent(float(k), k + 0.5, f"sound {k} plays", 0.5) for k in range(7200)]
    plan = plan_captions(heard, STYLE, duration=7200.0)
    write_preview(tmp_path / "preview.html", plan, 7200.0, reporter=Silent())
    assert (tmp_path / "preview.html").stat().st_size < 5 << 20
    assert "are in the table of cues" in (tmp_path / "preview.html").read_text()


def test_nothing_heard_is_said(tmp_path):
    write_preview(tmp_path / "preview.html", plan_captions([], STYLE), 10.0, reporter=Silent())
    assert "No sound event was found" in (tmp_path / "preview.html").read_text()
