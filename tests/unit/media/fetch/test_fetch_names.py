import pytest
from hypothesis import given
from hypothesis import strategies as st

from avtool.media.fetch.names import beside, film_stem, one_line, unique_id
from avtool.media.fetch.talk import reason_of


def named(identifier: str, extractor: str = "Generic", url: str = "https://a.org/x.mp4") -> str:
    return unique_id({"id": identifier, "extractor_key": extractor, "original_url": url})


def test_an_id_of_a_site_is_kept() -> None:
    assert named("BaW_jenozKc", "Youtube") == "BaW_jenozKc"


def test_links_to_files_of_one_name_get_different_ids_and_the_same_one_again() -> None:
    here, there = named("film", url="https://a.org/film.mp4"), named("film", url="https://b.org/film.mp4")
    assert here != there
    assert here == named("film", url="https://a.org/film.mp4")
    assert here.startswith("film-")


@given(st.text(min_size=1, max_size=300), st.sampled_from(["Generic", "Youtube"]))
def test_a_made_id_is_short_and_safe(identifier: str, extractor: str) -> None:
    made = named(identifier, extractor)
    assert len(made) <= 60
    assert made == identifier or not set(made) & set("/\\ \n\0")


@pytest.mark.parametrize(
    ("title", "identifier", "stem"),
    [
        ("Dinner", "abc", "Dinner-abc"),
        ("film", "film-1a2b3c4d", "film-1a2b3c4d"),
        ("", "abc", "film-abc"),
        (None, "abc", "film-abc"),
        ("../../etc/passwd", "abc", "etc/passwd-abc"),  # yt-dlp replaces what is left of the slashes
        ("-rf", "abc", "rf-abc"),
        ("x" * 200, "abc", "x" * 60 + "-abc"),
    ],
)
def test_the_stem_of_the_files(title: str | None, identifier: str, stem: str) -> None:
    assert film_stem({"title": title, "id": identifier}) == stem


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.org/films/one.mp4", "https://a.org/films/one.en.vtt"),
        ("https://a.org/one.part2.mp4?key=1#t=3", "https://a.org/one.part2.en.vtt?key=1"),
        ("https://a.org/one", "https://a.org/one.en.vtt"),
    ],
)
def test_the_captions_beside_a_media_file(url: str, expected: str) -> None:
    assert beside(url, ".en.vtt") == expected


def test_a_title_loses_its_control_characters() -> None:
    assert one_line("Din\ud83dner") == "Din?ner"
    assert one_line("Dinner\n\x1b[31mat\u202eeight\x00") == "Dinner [31mat eight"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("ERROR: [generic] x: Not to be had: HTTP Error 404 (caused by <HTTPError 404>)",
         "Not to be had: HTTP Error 404"),
        ("ERROR: [youtube] abc: Private video; please report this issue on  https://…", "Private video"),
        ("ERROR: Unsupported URL: https://a.org", "Unsupported URL: https://a.org"),
    ],
)  # fmt: skip
def test_the_reason_in_a_message_of_yt_dlp(message: str, reason: str) -> None:
    assert reason_of(message) == reason
