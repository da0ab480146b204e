"""`avtool models fetch` from a server of the test's own: checksums, archives, and no network."""

import fcntl
import hashlib
import io
import json
import os
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from avtool.cli.main import run

CONTENT = b"weights" * 100


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which it is served."""
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name, value in members.items():
            bundle.writestr(f"inner/{name}", value)
    return buffer.getvalue()


def catalogue(tmp_path: Path, url: str, download: bytes, **keys: str) -> str:
    values = {
        "title": "Weights", "url": url, "sha256": hashlib.sha256(download).hexdigest(), "licence": "MIT",
        "file": "w.pth", **keys,
    }  # fmt: skip
    lines = [f'{key} = "{value}"' for key, value in values.items()]
    sum_ = hashlib.sha256(CONTENT).hexdigest()
    path = tmp_path / "catalogue.toml"
    path.write_text(
        "\n".join(["[mine]", f"bytes = {len(download)}", *lines, f'files = {{"w.pth" = "{sum_}"}}'])
    )
    return str(path)


def fetch(capsys: pytest.CaptureFixture[str], file: str) -> tuple[int, str, str]:
    code = run(["models", "fetch", "mine", "--catalogue", file, "--no-progress"])
    captured = capsys.readouterr()
    return code, captured.out.strip(), captured.err


@pytest.mark.parametrize("form", ["plain", "zip", "nested"])
def test_a_file_is_fetched_and_kept(served, tmp_path: Path, cache: Path, capsys, form: str) -> None:
    folder, address = served
    made = {"plain": CONTENT, "zip": zipped(**{"w.pth": CONTENT})}
    made["nested"] = zipped(**{"b.zip": made["zip"]})
    (folder / "w.pth").write_bytes(made[form])
    name = "w.pth" if form == "plain" else "a.zip"
    (folder / name).write_bytes(made[form])
    keys = {"archive": "inner/b.zip"} if form == "nested" else {}
    file = catalogue(tmp_path, f"{address}/{name}", made[form], **keys)
    code, out, err = fetch(capsys, file)
    assert (code, Path(out).read_bytes()) == (0, CONTENT)
    assert "licence: MIT" in err
    assert [path.name for path in (cache / "published" / "mine").iterdir()] == ["w.pth"]
    (folder / name).unlink()
    code, again, err = fetch(capsys, file)
    assert (code, again) == (0, out)
    assert "licence" not in err
    Path(out).write_bytes(b"damaged")
    assert fetch(capsys, file)[0] == 3


def test_another_content_is_refused(served, tmp_path: Path, cache: Path, capsys) -> None:
    folder, address = served
    (folder / "w.pth").write_bytes(b"other")
    code, out, err = fetch(capsys, catalogue(tmp_path, f"{address}/w.pth", CONTENT))
    assert (code, out) == (4, "")
    assert "another checksum" in err
    (folder / "a.zip").write_bytes(download := zipped(**{"w.pth": b"other"}))
    assert fetch(capsys, catalogue(tmp_path, f"{address}/a.zip", download))[0] == 4
    (folder / "a.zip").write_bytes(download := zipped(other=b"other"))
    assert fetch(capsys, catalogue(tmp_path, f"{address}/a.zip", download))[0] == 4
    assert not list((cache / "published").iterdir())


def test_weights_that_another_process_fetches_are_left_to_it(
    served, tmp_path: Path, cache: Path, capsys
) -> None:
    folder, address = served
    (folder / "w.pth").write_bytes(CONTENT)
    file, partial = catalogue(tmp_path, f"{address}/w.pth", CONTENT), cache / "published" / "mine.partial"
    partial.mkdir(parents=True)
    (partial / "half").write_bytes(b"of another")
    handle = os.open(partial, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    code, out, err = fetch(capsys, file)
    assert (code, out) == (2, "")
    assert "another process is writing" in err
    assert "wait until it is done" in err
    assert (partial / "half").read_bytes() == b"of another"
    os.close(handle)  # it was killed: what it left is no hindrance
    assert fetch(capsys, file)[0] == 0
    assert [path.name for path in (cache / "published").rglob("*")] == ["mine", "w.pth"]


def test_without_a_network_it_is_one_line(tmp_path: Path, cache: Path, capsys) -> None:
    code, out, err = fetch(capsys, catalogue(tmp_path, "http://127.0.0.1:9/w.pth", CONTENT))
    assert (code, out) == (3, "")
    assert sum(line.startswith("error:") for line in err.splitlines()) == 1
    assert "Traceback" not in err


def test_the_catalogue_is_listed(cache: Path, capsys) -> None:
    assert run(["models", "fetch", "--json"]) == 0
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)["weights"]}
    assert found["yamnet"]["fetched"] is False
    assert all(one["licence"] and one["bytes"] for one in found.values())


def test_weights_that_are_not_fetched_are_named_with_their_command(
    tmp_path: Path, cache: Path, capsys
) -> None:
    (tmp_path / "a.wav").write_bytes(b"")
    command = ["embed", str(tmp_path / "a.wav"), "--encoder", "yamnet", "--out", str(tmp_path / "f.parquet")]
    assert run(command) == 3
    assert "avtool models fetch yamnet" in capsys.readouterr().err


ENTRY = """title = "t"
url = "http://127.0.0.1:9/w.pt"
bytes = 1
sha256 = "{0}"
licence = "MIT"
file = "{1}"
files = {{ "{1}" = "{0}" }}
"""
ESCAPES = [
    f'["{name}"]\n' + ENTRY.format("0" * 64, file)
    for name, file in [("../../mine", "w.pt"), ("mine", "../w.pt"), ("mine", ".."), ("/mine", "w.pt")]
]
"""Names that would be written outside of the cache."""


@pytest.mark.parametrize("text", ["[mine]\nurl = 3", "mine = 3", "[mine", *ESCAPES])
def test_a_wrong_catalogue_is_refused(tmp_path: Path, capsys, text: str) -> None:
    (tmp_path / "c.toml").write_text(text)
    assert run(["models", "fetch", "--catalogue", str(tmp_path / "c.toml")]) == 2
    assert "c.toml" in capsys.readouterr().err
