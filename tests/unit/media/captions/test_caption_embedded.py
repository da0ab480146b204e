"""Caption streams in containers, made here by muxing a few packets."""

import struct
from dataclasses import dataclass, field
from fractions import Fraction

import av
import pytest
from av.stream import Disposition

from avtool.core.errors import BadInputError
from avtool.media.captions.embedded import (
    CaptionStream,
    choose_caption_stream,
    list_caption_streams,
    read_caption_stream,
)
from tests.unit.media.captions.read_text import shown

MILLISECOND = Fraction(1, 1000)


@dataclass
class Track:
    """A stream to mux: packets are (start and duration in milliseconds, content)."""

    codec: str
    packets: list[tuple[int, int, bytes]]
    metadata: dict[str, str] = field(default_factory=dict)
    disposition: int = 0


@pytest.fixture
def film(tmp_path):
    """Writes a film that has captions and nothing else."""

    def write(*tracks: Track, suffix: str = ".mkv"):
        path = tmp_path / f"a film: with 'odd' name{suffix}"
        with av.open(f"file:{path}", "w") as container:
            streams = [container.add_mux_stream(track.codec, rate=1000) for track in tracks]
            for stream, track in zip(streams, tracks, strict=True):
                stream.time_base = MILLISECOND
                stream.metadata.update(track.metadata)
                stream.disposition = track.disposition
            for stream, track in zip(streams, tracks, strict=True):
                for start_ms, duration_ms, payload in track.packets:
                    packet = av.Packet(payload)
                    packet.stream = stream
                    packet.pts = packet.dts = start_ms
                    packet.duration = duration_ms
                    packet.time_base = MILLISECOND
                    container.mux(packet)
        return path

    return write


@pytest.mark.parametrize(
    ("codec", "payload", "text", "italic", "voice"),
    [
        ("subrip", b"<i>[door]</i> {\\an8}Salt &amp; pepper\nyou", "[door] Salt & pepper\nyou", False, ""),
        ("subrip", b"<i>all</i>\0\xde\xad\xbe\xef", "all", True, ""),
        ("subrip", "déjà vu – naïve café".encode("cp1252"), "déjà vu – naïve café", False, ""),
        ("webvtt", b"<v Bob>Hello &lt;you&gt;</v>", "Hello <you>", False, "Bob"),
        ("ass", b"0,0,Default,Bob,0,0,0,,{\\i1}Hello,\\Nyou", "Hello,\nyou", True, "Bob"),
    ],
)
def test_text_in_matroska(film, codec, payload, text, italic, voice):
    path = film(
        Track(codec, [(1000, 1500, payload), (4000, 500, payload)], {"language": "eng", "title": "SDH"})
    )
    assert list_caption_streams(path) == [
        CaptionStream(0, codec, language="en", title="SDH", hearing_impaired=True)
    ]
    captions = read_caption_stream(path, 0)
    assert shown(captions) == [(1000, 2500, text), (4000, 4500, text)]
    assert (captions.cues[0].italic, captions.cues[0].voice) == (italic, voice)
    assert captions.language == "en"
    assert captions.source == f"{path} stream #0"


def test_timed_text_in_mp4(film):
    samples = [
        (0, 1000, b"\0\0"),
        (1000, 2000, b"\0\x05Hello"),
        (3000, 500, b"\0\0"),
        (3500, 500, b"\0\x03\xe2\x99\xaa"),
    ]
    captions = read_caption_stream(film(Track("mov_text", samples), suffix=".mp4"), 0)
    assert shown(captions) == [(1000, 3000, "Hello"), (3500, 4000, "♪")]
    assert captions.repairs == {}


def test_times_count_from_the_container_start(film):
    samples = [(2000, 1000, b"\0\x05Hello"), (5000, 1000, b"\0\x03you")]
    path = film(Track("mov_text", samples), suffix=".mp4")
    with av.open(f"file:{path}") as container:
        start_ms = container.start_time // 1000
    assert shown(read_caption_stream(path, 0)) == [
        (2000 - start_ms, 3000 - start_ms, "Hello"),
        (5000 - start_ms, 6000 - start_ms, "you"),
    ]


TTML = '<tt xmlns="http://www.w3.org/ns/ttml"><body><div>{}</div></body></tt>'


def test_ttml_documents_in_mp4(film):
    documents = [
        TTML.format('<p begin="0.5s" end="2s">first</p><p begin="3s" end="4s">over</p>'),
        TTML.format('<p begin="4s" end="6s">over</p>'),
    ]
    samples = [(4000 * n, 4000, text.encode()) for n, text in enumerate(documents)]
    path = film(Track("ttml", samples), suffix=".mp4")
    assert list_caption_streams(path)[0].codec == "ttml"
    assert shown(read_caption_stream(path, 0)) == [(500, 2000, "first"), (3000, 6000, "over")]


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def test_webvtt_boxes_in_mp4(film):
    cue = _box(b"vttc", _box(b"sttg", b"line:0") + _box(b"payl", b"<v Bob>Hello"))
    two = cue + _box(b"vttc", _box(b"payl", b"&amp;"))
    samples = [(0, 1000, cue), (1000, 1000, two), (2000, 1000, _box(b"vtte", b""))]
    path = film(Track("ttml", samples), suffix=".mp4")
    path.write_bytes(path.read_bytes().replace(b"stpp", b"wvtt"))  # FFmpeg writes no such track
    assert [str(stream) for stream in list_caption_streams(path)] == ["#0 (no language, wvtt)"]
    captions = read_caption_stream(path, 0)
    assert captions.format == "wvtt"
    assert shown(captions) == [(0, 2000, "Hello"), (1000, 2000, "&")]


