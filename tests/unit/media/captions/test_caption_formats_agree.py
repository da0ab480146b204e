"""The same three cues in every format that can be read give the same times and the same text."""

import struct

import pytest

from avtool.media.captions.reading import read_captions
from tests.unit.media.captions.read_text import read, shown

EXPECTED = [
    (1000, 2500, "[door slams]"),
    (3000, 4200, "♪ La la ♪\nBOB: Salt & pepper"),
    (3_661_040, 3_663_000, "It's < over."),
]

TEXTS = {
    "srt": """1
00:00:01,000 --> 00:00:02,500
[door slams]

2
00:00:03,000 --> 00:00:04,200
♪ La la ♪
BOB: Salt &amp; pepper

3
01:01:01,040 --> 01:01:03,000
It's < over.
""",
    "vtt": """WEBVTT

00:01.000 --> 00:02.500
[door slams]

00:03.000 --> 00:04.200 line:90%
♪ La la ♪
BOB: Salt &amp; pepper

01:01:01.040 --> 01:01:03.000
It's &lt; over.
""",
    "ass": """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Italic
Style: Default,Arial,0

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,not shown
Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,{\\pos(10,20)}[door slams]
Dialogue: 0,0:00:03.00,0:00:04.20,Default,,0,0,0,,♪ La la ♪\\NBOB: Salt & pepper
Dialogue: 0,1:01:01.04,1:01:03.00,Default,,0,0,0,,It's < over.
""",
    "ttml": """<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter"
    ttp:frameRate="25" ttp:tickRate="1000" xml:lang="en">
  <body><div>
    <p begin="00:00:01.000" end="2.5s">[door slams]</p>
    <p begin="75f" dur="1200t">♪ La la ♪<br/>BOB: Salt &amp; pepper</p>
    <p begin="01:01:01:01" end="01:01:03">It's &lt; over.</p>
  </div></body>
</tt>
""",
    "sami": """<SAMI><HEAD><STYLE TYPE="text/css"><!--
P { color: white; } .ENCC { Name: English; lang: en-US; }
--></STYLE></HEAD><BODY>
<SYNC Start=1000><P Class=ENCC>[door slams]
<SYNC Start=2500><P Class=ENCC>&nbsp;
<SYNC Start=3000><P Class=ENCC>♪ La la ♪<br>BOB: Salt &amp; pepper
<SYNC Start=4200><P Class=ENCC>&nbsp;
<SYNC Start=3661040><P Class=ENCC>It's &lt; over.
<SYNC Start=3663000><P Class=ENCC>&nbsp;
</BODY></SAMI>
""",
    "sbv": """0:00:01.000,0:00:02.500
[door slams]

0:00:03.000,0:00:04.200
♪ La la ♪
BOB: Salt & pepper

1:01:01.040,1:01:03.000
It's < over.
""",
    "subviewer": """[INFORMATION]
[TITLE]A film
[END INFORMATION]
[SUBTITLE]
[COLF]&HFFFFFF,[STYLE]bd,[SIZE]18,[FONT]Arial
00:00:01.00,00:00:02.50
[door slams]

00:00:03.00,00:00:04.20
♪ La la ♪[br]BOB: Salt & pepper

01:01:01.04,01:01:03.00
It's < over.
""",
    "spruce": """//Spruce
$FontName = Arial
00:00:01:00 , 00:00:02:12 , [door slams]
00:00:03:00 , 00:00:04:05 , ♪ La la ♪ | BOB: Salt & pepper
01:01:01:01 , 01:01:03:00 , It's < over.
""",
    "microdvd": "{25}{62}[door slams]\n{75}{105}♪ La la ♪|BOB: Salt & pepper\n{91526}{91575}It's < over.\n",
    "mpl2": "[10][25][door slams]\n[30][42]♪ La la ♪|BOB: Salt & pepper\n[36610][36630]It's < over.\n",
}
RESOLUTION_MS = {"spruce": 20, "microdvd": 20, "mpl2": 50}  # half a frame, half a tenth of a second


@pytest.mark.parametrize("name", TEXTS)
def test_each_format_gives_the_same_cues(name):
    captions = read(TEXTS[name], fps=25.0)
    assert captions.format == name
    assert [text for _, _, text in shown(captions)] == [text for _, _, text in EXPECTED]
    for (start, end, _), (expected_start, expected_end, _) in zip(shown(captions), EXPECTED, strict=True):
        tolerance_ms = RESOLUTION_MS.get(name, 0)
        assert abs(start - expected_start) <= tolerance_ms
        assert abs(end - expected_end) <= tolerance_ms


def test_ebu_stl_gives_the_same_cues():
    header = b"850STL25.01" + b"1" + b"00" + b"09" + b" " * 240 + b"0" + b"00000000" + b" " * 760
    blocks = [
        _tti(1, (0, 0, 1, 0), (0, 0, 2, 12), b"\x0b[door slams]"),
        _tti(2, (0, 0, 3, 0), (0, 0, 4, 5), b"\xd5 La la \xd5\x8aBOB: Salt & pepper"),
        _tti(3, (1, 1, 1, 1), (1, 1, 3, 0), b"It's < over."),
    ]
    captions = read(header[:1024] + b"".join(blocks))
    assert (captions.format, captions.language) == ("stl", "en")
    assert shown(captions) == [(1000, 2480, EXPECTED[0][2]), *EXPECTED[1:]]


def _tti(number: int, begin: tuple[int, ...], end: tuple[int, ...], text: bytes) -> bytes:
    field = text.ljust(112, b"\x8f")
    return struct.pack("<BHBB4B4BBBB112s", 0, number, 0xFF, 0, *begin, *end, 20, 2, 0, field)


def test_scc_gives_the_same_text_within_a_frame():
    words = {"[door slams]": (1000, 2500), "It's over.": (10_000, 12_000)}
    captions = read(_scc(words))
    assert captions.format == "scc"
    for (start, end, text), (expected, times) in zip(shown(captions), words.items(), strict=True):
        assert text == expected
        assert abs(start - times[0]) <= 34
        assert abs(end - times[1]) <= 34


def _scc(words: dict[str, tuple[int, int]]) -> str:
    """Pop-on captions whose end-of-caption code falls on the start time."""
    lines = ["Scenarist_SCC V1.0"]
    for text, (start_ms, end_ms) in words.items():
        even = text + "\0" * (len(text) % 2)
        codes = [
            "9420",
            "9470",
            *(f"{ord(a):02x}{ord(b):02x}" for a, b in zip(even[::2], even[1::2], strict=True)),
        ]
        first = round(start_ms / 1000 * 30000 / 1001) - len(codes)
        lines += [f"{_frames(first)}\t{' '.join(codes)} 942f"]
        lines += [f"{_frames(round(end_ms / 1000 * 30000 / 1001))}\t942c"]
    return "\n\n".join(lines)


def _frames(number: int) -> str:
    return f"00:00:{number // 30:02}:{number % 30:02}"


def test_the_name_of_the_file_does_not_matter(tmp_path):
    path = tmp_path / "captions.txt"
    path.write_text(TEXTS["ttml"], encoding="utf-8")
    assert shown(read_captions(path)) == EXPECTED


@pytest.mark.parametrize("name", TEXTS)
def test_line_ends_do_not_matter(name):
    expected = shown(read(TEXTS[name], fps=25.0))
    for line_end in ("\r\n", "\r"):
        assert shown(read(TEXTS[name].replace("\n", line_end), fps=25.0)) == expected
