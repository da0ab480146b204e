"""Names in lists lead to files, whatever folder or suffix the files have."""

import pytest

from avtool.core.errors import BadInputError
from avtool.data.readers.media_index import MediaIndex, list_media, stem_of


@pytest.fixture
def folder(tmp_path):
    for name in (
        "a/x.wav",
        "b/x.mp4",
        "b/deep/y.1.ogg",
        "film/1.wav",
        "other/2.wav",
        ".hidden/z.wav",
        "t.txt",
        "bare",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a/x.wav", "a/x.wav"),
        ("x", "b/x.mp4"),  # a film has more in it than a sound
        ("x.flac", "b/x.mp4"),
        ("a/x", "a/x.wav"),
        ("deep/y.1.mp4", "b/deep/y.1.ogg"),
        ("y.1", "b/deep/y.1.ogg"),
        ("film/1.wav", "film/1.wav"),
        ("film/2.wav", None),  # the file of that name belongs to another film
        ("z", None),
        ("bare", "bare"),
        ("", None),
        ("X", None),
        ("/nowhere/x.wav", None),
        ("s3://bucket/x.wav", "s3://bucket/x.wav"),
    ],
)
def test_find(folder, name, found):
    expected = str(folder / found) if found and "://" not in found else found
    assert MediaIndex(folder).find((name,)) == expected


def test_the_first_name_that_is_there_wins(folder):
    assert MediaIndex(folder).find(("none", "1", "x")) == str(folder / "film" / "1.wav")


def test_media_are_listed_through_links_but_not_in_circles(folder):
    (folder / "a" / "again").symlink_to(folder)
    (folder / "linked").symlink_to(folder / "film")
    names = list_media(folder)
    assert len(names) == len(set(names)) == 5
    with pytest.raises(BadInputError, match="there is no folder"):
        list_media(folder / "none")


def test_only_suffixes_of_media_are_cut_off():
    assert [stem_of(name) for name in ("a.WAV", "a.b", "a.1.mp3", "a")] == ["a", "a.b", "a.1", "a"]