def test_cea608_in_a_track_of_its_own(film):
    codes = ["9420", "9470", "c8e9", "942f", *["8080"] * 26, "942c"]  # caption "Hi" at the fourth frame
    samples = [(round(n * 1001 / 30), 33, b"\xfc" + bytes.fromhex(code)) for n, code in enumerate(codes)]
    path = film(Track("eia_608", samples), suffix=".mov")
    stream = list_caption_streams(path)[0]
    assert (stream.kind, stream.hearing_impaired) == ("cea608", True)
    ((start, end, text),) = shown(read_caption_stream(path, 0))
    assert text == "Hi"
    assert abs(start - 100) <= 34
    assert abs(end - 1001) <= 34


def test_teletext_is_named_and_refused(film):
    path = film(Track("dvb_teletext", [(1000, 0, b"\x10\x02\x2c" + b"\xff" * 44)]), suffix=".ts")
    stream = list_caption_streams(path)[0]
    assert (stream.kind, stream.codec) == ("other", "unknown")
    with pytest.raises(BadInputError, match="has no decoder"):
        read_caption_stream(path, 0)


def test_a_stream_that_is_not_there(film):
    path = film(Track("subrip", [(0, 100, b"Hi")], {"language": "eng"}))
    with pytest.raises(BadInputError, match="no caption stream #7") as caught:
        read_caption_stream(path, 7)
    assert caught.value.hint == "caption streams: #0 (en, subrip)"


def test_flags(film):
    packets = [(0, 100, b"Hi")]
    path = film(
        Track("subrip", packets, {"language": "fra"}, Disposition.default),
        Track("subrip", packets, {"language": "eng"}, Disposition.forced),
        Track("subrip", packets, {"language": "eng"}, Disposition.hearing_impaired),
    )
    found = [(s.language, s.default, s.forced, s.hearing_impaired) for s in list_caption_streams(path)]
    assert found == [("fr", True, False, False), ("en", False, True, False), ("en", False, False, True)]


FRENCH = CaptionStream(2, "subrip", "fr", default=True)
ENGLISH = CaptionStream(3, "subrip", "en")
ENGLISH_DEFAULT = CaptionStream(4, "subrip", "en", default=True)
ENGLISH_SDH = CaptionStream(5, "subrip", "en-US", hearing_impaired=True)
FRENCH_SDH = CaptionStream(6, "subrip", "fr", hearing_impaired=True)
FORCED = CaptionStream(7, "subrip", "en", default=True, forced=True)
UNLABELLED = CaptionStream(8, "mov_text")
BITMAP = CaptionStream(9, "hdmv_pgs_subtitle", "en", hearing_impaired=True, kind="bitmap")


@pytest.mark.parametrize(
    ("streams", "language", "chosen"),
    [
        ([FRENCH, ENGLISH, ENGLISH_DEFAULT, ENGLISH_SDH, BITMAP], "en", ENGLISH_SDH),
        ([FRENCH, ENGLISH, ENGLISH_DEFAULT], "en", ENGLISH_DEFAULT),
        ([FRENCH, ENGLISH, ENGLISH_SDH, FRENCH_SDH], "fra", FRENCH_SDH),
        ([FRENCH_SDH, ENGLISH], "en", ENGLISH),
        ([FORCED, ENGLISH], "en", ENGLISH),
        ([FRENCH_SDH, UNLABELLED], "en", UNLABELLED),
        ([FRENCH, FRENCH_SDH], "en", FRENCH_SDH),
        ([BITMAP, FRENCH], "en", FRENCH),
        ([ENGLISH, CaptionStream(10, "subrip", "en")], "en", ENGLISH),
    ],
)
def test_choice(streams, language, chosen):
    assert choose_caption_stream(streams, language) is chosen


@pytest.mark.parametrize(
    ("streams", "chosen"),
    [
        ([ENGLISH_SDH, ENGLISH], ENGLISH),
        ([ENGLISH_SDH, FORCED], ENGLISH_SDH),
        ([ENGLISH_SDH, FRENCH], ENGLISH_SDH),
    ],
)
def test_choice_of_the_dialogue(streams, chosen):
    assert choose_caption_stream(streams, for_dialogue=True) is chosen


@pytest.mark.parametrize(
    ("streams", "what", "hint"),
    [
        ([], "none", "give a caption file"),
        ([BITMAP], "only #9 (en, PGS, SDH)", "OCR is not offered: give a text file"),
    ],
)
def test_nothing_to_choose(streams, what, hint):
    with pytest.raises(BadInputError) as caught:
        choose_caption_stream(streams)
    assert what in caught.value.message
    assert caught.value.hint == hint
