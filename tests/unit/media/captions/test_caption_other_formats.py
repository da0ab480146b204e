"""SCC, EBU STL, SAMI, SBV, SubViewer, Spruce STL, MicroDVD, MPL2, TMPlayer: what is special in each."""

import struct

import pytest

from avtool.core.errors import BadInputError
from tests.unit.media.captions.read_text import read, shown


def test_roll_up_rows_are_given_once():
    captions = read(
        "Scenarist_SCC V1.0\n\n"
        "00:00:01:00\t9425 9425 94ad 94ad 9470 9470 4f4e 4580\n\n"
        "00:00:03:00\t9425 9425 94ad 94ad 9470 9470 5457 4f80\n\n"
        "00:00:05:00\t942c 942c\n"
    )
    assert [text for _, _, text in shown(captions)] == ["ONE", "TWO"]
    assert captions.repairs == {"row repeated by roll-up skipped": 1}


def test_scc_notes_and_damaged_codes():
    captions = read(
        "Scenarist_SCC V1.0\n\n00:00:01:00 9420 9470 9137 20c1 xyz 80 942f\n\nnonsense\n\n00:00:03:00\t942c\n"
    )
    assert [text for _, _, text in shown(captions)] == ["♪ A"]
    assert captions.repairs == {"damaged code skipped": 1, "unreadable line skipped": 1}


def _stl(
    *blocks: bytes, rate: bytes = b"STL25.01", code_page: bytes = b"00", start: bytes = b"00000000"
) -> bytes:
    header = (b"850" + rate + b"1" + code_page + b"08").ljust(255) + b"1" + start
    return header.ljust(1024) + b"".join(blocks)


def _tti(begin, end, text: bytes, *, extension: int = 0xFF, comment: int = 0) -> bytes:
    field = text.ljust(112, b"\x8f")
    return struct.pack("<BHBB4B4BBBB112s", 0, 1, extension, 0, *begin, *end, 20, 2, comment, field)


SECOND, TWO = (0, 0, 1, 0), (0, 0, 2, 0)


@pytest.mark.parametrize(
    ("data", "expected", "repairs"),
    [
        (_stl(_tti(SECOND, TWO, b"\x80Hi\x81")), [(1000, 2000, "Hi")], {}),
        (_stl(_tti(SECOND, TWO, b"\xc2e\x8a\xd5")), [(1000, 2000, "é\n♪")], {}),
        (_stl(_tti(SECOND, TWO, "Да".encode("iso8859_5")), code_page=b"01"), [(1000, 2000, "Да")], {}),
        (_stl(_tti(SECOND, TWO, b"Hi", comment=1)), [], {"comment skipped": 1}),
        (_stl(_tti(TWO, SECOND, b"Hi")), [(2000, 3000, "Hi")], {"end not after start": 1}),
        (_stl(_tti(SECOND, (0, 0, 99, 0), b"Hi")), [(1000, 6000, "Hi")], {"no end time": 1}),
        (_stl(_tti(SECOND, TWO, b"a" * 112, extension=0), _tti(SECOND, TWO, b"b")),
         [(1000, 2000, "a" * 112 + "b")], {}),
        (_stl(_tti(SECOND, TWO, b"x", extension=0xFE), _tti(SECOND, TWO, b"Hi")), [(1000, 2000, "Hi")], {}),
        (_stl(_tti(SECOND, TWO, b"Hi"), b"cut off"), [(1000, 2000, "Hi")], {"block cut off": 1}),
        (_stl(_tti(SECOND, TWO, b"Hi"), rate=b"STL99.01"), [(1000, 2000, "Hi")],
         {"unknown frame rate taken as 25": 1}),
        (_stl(_tti((10, 0, 1, 0), (10, 0, 2, 0), b"Hi"), _tti(SECOND, TWO, b"clock"), start=b"10000000"),
         [(1000, 2000, "Hi")],
         {"time counted from the start of the programme": 1,
          "before the start of the programme, skipped": 1}),
        (_stl(_tti(SECOND, TWO, b"Hi"), start=b"10000000"), [(1000, 2000, "Hi")], {}),
    ],
)  # fmt: skip
def test_ebu_stl(data, expected, repairs):
    captions = read(data)
    assert shown(captions) == expected
    assert captions.repairs == repairs
    assert captions.language == "de"


