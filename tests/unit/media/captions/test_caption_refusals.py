"""What is no caption file is named in one line, with its encoding and its first line."""

import pytest

from avtool.core.errors import BadInputError
from avtool.media.captions.reading import read_captions
from tests.unit.media.captions.read_text import read


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is empty (utf-8)"),
        (" \n\t\n", "is empty (utf-8)"),
        ("{\\rtf1\\ansi 1\\par 00:00:01,000 --> 00:00:02,000}", "is an RTF document"),
        ('{"events": [{"tStartMs": 1}]}', "is JSON"),
        ("[\n{}]", "is JSON"),
        ("Decoded Line 21 / CEA-608 for Asset: x\n00:00:00:00 - {EDM}", "is a decoded CEA-608 listing"),
        ("# VobSub index file, v7\n", "bitmap subtitles (VobSub)"),
        ("\n\nfilm,captions\na.mkv,a.srt\n", "in no caption format known (utf-8): line 3 is `film,captions`"),
        ("x" * 500, f"line 1 is `{'x' * 59}…`"),
        ("<html><body>404</body></html>", "in no caption format known"),
        ("1\n00:00:01,000 --> 00:00:02,000\n" + "x" * 1_000_001, "a line of over 1000000 characters"),
    ],
)
def test_refused(text, what):
    with pytest.raises(BadInputError) as caught:
        read(text)
    assert what in caught.value.message
    assert "\n" not in caught.value.message
    assert "film.captions" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("name", ["missing.srt", ".", "a\0b", "x" * 300])
def test_files_that_cannot_be_read(tmp_path, name):
    with pytest.raises(BadInputError, match="cannot read"):
        read_captions(tmp_path / name)
