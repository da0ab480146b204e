"""`avtool fetch` as a command line."""

import io
import json
import socket
from pathlib import Path

import pytest

from avtool.cli.main import run as avtool
from avtool.core.errors import ExitCode
from avtool.mining.pairing import FilmPair, pair_films
from tests.unit.media.fetch.fetch_web import VTT, Web

QUICK = ("--sleep", "0", "--retries", "0", "--no-progress")


@pytest.fixture
def address(web: Web, film: bytes) -> str:
    web.put("/film.vtt", VTT)
    return web.put("/film.mp4", film)


def test_the_table_is_printed_and_mine_subtitles_reads_it(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "films"
    assert avtool(["fetch", address, "--out", str(out), *QUICK]) == ExitCode.DONE
    assert capsys.readouterr().out.splitlines()[-1] == str(out / "films.csv")
    (pair,) = pair_films([str(out / "films.csv")], "auto")
    assert pair == FilmPair(pair.film_id, out / f"{pair.film_id}.mp4", str(out / f"{pair.film_id}.und.vtt"))
    assert pair.film.is_file()
    assert Path(pair.captions).read_text(encoding="utf-8") == VTT


def test_failures_are_listed_and_end_in_1(
    address: str, web: Web, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = avtool(["fetch", f"{web.address}/none.mp4", address, "--out", str(tmp_path), *QUICK, "--json"])
    assert code == ExitCode.SOME_FAILED
    result = json.loads(capsys.readouterr().out)
    assert [row["title"] for row in result["rows"]] == ["film"]
    assert result["failed"] == [
        {
            "url": f"{web.address}/none.mp4",
            "reason": "Unable to download webpage: HTTP Error 404: Not Found",
        }
    ]


def test_a_film_without_captions_is_skipped_with_a_line(
    web: Web, film: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = web.put("/plain.mp4", film)
    assert avtool(["fetch", address, "--out", str(tmp_path), *QUICK]) == ExitCode.DONE
    assert f"skipped {address}: no captions by people in `en`" in capsys.readouterr().err


def test_addresses_come_from_a_list_and_from_stdin(
    web: Web, film: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = tmp_path / "list.txt"
    films.write_text(f"# one\n{web.put('/one.mp4', film)}\n", encoding="utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"# two\n{web.put('/two.mp4', film)}\n\n"))
    out = tmp_path / "films"
    arguments = ["fetch", str(films), "-", "--out", str(out), "--captions", "none", *QUICK]
    assert avtool(arguments) == ExitCode.DONE
    assert len(list(out.glob("*.mp4"))) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["file:///etc/passwd"], "only http and https addresses are fetched"),
        (["nowhere.txt"], "is neither an address nor a list file"),
        (["https://example.org/x", "--lang", "../x"], "`--lang`"),
        (["https://example.org/x", "--limit-rate", "quickly"], "`--limit-rate`"),
        (["https://example.org/x", "--max-size", "0"], "`--max-size`"),
        (["https://example.org/x", "--max-films", "0"], "`--max-films`"),
    ],
)
def test_wrong_usage_ends_in_2(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert avtool(["fetch", *arguments, "--out", str(tmp_path / "films")]) == ExitCode.BAD_INPUT
    assert message in capsys.readouterr().err
    assert not (tmp_path / "films").exists()


def test_no_network_ends_in_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/film.mp4"
        assert avtool(["fetch", address, "--out", str(tmp_path), *QUICK]) == ExitCode.MISSING
    assert "error: no network: cannot reach" in capsys.readouterr().err


def test_sizes_have_units(address: str, tmp_path: Path) -> None:
    limits = ["--max-size", "1MB", "--limit-rate", "2M"]
    assert avtool(["fetch", address, "--out", str(tmp_path), *QUICK, *limits]) == ExitCode.DONE
    too_small = ["--max-size", "1KB", "--overwrite"]
    assert avtool(["fetch", address, "--out", str(tmp_path), *QUICK, *too_small]) == ExitCode.SOME_FAILED
