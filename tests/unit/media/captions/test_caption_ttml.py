"""TTML: time expressions, nested times, white space, and what is refused."""

import pytest

from avtool.core.errors import BadInputError
from tests.unit.media.captions.read_text import read, shown

TT = (
    '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" '
    'xmlns:tts="http://www.w3.org/ns/ttml#styling" {attributes}>{head}<body{body}>{content}</body></tt>'
)


def _tt(content: str, attributes: str = "", head: str = "", body: str = "") -> str:
    return TT.format(content=content, attributes=attributes, head=head, body=body)


def _paragraph(begin: str, end: str, attributes: str = "") -> str:
    return _tt(f'<div><p begin="{begin}" end="{end}">Hi</p></div>', attributes)


@pytest.mark.parametrize(
    ("begin", "end", "attributes", "start_ms", "end_ms"),
    [
        ("00:00:01.5", "00:00:02", "", 1500, 2000),
        ("0:00:01,500", "0:0:2", "", 1500, 2000),
        ("1.5s", "2000ms", "", 1500, 2000),
        ("1.5", "2", "", 1500, 2000),
        ("0.5m", "0.01h", "", 30_000, 36_000),
        ("45f", "60f", "", 1500, 2000),  # 30 frames a second, where nothing is said
        ("24f", "48f", 'ttp:frameRate="24"', 1000, 2000),
        ("24f", "48f", 'ttp:frameRate="24" ttp:frameRateMultiplier="1000 1001"', 1001, 2002),
        ("00:00:01:12", "00:00:02:00", 'ttp:frameRate="24"', 1500, 2000),
        ("15000000t", "20000000t", 'ttp:tickRate="10000000"', 1500, 2000),
        ("00:01:00:02", "00:01:01:00", 'ttp:timeBase="smpte" ttp:dropMode="dropNTSC"', 60_060, 60_994),
        ("1s", "2s", 'ttp:frameRate="0" ttp:tickRate="x"', 1000, 2000),
    ],
)
def test_time_expressions(begin, end, attributes, start_ms, end_ms):
    captions = read(_paragraph(begin, end, attributes))
    assert shown(captions) == [(start_ms, end_ms, "Hi")]
    assert captions.repairs == {}


@pytest.mark.parametrize(
    ("content", "body", "expected"),
    [
        ('<div begin="10s"><p begin="1s" end="2s">a</p></div>', "", [(11_000, 12_000, "a")]),
        ('<div begin="10s"><p begin="1s" dur="2s">a</p></div>', ' begin="5s"', [(16_000, 18_000, "a")]),
        ('<div begin="1s" end="3s"><p>a</p></div>', "", [(1000, 3000, "a")]),
        ('<div begin="1s" end="3s"><p begin="1s" end="9s">a</p></div>', "", [(2000, 3000, "a")]),
        ('<div><p begin="1s" dur="5s" end="3s">a</p></div>', "", [(1000, 3000, "a")]),
        ('<div timeContainer="seq"><p dur="2s">a</p><p dur="3s">b</p></div>', "",
         [(0, 2000, "a"), (2000, 5000, "b")]),
        ('<div><p><span begin="1s" end="2s">a</span> <span begin="2s" end="4s">b</span></p></div>', "",
         [(1000, 2000, "a"), (2000, 4000, "b")]),
        ('<div><p begin="10s" end="20s"><span begin="1s">a</span></p></div>', "", [(11_000, 20_000, "a")]),
    ],
)  # fmt: skip
def test_nested_times(content, body, expected):
    assert shown(read(_tt(content, body=body))) == expected


def test_times_outside_of_their_parent_are_absolute():
    captions = read(_tt('<div begin="1s" end="2s"><p begin="4s" end="5s">a</p></div>'))
    assert shown(captions) == [(4000, 5000, "a")]
    assert captions.repairs == {"time outside of its parent, taken as absolute": 1}


@pytest.mark.parametrize(
    "namespace",
    ["http://www.w3.org/ns/ttml", "http://www.w3.org/2006/04/ttaf1", "http://www.w3.org/2006/10/ttaf1", ""],
)
def test_any_namespace(namespace):
    text = f'<tt:tt xmlns:tt="{namespace}"><tt:body><tt:div><tt:p begin="1s" end="2s">a<tt:br/>b</tt:p>'
    text += "</tt:div></tt:body></tt:tt>"
    if not namespace:
        text = text.replace(' xmlns:tt=""', "")  # a prefix that nobody declared
    assert shown(read(text)) == [(1000, 2000, "a\nb")]


def test_white_space_and_entities():
    content = """<div><p begin="1s" end="2s">
        Salt &amp; <span> pepper</span>&nbsp;&eacute;
        <br></br> second&#x2019;s
    </p><p begin="3s" end="4s" xml:space="preserve">two  spaces</p></div>"""
    assert shown(read(_tt(content))) == [
        (1000, 2000, "Salt & pepper é\nsecond’s"),
        (3000, 4000, "two  spaces"),
    ]


def test_italics_by_attribute_style_and_inheritance():
    head = """<head><styling><style xml:id="a" tts:fontStyle="italic"/><style xml:id="b" style="a"/>
        </styling></head>"""
    content = """<div><p begin="1s" end="2s" style="b">all</p>
        <p begin="3s" end="4s"><span tts:fontStyle="italic">half</span> only</p>
        <p begin="5s" end="6s" style="a" tts:fontStyle="normal">none</p></div>"""
    assert [cue.italic for cue in read(_tt(content, head=head)).cues] == [True, False, False]


def test_metadata_in_a_paragraph_is_no_text():
    content = '<div><p begin="1s" end="2s" region="top"><metadata><desc>x</desc></metadata>Hi</p></div>'
    cue = read(_tt(content)).cues[0]
    assert (cue.text, cue.style) == ("Hi", "top")


def test_what_cannot_be_read_is_counted():
    content = """<div><p begin="1s" end="never">a</p><p begin="soon" end="9s">b</p><p begin="7s" end="8s"/>
        <p>c</p></div>"""
    captions = read(_tt(content))
    assert shown(captions) == [(1000, 6000, "a")]
    assert captions.repairs == {
        "unreadable time": 2,
        "text without a time skipped": 2,
        "empty cue skipped": 1,
        "no end time": 1,
    }


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('<!DOCTYPE tt [<!ENTITY a "x">]>' + _paragraph("1s", "2s"), "has a document type definition"),
        (_paragraph("1s", "2s").replace("</div>", ""), "is broken XML (utf-8): line 1"),
        (
            _tt('<div begin="1s" end="2s" smpte:backgroundImage="#x"/>', 'xmlns:smpte="s"'),
            "images of captions",
        ),
        (_tt("<div>" * 100 + "</div>" * 100), "over 64 deep"),
        (_tt("<div><p>a</p></div>"), "text without a time skipped: `a`"),
    ],
)
def test_refused(text, what):
    with pytest.raises(BadInputError) as caught:
        read(text)
    assert what in caught.value.message
