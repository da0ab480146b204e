"""Unpacking a download: what is not ESC-50 never takes its place."""

import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile

from avtool.benchmarks.runner.data import check_audio, check_download
from avtool.benchmarks.runner.download import download, unpack
from avtool.benchmarks.spec import BenchmarkSpec
from avtool.core.errors import BadInputError, CorruptArtifactError, MissingError
from avtool.core.reporter import Recorder
from tests.unit.benchmarks.runner.esc_samples import ESC50, make_esc10


def check(folder: Path) -> None:
    check_download(ESC50, folder)


def esc50_at(url: str) -> BenchmarkSpec:
    """ESC-50, downloaded from another address."""
    assert ESC50.data.download is not None
    source = ESC50.data.download.model_copy(update={"url": url})
    return ESC50.model_copy(update={"data": ESC50.data.model_copy(update={"download": source})})


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A web server on this machine with the files in `tmp_path / "web"`."""
    (tmp_path / "web").mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path / "web")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def zip_folder(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w") as bundle:
        for path in sorted(folder.rglob("*")):
            bundle.write(path, Path("ESC-50-master") / path.relative_to(folder))
    return archive


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    archive = zip_folder(make_esc10(tmp_path / "esc10"), tmp_path / "esc50.zip")
    with pytest.raises(CorruptArtifactError, match=r"not the whole of ESC-50: .* has 10 classes"):
        unpack(ESC50, archive, tmp_path / "data" / "esc50", check)
    assert list((tmp_path / "data").iterdir()) == []


def test_names_that_climb_out_are_not_written(tmp_path: Path) -> None:
    archive = tmp_path / "esc50.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("x/audio/../../evil", "evil")
        bundle.writestr("x/../audio/evil", "evil")
        bundle.writestr("x/meta/..", "evil")
    with pytest.raises(CorruptArtifactError):
        unpack(ESC50, archive, tmp_path / "data" / "esc50", check)
    assert not [path for path in tmp_path.rglob("*") if "evil" in path.name]


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    archive = tmp_path / "esc50.zip"
    archive.write_bytes(b"PK nothing")
    with pytest.raises(CorruptArtifactError, match=r"`esc50\.zip` is a damaged archive"):
        unpack(ESC50, archive, tmp_path / "esc50", check)


@pytest.mark.parametrize("offset", [-60, -8], ids=["in the middle", "at its end"])
def test_a_member_that_cannot_be_unpacked_is_a_damaged_archive(tmp_path: Path, offset: int) -> None:
    archive = tmp_path / "esc50.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("x/meta/esc50.csv", bytes(range(256)) * 8)
        end = bundle.fp.tell()
    content = bytearray(archive.read_bytes())
    content[end + offset] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(CorruptArtifactError, match=r"`esc50\.zip` is a damaged archive"):
        unpack(ESC50, archive, tmp_path / "esc50", check)


@pytest.mark.parametrize(("field", "value"), [(6, 1), (8, 97)], ids=["encrypted", "unknown compression"])
def test_a_member_of_another_kind_is_a_damaged_archive(tmp_path: Path, field: int, value: int) -> None:
    archive = tmp_path / "esc50.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("x/meta/esc50.csv", "filename")
    content = bytearray(archive.read_bytes())
    directory = content.index(b"PK\x01\x02")
    content[field] = content[directory + field + 2] = value  # the local header, and the directory's copy
    archive.write_bytes(content)
    with pytest.raises(CorruptArtifactError, match=r"`esc50\.zip` is a damaged archive"):
        unpack(ESC50, archive, tmp_path / "esc50", check)


def test_clips_are_five_seconds_at_44100(tmp_path: Path) -> None:
    good, short = tmp_path / "good.wav", tmp_path / "short.wav"
    soundfile.write(good, np.zeros(220500, np.int16), 44100)
    soundfile.write(short, np.zeros(220000, np.int16), 44100)
    check_audio(ESC50, [good])
    with pytest.raises(BadInputError, match=r"`short\.wav` has 220000 samples at 44100 Hz"):
        check_audio(ESC50, [good, short])


def test_a_wrong_download_leaves_nothing_behind(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVTOOL_DATA", str(tmp_path / "data"))
    zip_folder(make_esc10(tmp_path / "esc10"), tmp_path / "web" / "master.zip")
    recorder = Recorder()
    with pytest.raises(CorruptArtifactError, match="not the whole of ESC-50"):
        download(esc50_at(f"{address}/master.zip"), check, recorder)
    assert list((tmp_path / "data").iterdir()) == []
    assert "its checksum is unknown" in recorder.infos[0]
    assert "SHA-256 of this copy" in recorder.infos[1]


def test_a_failed_download_names_the_remedy(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVTOOL_DATA", str(tmp_path / "data"))
    with pytest.raises(MissingError, match="cannot download ESC-50") as caught:
        download(esc50_at(f"{address}/absent.zip"), check, Recorder())
    assert "AVTOOL_DATA" in caught.value.hint


def test_what_is_there_is_not_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVTOOL_DATA", str(tmp_path))
    (tmp_path / "esc50").mkdir()
    assert download(esc50_at("http://127.0.0.1:1/none"), check, Recorder()) == tmp_path / "esc50"