SAMI = """<SAMI><STYLE><!-- .ENCC { lang: en-US; } .KRCC { lang: ko-KR; } --></STYLE><BODY>
<SYNC Start=1000><P Class=KRCC>안녕<P Class=ENCC>Hello,<br>
   you
<SYNC Start=2000><P Class=ENCC>&nbsp;<P Class=KRCC>&nbsp;
<SYNC Start="3000"><P Class=ENCC><i>Bye</i>
</BODY></SAMI>"""


@pytest.mark.parametrize(
    ("language", "found", "expected"),
    [
        ("en", "en-US", [(1000, 2000, "Hello,\nyou"), (3000, 8000, "Bye")]),
        ("ko", "ko-KR", [(1000, 2000, "안녕")]),
        ("fr", "ko-KR", [(1000, 2000, "안녕")]),
    ],
)
def test_sami_languages(language, found, expected):
    captions = read(SAMI, language=language)
    assert (captions.language, shown(captions)) == (found, expected)


def test_a_sami_sync_without_a_start_is_counted():
    captions = read("<SAMI><BODY><SYNC Start=1><P>Hi<SYNC Stat=2><P>lost<SYNC Start=3><P>x</BODY>")
    assert [text for _, _, text in shown(captions)] == ["Hi", "x"]
    assert captions.repairs["unreadable time, cue skipped"] == 1


def test_a_damaged_sbv_cue_is_counted():
    captions = read(
        "0:00:01.000,0:00:02.000\nHi\n\n0:00:03.x00,0:00:04.000\nlost\n\n0:00:05.000,0:00:06.000\nBye\n"
    )
    assert shown(captions) == [(1000, 2000, "Hi"), (5000, 6000, "Bye")]
    assert captions.repairs == {"unreadable time, cue skipped": 1}


@pytest.mark.parametrize(
    ("end_frame", "fps", "end_ms"), [("24", None, 2960), ("29", None, 2967), ("12", 24.0, 2500)]
)
def test_spruce_frame_rates(end_frame, fps, end_ms):
    captions = read(f"$FontName = Arial\n$Italic = TRUE\n00:00:01:00 , 00:00:02:{end_frame} , Hi\n", fps=fps)
    assert shown(captions) == [(1000, end_ms, "Hi")]
    assert captions.cues[0].italic
    assert bool(captions.repairs) is (fps is None)


@pytest.mark.parametrize(
    ("text", "fps"),
    [
        ("{24}{48}Hi|{y:i}you\n", 24.0),
        ("{1}{1}24\n{24}{48}Hi|you\n", None),
        ("{0}{0}24,0\n{24}{48}Hi|you\n", None),
        ("{1}{1}24\n{24}{48}Hi|you\n", 25.0),  # the file knows better
        ("{24}{}Hi|you\n{48}{72}{Y:i}more\n", 24.0),
    ],
)
def test_microdvd(text, fps):
    captions = read(text, fps=fps)
    assert shown(captions)[0] == (1000, 2000, "Hi\nyou")
    assert [cue.italic for cue in captions.cues] == [False, True][: len(captions.cues)]


def test_microdvd_without_a_frame_rate_is_refused():
    with pytest.raises(BadInputError, match="counts frames") as caught:
        read("{24}{48}Hi\n")
    assert caught.value.hint == "read it with its film, or begin it with a line such as {1}{1}23.976"


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf")])
def test_a_frame_rate_that_makes_no_sense(fps):
    with pytest.raises(BadInputError, match="invalid frame rate"):
        read("{24}{48}Hi\n", fps=fps)


def test_mpl2():
    captions = read("[10][25]/all|/italic\n[30][]half|/italic\nnonsense\n[50][60]x\n")
    assert shown(captions) == [(1000, 2500, "all\nitalic"), (3000, 5000, "half\nitalic"), (5000, 6000, "x")]
    assert [cue.italic for cue in captions.cues] == [True, False, False]
    assert captions.repairs == {"unreadable line skipped": 1, "no end time": 1}


def test_tmplayer():
    captions = read("00:00:01:Hi|you\n00:00:03:\n0:00:05=Bye\n00:00:08:More\n")
    assert shown(captions) == [(1000, 3000, "Hi\nyou"), (5000, 8000, "Bye"), (8000, 13_000, "More")]
