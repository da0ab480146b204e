import socket
from pathlib import Path

import pytest

from avtool.core.errors import BadInputError, CorruptArtifactError, MissingError
from avtool.media.fetch.fetch import read_sources
from tests.unit.media.fetch.fetch_web import Run, Web


def test_lists_have_comments_blank_lines_and_a_byte_order_mark(tmp_path: Path) -> None:
    films = tmp_path / "films.txt"
    films.write_text("\ufeff# films\n\n https://a.org/1 \r\nhttps://a.org/2#t=1\n", encoding="utf-8")
    given = ["https://a.org/2#t=1", str(films), "https://a.org/3"]
    assert read_sources(given) == ["https://a.org/2#t=1", "https://a.org/1", "https://a.org/3"]


def test_a_list_that_is_not_there_is_named() -> None:
    with pytest.raises(BadInputError, match=r"`films\.txt` is neither an address nor a list file"):
        read_sources(["films.txt"])


def test_a_folder_or_a_film_is_no_list(tmp_path: Path, film: bytes) -> None:
    with pytest.raises(BadInputError, match="cannot read the list"):
        read_sources([str(tmp_path)])
    (tmp_path / "film.mp4").write_bytes(film)
    with pytest.raises(BadInputError, match="is not text"):
        read_sources([str(tmp_path / "film.mp4")])


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://a.org/x.mp4", "ytsearch:film", "data:,x", "http:x"]
)
def test_only_http_and_https_are_fetched(run: Run, address: str) -> None:
    with pytest.raises(BadInputError, match="only http and https"):
        run(address)
    assert not run.folder.exists()


def test_a_refused_address_does_not_stop_the_others(run: Run, web: Web, film: bytes, tmp_path: Path) -> None:
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(film)
    result = run(secret.as_uri(), web.put("/film.mp4", film), captions="none")
    assert [failure.url for failure in result.failed] == [secret.as_uri()]
    assert [row.title for row in result.rows] == ["film"]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x.mp4"])
def test_a_redirect_out_of_the_web_is_not_followed(run: Run, web: Web, location: str) -> None:
    web.redirects["/film.mp4"] = location
    result = run(f"{web.address}/film.mp4", captions="none")
    assert len(result.failed) == 1
    assert not list(run.folder.iterdir())


def test_nothing_to_fetch_is_an_error(run: Run) -> None:
    with pytest.raises(BadInputError, match="no address to fetch"):
        run()


def test_without_a_network_one_line_says_so(run: Run) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/film.mp4"
        with pytest.raises(
            MissingError, match=r"(?m)^no network: cannot reach .*film\.mp4 \(.*Connection refused\)$"
        ):
            run(address)


def test_one_unreachable_address_of_several_is_a_failure(run: Run, web: Web, film: bytes) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}/dead.mp4"
        result = run(dead, web.put("/film.mp4", film), captions="none")
    assert [failure.url for failure in result.failed] == [dead]
    assert len(result.rows) == 1


def test_a_damaged_table_is_told_before_anything_is_asked_for(run: Run, web: Web, film: bytes) -> None:
    run.folder.mkdir()
    (run.folder / "films.csv").write_text("notes\n", encoding="utf-8")
    with pytest.raises(CorruptArtifactError):
        run(web.put("/film.mp4", film))
    assert web.asked == []
