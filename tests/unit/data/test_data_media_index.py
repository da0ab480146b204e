"""Names in lists lead to files, whatever folder or suffix the files have."""

import pytest

from avtool.core.errors import BadInputError
from avtool.data.readers.media_index import AmbiguousNameError, MediaIndex, list_media, stem_of


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
        (" a/x.wav ", "a/x.wav"),
        ("./a/x.wav", "a/x.wav"),
        ("a//x.wav", "a/x.wav"),
        ("b/../a/x.wav", "a/x.wav"),
        ("a\\x.wav", "a/x.wav"),
        (".\\b\\deep\\y.1.ogg", "b/deep/y.1.ogg"),
        ("x" * 5000 + ".wav", None),
        ("a\0.wav", None),
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


@pytest.mark.parametrize("name", ["1.wav", "1", "./1.wav", "1.flac"])
def test_a_name_of_several_files_is_no_name(tmp_path, name):
    for place, content in (("cat", "c"), ("dog", "d"), ("deep/er", "e")):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "1.wav").write_text(content)
    with pytest.raises(AmbiguousNameError, match="is in `cat/` and in `dog/` and in `deep/er/`"):
        MediaIndex(tmp_path).find((name,))
    assert MediaIndex(tmp_path).find(("dog/1.wav",)) == str(tmp_path / "dog" / "1.wav")
    assert MediaIndex(tmp_path).find(("er\\1.wav",)) == str(tmp_path / "deep" / "er" / "1.wav")


def test_copies_and_nearer_files_are_no_doubt(tmp_path):
    for place, content in (("a", "same"), ("b", "same"), (".", "top")):
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / "1.wav").write_text(content)
    assert MediaIndex(tmp_path).find(("1",)) == str(tmp_path / "1.wav")
    (tmp_path / "1.wav").unlink()
    assert MediaIndex(tmp_path).find(("1.wav",)) == str(tmp_path / "a" / "1.wav")


def test_a_file_may_have_a_backslash_in_its_name(tmp_path):
    (tmp_path / "a\\b.wav").write_text("")
    assert MediaIndex(tmp_path).find(("a\\b.wav",)) == str(tmp_path / "a\\b.wav")


def test_media_are_listed_through_links_but_not_in_circles(folder):
    (folder / "a" / "again").symlink_to(folder)
    (folder / "linked").symlink_to(folder / "film")
    names = list_media(folder)
    assert len(names) == len(set(names)) == 5
    with pytest.raises(BadInputError, match="there is no folder"):
        list_media(folder / "none")


def test_only_suffixes_of_media_are_cut_off():
    assert [stem_of(name) for name in ("a.WAV", "a.b", "a.1.mp3", "a")] == ["a", "a.b", "a.1", "a"]
