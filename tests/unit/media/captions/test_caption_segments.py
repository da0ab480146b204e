"""HLS playlists of captions: joined, cleaned of repetitions, and confined to their folder."""

import pytest

from avtool.core.errors import BadInputError
from avtool.media.captions.cue import Cue
from avtool.media.captions.reading import read_captions
from avtool.media.captions.segments import join_cues, read_caption_segments
from tests.unit.media.captions.read_text import shown

MAP = "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000"


@pytest.fixture
def playlist(tmp_path):
    """Writes segments and a playlist over them; returns the playlist."""

    def write(*segments: str, tags: str = "", names: list[str] | None = None, header: str = MAP):
        for number, text in enumerate(segments):
            (tmp_path / f"{number}.vtt").write_text(f"WEBVTT\n{header}\n\n{text}", encoding="utf-8")
        lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:4", tags]
        for name in names or [f"{number}.vtt" for number in range(len(segments))]:
            lines += [name] if name.startswith("#") else ["#EXTINF:4.000,", name]
        path = tmp_path / "captions.m3u8"
        path.write_text("\n".join(lines))
        return path

    return write


def test_a_cue_at_a_border_is_given_once(playlist):
    path = playlist(
        "00:01.000 --> 00:02.000\nHi\n\n00:03.000 --> 00:05.000\nwhole\n",
        "00:03.000 --> 00:05.000\nwhole\n\n00:07.000 --> 00:08.000\ncut\n",
        "00:08.000 --> 00:09.000\ncut\n",
        "",
    )
    captions = read_caption_segments(path)
    assert shown(captions) == [(1000, 2000, "Hi"), (3000, 5000, "whole"), (7000, 9000, "cut")]
    assert captions.repairs == {"cue repeated at a segment border skipped": 2}
    assert captions.mpegts_offset_s == 10.0
    assert captions.source == str(path)


def test_the_reader_of_files_takes_playlists_too(playlist):
    assert shown(read_captions(playlist("00:01.000 --> 00:02.000\nHi\n"))) == [(1000, 2000, "Hi")]


def test_segments_with_another_offset_are_put_on_the_first_clock(playlist, tmp_path):
    path = playlist("00:01.000 --> 00:02.000\na\n", "00:01.000 --> 00:02.000\nb\n")
    later = MAP.replace("900000", "1260000")  # four seconds
    (tmp_path / "1.vtt").write_text(f"WEBVTT\n{later}\n\n00:01.000 --> 00:02.000\nb\n")
    captions = read_caption_segments(path)
    assert shown(captions) == [(1000, 2000, "a"), (5000, 6000, "b")]
    assert captions.mpegts_offset_s == 10.0


def test_a_clock_that_starts_anew_is_placed_by_the_playlist(playlist):
    names = ["0.vtt", "1.vtt", "#EXT-X-DISCONTINUITY", "2.vtt"]
    path = playlist(
        "01:40.000 --> 01:41.000\na\n",
        "01:45.000 --> 01:46.000\nb\n",
        "00:01.000 --> 00:02.000\nc\n",
        names=names,
    )
    captions = read_caption_segments(path)
    assert shown(captions) == [(100_000, 101_000, "a"), (105_000, 106_000, "b"), (109_000, 110_000, "c")]
    assert captions.repairs == {"clock that restarts at a discontinuity": 1}


def test_a_clock_that_goes_on_after_a_discontinuity_is_left_alone(playlist):
    names = ["0.vtt", "#EXT-X-DISCONTINUITY", "1.vtt"]
    path = playlist("00:01.000 --> 00:02.000\na\n", "00:05.000 --> 00:06.000\nb\n", names=names)
    assert shown(read_caption_segments(path)) == [(1000, 2000, "a"), (5000, 6000, "b")]


def test_names_may_be_quoted_or_have_a_query(playlist, tmp_path):
    path = playlist("00:01.000 --> 00:02.000\na\n", names=["my%20film.vtt?token=1"])
    (tmp_path / "0.vtt").rename(tmp_path / "my film.vtt")
    assert len(read_caption_segments(path).cues) == 1


@pytest.mark.parametrize(
    "name",
    [
        "../secret.vtt",
        "/etc/hostname",
        "https://example.org/0.vtt",
        "file:///etc/hostname",
        "a/../../b.vtt",
        "%00",
    ],
)
def test_segments_elsewhere_are_refused(playlist, name):
    with pytest.raises(BadInputError, match="outside of its folder"):
        read_caption_segments(playlist("", names=[name]))


def test_a_link_that_leads_outside_is_refused(playlist, tmp_path):
    path = playlist("", names=["link.vtt"])
    outside = tmp_path.parent / "outside.vtt"
    outside.write_text("WEBVTT\n")
    (tmp_path / "link.vtt").symlink_to(outside)
    with pytest.raises(BadInputError, match="outside of its folder"):
        read_caption_segments(path)


@pytest.mark.parametrize(
    ("tags", "names", "what"),
    [
        ("#EXT-X-KEY:METHOD=AES-128,URI=x", ["0.vtt"], "encrypted"),
        ("#EXT-X-BYTERANGE:100@0", ["0.vtt"], "byte ranges"),
        ('#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=s,URI="en.m3u8"', ["0.vtt"], "master playlist"),
        ("", ["#only-a-comment"], "names 0 segments"),
        ("", ["gone.vtt"], "cannot read"),
        ("", ["captions.m3u8"], "its segments lie beside the file"),  # it names itself
    ],
)
def test_playlists_that_cannot_be_read(playlist, tags, names, what):
    with pytest.raises(BadInputError) as caught:
        read_caption_segments(playlist("", tags=tags, names=names))
    assert what in caught.value.message


def test_a_playlist_is_expected(tmp_path):
    (tmp_path / "a.vtt").write_text("WEBVTT\n")
    with pytest.raises(BadInputError, match="not an HLS playlist"):
        read_caption_segments(tmp_path / "a.vtt")


def test_the_same_words_later_are_another_cue():
    a, b = Cue(0, 1000, ("No.",)), Cue(5000, 6000, ("No.",))
    assert join_cues([[a], [a, b], [b]]) == [a, b]
    assert join_cues([[a, a]]) == [a, a]  # within one piece it was written twice on purpose
