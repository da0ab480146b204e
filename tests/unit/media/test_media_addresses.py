"""Names of media become files: addresses are fetched once, and only by harmless protocols."""

import sys
from typing import ClassVar

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry

from avtool.core.errors import BadInputError, MissingError
from avtool.data.media_files import local_media
from avtool.media.addresses import fetch, local_path


class Bucket(MemoryFileSystem):
    """A bucket in memory, in the place of one on the web."""

    protocol = "s3"
    store: ClassVar[dict] = {}


@pytest.fixture
def bucket(cache, monkeypatch):
    """An empty bucket, and an empty cache."""
    monkeypatch.setitem(_registry, "s3", Bucket)
    monkeypatch.setattr(Bucket, "store", {})
    return Bucket()


def test_a_file_address_may_be_quoted_and_name_this_machine(tmp_path):
    (tmp_path / "a b.wav").touch()
    (tmp_path / "50%25.wav").touch()
    assert fetch(f"file://{tmp_path}/a%20b.wav") == tmp_path / "a b.wav"
    assert fetch(f"file://localhost{tmp_path}/a b.wav") == tmp_path / "a b.wav"
    assert fetch(f"file://{tmp_path}/50%25.wav") == tmp_path / "50%25.wav"


def test_paths_and_file_addresses(tmp_path):
    assert local_media(tmp_path, "a/b.wav") == tmp_path / "a/b.wav"
    assert local_media(tmp_path, "/x/b.wav").as_posix() == "/x/b.wav"
    assert local_media(tmp_path, "file:///x/b.wav").as_posix() == "/x/b.wav"


@pytest.mark.parametrize(
    "address",
    ["simplecache::s3://b/x", "reference://x", "python://x", "ssh://host/x.wav", "http://a::file://b"],
)
def test_other_protocols_are_refused(tmp_path, address):
    with pytest.raises(BadInputError, match="cannot be opened"):
        local_media(tmp_path, address)


def test_an_address_is_fetched_once(bucket, tmp_path):
    bucket.pipe("s3://films/a.wav", b"sound")
    first = local_media(tmp_path, "s3://films/a.wav")
    assert first.read_bytes() == b"sound"
    assert first.name == "a.wav"
    assert local_path("s3://films/a.wav") == first
    bucket.pipe("s3://films/a.wav", b"other")
    assert local_media(tmp_path, "s3://films/a.wav").read_bytes() == b"sound"
    with pytest.raises(BadInputError, match="does not exist"):
        local_media(tmp_path, "s3://films/gone.wav")


def test_a_library_that_is_missing_is_named(cache, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingError, match="s3fs") as raised:
        local_media(tmp_path, "s3://films/a.wav")
    assert raised.value.hint == "pip install s3fs"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("s3://films/a/b%20c.mkv", "b c.mkv"),
        ("https://host/watch.mp4?token=x/y.wav", "watch.mp4"),
        ("s3://films/a$b;c.mkv", "a_b_c.mkv"),
        ("s3://films/" + 300 * "a" + ".mkv", 96 * "a" + ".mkv"),
        ("s3://films/..", "media"),
    ],
)
def test_a_copy_is_named_like_the_original(address, name, cache):
    assert local_path(address).name == name
    assert local_path(address).parent.parent == cache / "media"


def test_an_error_of_another_library_is_one_line(bucket, monkeypatch):
    class StrangeError(Exception):
        pass

    def refuse(*_: object) -> None:
        raise StrangeError("403\n forbidden")

    bucket.pipe("s3://films/a.wav", b"sound")
    monkeypatch.setattr(Bucket, "size", refuse)
    with pytest.raises(BadInputError, match="cannot be read: 403 forbidden"):
        fetch("s3://films/a.wav")
