"""Files: whole or not at all, with the reason in words."""

import errno
from pathlib import Path

import pytest

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import atomic_file, inside, read_json, sha256_of, write_json, write_text, writing


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail():
        with atomic_file(path) as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "reason"),
    [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "read-only"), (errno.EACCES, "denied")],
)
def test_the_operating_systems_refusals_become_one_line(tmp_path, number, reason):
    with pytest.raises(BadInputError, match=reason), writing(tmp_path / "x"):
        raise OSError(number, "raw words")


def test_a_full_disk_is_a_clean_error():
    full = Path("/dev/full")
    with (
        pytest.raises(BadInputError, match="disk is full"),
        writing(full),
        full.open("wb", buffering=0) as stream,
    ):
        stream.write(b"x")


def test_a_file_where_a_folder_is_needed(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="cannot write"):
        write_text(tmp_path / "file" / "a.txt", "x")


def test_json_round_trip_and_refusals(tmp_path):
    write_json(tmp_path / "a.json", {"é": [1.5, None]})
    assert read_json(tmp_path / "a.json") == {"é": [1.5, None]}
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "b.json", float("nan"))
    assert not (tmp_path / "b.json").exists()
    with pytest.raises(CorruptArtifactError, match="missing"):
        read_json(tmp_path / "none.json")


def test_members_stay_inside(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    assert inside(folder, "x/y.wav") == folder / "x/y.wav"
    for name in ("../b", "/etc/passwd", "link/b"):
        with pytest.raises(CorruptArtifactError):
            inside(folder, name)


def test_sha256(tmp_path):
    (tmp_path / "e").write_bytes(b"")
    assert sha256_of(tmp_path / "e").startswith("e3b0c44298fc1c14")
