"""Caption streams inside real films."""

import pytest

from avtool.core.errors import BadInputError
from avtool.media.captions.embedded import choose_caption_stream, list_caption_streams, read_caption_stream


@pytest.mark.parametrize(
    ("film", "listed"),
    [
        ("video/nasa_webb_cleanroom_13s_captioned.mp4", ["#2 (en, mov_text)", "#5 (en, mov_text)"]),
        ("video_edge/exo_sample_with_srt.mkv", ["#2 (en, subrip)"]),
        ("video_edge/exo_sample_with_ssa_subtitles.mkv", ["#2 (no language, ass)"]),
        ("video_edge/exo_sample_with_vtt_subtitles.mkv", ["#2 (no language, webvtt)"]),
        ("video_edge/cea608_in_video_no_audio.ts", ["#0 (no language, CEA-608, SDH)"]),
        ("captions/sdh_cues/popeye p1 vobsub no-audio.mkv", ["#1 (en, VobSub)"]),
        ("captions/sdh_cues/popeye p2 pgs no-audio.mkv", ["#1 (en, PGS)"]),
        ("video/mdn_frog.webm", []),
        ("video_edge/exo_bbb_2500ms.ts", []),
    ],
)
def test_listing(test_data, film, listed):
    assert [str(stream) for stream in list_caption_streams(test_data / film)] == listed


@pytest.mark.parametrize(
    ("film", "end_ms", "text"),
    [
        ("exo_sample_with_srt", 1234, "This is the first subtitle."),
        ("exo_sample_with_vtt_subtitles", 1234, "This is the first subtitle."),
        ("exo_sample_with_ssa_subtitles", 500, "This is the first subtitle."),
        ("exo_sample_with_null_terminated_srt", 1234, "This is the first"),
    ],
)
def test_text_in_matroska(test_data, film, end_ms, text):
    captions = read_caption_stream(test_data / "video_edge" / f"{film}.mkv", 2)
    assert [(cue.start_ms, cue.end_ms, cue.text) for cue in captions.cues] == [(0, end_ms, text)]


def test_timed_text_in_mp4(test_data):
    film = test_data / "video/nasa_webb_cleanroom_13s_captioned.mp4"
    stream = choose_caption_stream(list_caption_streams(film))
    captions = read_caption_stream(film, stream.index)
    assert stream.index == 2
    assert [(cue.start_ms, cue.end_ms) for cue in captions.cues] == [
        (210, 4260), (4260, 8350), (8350, 12_470), (12_470, 16_570),
    ]  # fmt: skip
    assert captions.cues[0].text == "NAR: This is the optical and science segment of the Webb"
    assert captions.cues[2].text.startswith("at NASA’s Goddard")


def test_cea608_in_the_picture(test_data):
    """The times are those of the end-of-caption and erase codes in the picture's side data."""
    captions = read_caption_stream(test_data / "video_edge/cea608_in_video_no_audio.ts", 0)
    assert [(cue.start_ms, cue.end_ms, cue.lines[1]) for cue in captions.cues] == [
        (701, 4905, "(top left)"), (5239, 11_912, "(middle)"), (12_246, 19_253, "(bottom left)"),
    ]  # fmt: skip
    assert {cue.lines[0] for cue in captions.cues} == {"These are 608 captions"}


@pytest.mark.parametrize("film", ["popeye p1 vobsub no-audio.mkv", "popeye p2 pgs no-audio.mkv"])
def test_bitmaps_are_named_and_refused(test_data, film):
    path = test_data / "captions/sdh_cues" / film
    with pytest.raises(BadInputError, match=r"#1 \(en, (VobSub|PGS)\) .* is a bitmap: OCR is not offered"):
        read_caption_stream(path, 1)
    with pytest.raises(BadInputError, match="no caption stream that can be read: only #1"):
        choose_caption_stream(list_caption_streams(path))


def test_what_is_no_film_is_refused(test_data):
    with pytest.raises(BadInputError):
        list_caption_streams(test_data / "video_edge" / "broken-file.ogg")
    with pytest.raises(BadInputError):
        list_caption_streams(test_data / "captions/films/tears_of_steel.en.srt")
