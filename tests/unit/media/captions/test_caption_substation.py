"""ASS and SSA: fields in any order, comments and drawings left out and counted."""

import pytest

from tests.unit.media.captions.read_text import read, shown

EVENTS = "[Script Info]\nTitle: x\n\n[Events]\nFormat: {}\n{}\n"


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ("Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text",
         "Dialogue: 0,0:00:01.00,0:00:02.50,Default,Bob,0,0,0,,Hi, you"),
        ("Marked, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text",
         "Dialogue: Marked=0,0:00:01.00,0:00:02.50,Default,Bob,0000,0000,0000,,Hi, you"),
        ("Start, End, Style, Actor, Text", "Dialogue: 0:00:01.00,0:00:02.50,Default,Bob,Hi, you"),
        ("Layer, Start, End, Style, Name, Text", "Dialogue: 0,0:00:01:00,0:00:02:50,Default,Bob,Hi, you"),
    ],
)  # fmt: skip
def test_the_order_of_fields(fields, line):
    captions = read(EVENTS.format(fields, line))
    assert shown(captions) == [(1000, 2500, "Hi, you")]
    assert (captions.cues[0].voice, captions.cues[0].style) == ("Bob", "Default")


@pytest.mark.parametrize(
    "line",
    [
        "Dialogue: 0,0:00:01.00,0:00:02.50,Default,Bob,0,0,0,,Hi, you",
        "Dialogue: 0,0:00:01.00,0:00:02.50,Default,Bob,Hi, you",
    ],
)
def test_dialogue_lines_without_any_header(line):
    assert shown(read(line)) == [(1000, 2500, "Hi, you")]


def test_comments_and_drawings_are_counted():
    fields = "Start, End, Text"
    lines = [
        "Comment: 0:00:00.00,0:00:01.00,a note",
        "Dialogue: 0:00:01.00,0:00:02.00,{\\p1}m 0 0 l 9 9{\\p0}",
        "Dialogue: 0:00:03.00,0:00:04.00,[thud]",
        "Dialogue: soon,0:00:05.00,lost",
    ]
    captions = read(EVENTS.format(fields, "\n".join(lines)))
    assert shown(captions) == [(3000, 4000, "[thud]")]
    counts = {"comment skipped": 1, "drawing skipped": 1, "unreadable time, cue skipped": 1}
    assert captions.repairs == counts


def test_styles_make_italics():
    captions = read("""[V4+ Styles]
Format: Name, Fontname, Italic
Style: Narrator,Arial,-1
Style: Default,Arial,0

[Events]
Format: Start, End, Style, Text
Dialogue: 0:00:01.00,0:00:02.00,Narrator,Long ago
Dialogue: 0:00:03.00,0:00:04.00,Default,Now
""")
    assert [cue.italic for cue in captions.cues] == [True, False]


def test_a_header_alone_has_no_cues():
    assert shown(read("[Script Info]\nTitle: nothing yet\n")) == []
