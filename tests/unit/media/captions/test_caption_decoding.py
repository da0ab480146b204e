"""Encodings: found in a fixed order, and reported."""

import codecs

import pytest

from avtool.core.errors import BadInputError
from avtool.media.captions.decoding import decode
from avtool.media.captions.reading import read_captions
from tests.unit.media.captions.read_text import read, shown

SRT = "1\n00:00:01,000 --> 00:00:02,000\n♪ Straße – garçon ♪\n"
LATIN = "1\n00:00:01,000 --> 00:00:02,000\nStraße, garçon, déjà vu – it’s over\n"
RUSSIAN = "".join(
    f"{n}\n00:00:0{n},000 --> 00:00:0{n},900\n{text}\n\n"
    for n, text in enumerate(
        ["Где ты был вчера вечером?", "Я не знаю, что мне делать.", "Это невозможно!"], 1
    )
)


@pytest.mark.parametrize(
    ("data", "reported"),
    [
        (SRT.encode(), "utf-8"),
        (codecs.BOM_UTF8 + SRT.encode(), "utf-8 (BOM)"),
        (codecs.BOM_UTF16_LE + SRT.encode("utf-16-le"), "utf-16-le (BOM)"),
        (codecs.BOM_UTF16_BE + SRT.encode("utf-16-be"), "utf-16-be (BOM)"),
        (codecs.BOM_UTF32_LE + SRT.encode("utf-32-le"), "utf-32-le (BOM)"),
        (SRT.encode("utf-16-le"), "utf-16-le (by its zero bytes)"),
        (SRT.encode("utf-16-be"), "utf-16-be (by its zero bytes)"),
    ],
)
def test_unicode(data, reported):
    captions = read(data)
    assert captions.encoding == reported
    assert shown(captions) == [(1000, 2000, "♪ Straße – garçon ♪")]


def test_windows_1252():
    captions = read(LATIN.encode("cp1252"))
    assert captions.encoding == "cp1252 (guessed)"
    assert captions.cues[0].text == "Straße, garçon, déjà vu – it’s over"


@pytest.mark.parametrize("encoding", ["cp1251", "koi8_r"])
def test_cyrillic(encoding):
    captions = read(RUSSIAN.encode(encoding))
    assert captions.encoding == f"{encoding} (guessed)"
    assert captions.cues[2].text == "Это невозможно!"


def test_bytes_that_fit_no_encoding_still_give_text():
    data = b"1\n00:00:01,000 --> 00:00:02,000\n\x81\x8d\x8f\x90\x9d Hello\n"
    assert read(data).cues[0].text.endswith("Hello")


def test_broken_bytes_after_a_byte_order_mark_are_counted():
    captions = read(codecs.BOM_UTF8 + b"1\n00:00:01,000 --> 00:00:02,000\nHe\xffllo\n")
    assert captions.cues[0].text == "He�llo"
    assert captions.repairs == {"unreadable character": 1}


def test_zero_bytes_inside_utf8_are_dropped():
    assert decode(b"a\0b\r\nc\rd", "x") == ("ab\nc\nd", "utf-8")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x1aE\xdf\xa3" + bytes(100), "a film"),
        (b"\0\0\0\x18ftypmp42" + bytes(100), "a film"),
        (b"PK\x03\x04" + bytes(100), "a packed archive"),
        (b"PG" + bytes(8) + b"\x16" + bytes(100), "bitmap subtitles (PGS)"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a document or image"),
        (bytes(range(1, 32)) * 20, "binary"),
    ],
)
def test_what_is_no_text_is_named(data, what):
    with pytest.raises(BadInputError, match="not a caption file") as caught:
        read(data)
    assert what in caught.value.message


def test_a_file_over_the_bound_is_refused(tmp_path):
    path = tmp_path / "huge.srt"
    with path.open("wb") as stream:
        stream.truncate(33 << 20)  # sparse: takes no disk
    with pytest.raises(BadInputError, match="over 32 MiB"):
        read_captions(path)
