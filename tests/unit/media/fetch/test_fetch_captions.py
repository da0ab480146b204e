import pytest

from avtool.media.fetch.captions import choose_captions, matches_language


def track(ext: str = "vtt", name: str = "", url: str = "https://site/t") -> dict[str, str]:
    return {"ext": ext, "name": name, "url": f"{url}.{ext}"}


def chosen(info: dict[str, object], language: str = "en", *, allow_automatic: bool = False) -> object:
    found = choose_captions(info, language, allow_automatic=allow_automatic)
    return found and (found.kind, found.language, found.ext, found.source.get("name", ""))


@pytest.mark.parametrize(
    ("tag", "wanted", "expected"),
    [
        ("en", "en", True),
        ("en-US", "en", True),
        ("en_GB", "en", True),
        ("EN", "en", True),
        ("eng", "en", True),
        ("en", "eng", True),
        ("en-orig", "en", True),
        ("en[CC]", "en", True),
        ("en-GB", "en-GB", True),
        ("en", "en-GB", False),
        ("de", "en", False),
        ("enm", "en", False),
        ("live_chat", "en", False),
        ("", "en", False),
    ],
)
def test_a_language_takes_its_regions_and_its_long_code(tag: str, wanted: str, expected: bool) -> None:
    assert matches_language(tag, wanted) is expected


@pytest.mark.parametrize(
    ("info", "any_kind", "expected"),
    [
        ({}, True, None),
        ({"subtitles": {}, "automatic_captions": {}}, True, None),
        ({"subtitles": {"de": [track()]}}, True, None),
        ({"subtitles": {"en": []}}, True, None),
        ({"subtitles": {"en": None}}, True, None),
        ({"subtitles": {"en": [track("json3")]}}, True, None),
        ({"subtitles": {"en": [{"ext": "vtt", "url": "file:///etc/passwd"}]}}, True, None),
        ({"subtitles": {"en": [{"ext": "srt", "data": "1\n…"}]}}, False, ("human", "en", "srt", "")),
        ({"subtitles": {"en": [track()]}}, False, ("human", "en", "vtt", "")),
        ({"automatic_captions": {"en": [track()]}}, False, None),
        ({"automatic_captions": {"en": [track()]}}, True, ("automatic", "en", "vtt", "")),
    ],
)
def test_which_kinds_are_taken(info: dict[str, object], any_kind: bool, expected: object) -> None:
    assert chosen(info, allow_automatic=any_kind) == expected


def test_people_come_before_machines_even_in_another_region() -> None:
    info = {"subtitles": {"en-GB": [track()]}, "automatic_captions": {"en": [track()]}}
    assert chosen(info, allow_automatic=True) == ("human", "en-GB", "vtt", "")


def test_the_spoken_language_comes_before_translations_into_it() -> None:
    info = {"automatic_captions": {"en-de": [track()], "en-orig": [track()]}}
    assert chosen(info, allow_automatic=True) == ("automatic", "en-orig", "vtt", "")


@pytest.mark.parametrize(
    "name",
    [
        "English SDH",
        "English [CC]",
        "English - CC1",
        "English (closed captions)",
        "English for hard of hearing",
    ],
)
def test_captions_for_the_deaf_come_first(name: str) -> None:
    info = {"subtitles": {"en": [track(), track("ttml", name)]}}
    assert chosen(info) == ("human", "en", "ttml", name)


@pytest.mark.parametrize("name", ["English accent", "Success", "English"])
def test_a_part_of_a_word_is_not_a_mark_of_captions_for_the_deaf(name: str) -> None:
    info = {"subtitles": {"en": [track("srt", name), track("vtt", "plain")]}}
    assert chosen(info) == ("human", "en", "vtt", "plain")


def test_the_mark_may_be_in_the_language_tag_or_the_address() -> None:
    assert chosen({"subtitles": {"en": [track()], "en_cc": [track()]}}) == ("human", "en-cc", "vtt", "")
    by_address = {"subtitles": {"en": [track(name="a"), track(name="b", url="https://site/en_sdh/1")]}}
    assert chosen(by_address) == ("human", "en", "vtt", "b")


def test_forced_subtitles_come_last() -> None:
    info = {"subtitles": {"en": [track("vtt", "English forced SDH"), track("srt", "English")]}}
    assert chosen(info) == ("human", "en", "srt", "English")


def test_the_language_itself_comes_before_its_regions_and_then_the_format_counts() -> None:
    info = {"subtitles": {"en-US": [track("vtt")], "en": [track("ass"), track("srt"), track("ttml")]}}
    assert chosen(info) == ("human", "en", "srt", "")


def test_an_unnamed_language_is_taken_only_when_none_matches() -> None:
    assert chosen({"subtitles": {"und": [track()]}}) == ("human", "und", "vtt", "")
    assert chosen({"subtitles": {"und": [track()], "en": [track("srt")]}}) == ("human", "en", "srt", "")


@pytest.mark.parametrize(
    ("tag", "safe"), [("en/../../x", "en-x"), ("en\n;rm", "en-rm"), ("en" + "-a" * 99, 40)]
)
def test_a_hostile_language_tag_becomes_safe_for_a_file_name(tag: str, safe: str | int) -> None:
    found = choose_captions({"subtitles": {tag: [track()]}}, "en")
    assert found is not None
    assert found.language == safe or len(found.language) == safe
