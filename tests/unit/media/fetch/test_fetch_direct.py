"""Links to media files, with captions beside them."""

import csv
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import av
import pytest

from tests.unit.media.fetch.fetch_web import SRT, VTT, Run, Web, make_film


def names(run: Run) -> set[str]:
    return {path.name for path in run.folder.iterdir()}


def test_a_film_and_the_captions_beside_it(run: Run, web: Web, film: bytes) -> None:
    address = web.put("/films/dinner.mp4", film)
    web.put("/films/dinner.en.vtt", VTT)
    result = run(address)
    row = result.rows[0]
    assert (run.folder / row.film).read_bytes() == film
    assert (run.folder / row.captions).read_text(encoding="utf-8") == VTT
    assert (row.url, row.title, row.extractor, row.caption_kind, row.language) == (
        address, "dinner", "generic", "human", "en",
    )  # fmt: skip
    assert row.duration == pytest.approx(1.0, abs=0.1)
    with (run.folder / "films.csv").open(encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream))
    assert [(line["film"], line["captions"]) for line in table] == [(row.film, row.captions)]
    assert names(run) == {row.film, row.captions, "films.csv", "archive.txt"}
    assert result.to_dict()["rows"][0]["film"] == row.film


@pytest.mark.parametrize(
    ("beside", "content", "language"),
    [
        ("film.en.vtt", VTT, "en"),
        ("film.en.srt", SRT, "en"),
        ("film.vtt", "\ufeff" + VTT, "und"),
        ("film.srt", SRT, "und"),
    ],
)
def test_where_captions_are_looked_for(
    run: Run, web: Web, film: bytes, beside: str, content: str, language: str
) -> None:
    address = web.put("/film.mp4", film)
    web.put(f"/{beside}", content)
    row = run(address).rows[0]
    assert row.language == language
    assert (run.folder / row.captions).suffix == f".{beside.rpartition('.')[2]}"


def test_the_language_asked_for_is_looked_for(run: Run, web: Web, film: bytes) -> None:
    address = web.put("/film.mp4", film)
    web.put("/film.en.vtt", VTT)
    web.put("/film.de.vtt", VTT)
    assert run(address, language="de").rows[0].language == "de"


@pytest.mark.parametrize("content", ["<html>No such page</html>", "", "WEBSITE"])
def test_a_page_in_the_place_of_captions_is_not_taken(run: Run, web: Web, film: bytes, content: str) -> None:
    address = web.put("/film.mp4", film)
    web.put("/film.en.vtt", content)
    web.put("/film.en.srt", content)
    result = run(address)
    assert result.skipped[0].reason == "no captions by people in `en`"
    assert result.rows == ()
    assert names(run) == set()


def test_films_may_be_fetched_without_captions(run: Run, web: Web, film: bytes) -> None:
    row = run(web.put("/film.mp4", film), captions="none").rows[0]
    assert (row.captions, row.caption_kind, row.language) == ("", "none", "")
    assert [path for path, _ in web.asked] == ["/film.mp4", "/film.mp4"]


def test_what_is_in_the_archive_is_skipped(run: Run, web: Web, film: bytes) -> None:
    address = web.put("/film.mp4", film)
    web.put("/film.vtt", VTT)
    run(address)
    before, asked = (run.folder / "films.csv").read_bytes(), len(web.asked)
    again = run(address)
    assert (again.archived, again.rows, again.failed, again.skipped) == (1, (), (), ())
    assert (run.folder / "films.csv").read_bytes() == before
    assert len(web.asked) == asked + 1  # only what the address is


def test_overwrite_fetches_again(run: Run, web: Web, film: bytes) -> None:
    address = web.put("/film.mp4", film)
    web.put("/film.vtt", VTT)
    run(address)
    web.put("/film.vtt", VTT.replace("DOOR SLAMS", "GLASS BREAKS"))
    row = run(address, overwrite=True).rows[0]
    assert "GLASS BREAKS" in (run.folder / row.captions).read_text(encoding="utf-8")
    assert len((run.folder / "films.csv").read_text(encoding="utf-8").splitlines()) == 2
    assert len((run.folder / "archive.txt").read_text(encoding="utf-8").splitlines()) == 1


def test_a_second_run_adds_to_the_table(run: Run, web: Web, film: bytes) -> None:
    first = run(web.put("/one.mp4", film), captions="none").rows[0]
    second = run(web.put("/two.mp4", film), captions="none").rows[0]
    with (run.folder / "films.csv").open(encoding="utf-8", newline="") as stream:
        assert [line["film"] for line in csv.DictReader(stream)] == [first.film, second.film]


def test_files_of_one_name_do_not_collide(run: Run, web: Web, film: bytes) -> None:
    result = run(web.put("/a/film.mp4", film), web.put("/b/film.mp4", film + b"\0"), captions="none")
    assert len({row.film for row in result.rows}) == 2
    assert [(run.folder / row.film).stat().st_size - len(film) for row in result.rows] == [0, 1]


def first_byte_of(ranges: list[str]) -> int:
    """The first byte asked for by the one request that continued a download."""
    (only,) = ranges
    return int(only.removeprefix("bytes=").removesuffix("-"))


def test_a_broken_connection_is_continued_in_the_same_run(run: Run, web: Web, film: bytes) -> None:
    address = web.put("/film.mp4", film)
    web.broken["/film.mp4"] = 2  # the look at the address, and the first download
    row = run(address, captions="none", retries=1).rows[0]
    assert 0 < first_byte_of(web.ranges("/film.mp4")) <= len(film) // 2
    assert (run.folder / row.film).read_bytes() == film


def test_a_partial_download_is_continued_in_the_next_run(run: Run, web: Web, film: bytes) -> None:
    address = web.put("/film.mp4", film)
    web.broken["/film.mp4"] = 2
    result = run(address, captions="none")
    assert len(result.failed) == 1
    assert {path.suffix for path in run.folder.iterdir()} == {".part"}
    row = run(address, captions="none").rows[0]
    assert 0 < first_byte_of(web.ranges("/film.mp4")) <= len(film) // 2
    assert (run.folder / row.film).read_bytes() == film


class Bars:
    """A progress bar of the reporter's that calls a function at every step."""

    def __init__(self, at_step: Callable[[float], None]) -> None:
        self.advance = lambda amount=1, note="": at_step(amount)

    def __call__(self, description: str, total: float | None) -> "Bars":
        return self

    def __enter__(self) -> "Bars":
        return self

    def __exit__(self, *exc: object) -> None:
        pass


def press_ctrl_c(amount: float) -> None:
    if amount > 0:
        raise KeyboardInterrupt


def test_an_interrupted_run_leaves_a_true_table_and_goes_on(run: Run, web: Web, film: bytes) -> None:
    first, second = web.put("/one.mp4", film), web.put("/two.mp4", film * 20)
    done = run(first, captions="none").rows[0]
    run.reporter.progress = Bars(press_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        run(first, second, captions="none")
    assert (run.folder / "films.csv").read_text(encoding="utf-8").count("\n") == 2
    assert done.film in names(run)
    assert len([name for name in names(run) if name.endswith(".part")]) == 1
    del run.reporter.progress
    row = run(first, second, captions="none").rows[0]
    assert first_byte_of(web.ranges("/two.mp4")) > 0
    assert (run.folder / row.film).read_bytes() == film * 20


def test_a_bad_address_never_stops_the_batch(run: Run, web: Web, film: bytes) -> None:
    page = web.put("/page.html", "<html><p>no film here</p></html>")
    result = run(f"{web.address}/missing.mp4", page, web.put("/film.mp4", film), captions="none")
    assert [(failure.url, failure.reason) for failure in result.failed] == [
        (f"{web.address}/missing.mp4", "Unable to download webpage: HTTP Error 404: Not Found"),
        (page, f"Unsupported URL: {page}"),
    ]
    assert len(result.rows) == 1
    assert len(run.reporter.warnings) == 2


def test_a_page_served_as_a_film_is_no_film(run: Run, web: Web) -> None:
    result = run(web.put("/film.mp4", "<html>log in first</html>" * 40), captions="none")
    assert result.failed[0].reason == "what came is not a film"
    assert names(run) == set()


def test_a_playlist_served_as_a_film_does_not_read_local_files(
    run: Run, web: Web, tmp_path: Path, film: bytes
) -> None:
    (tmp_path / "secret.mp4").write_bytes(film)
    result = run(web.put("/film.mp4", f"ffconcat version 1.0\nfile {tmp_path}/secret.mp4\n"), captions="none")
    assert result.failed[0].reason == "what came is not a film"


def test_a_film_larger_than_allowed_is_not_downloaded(run: Run, web: Web, film: bytes) -> None:
    result = run(
        web.put("/film.mp4", film * 50), web.put("/small.mp4", film), captions="none", max_size="100KB"
    )
    assert result.failed[0].reason == "larger than --max-size (0.1 MB)"
    assert len(result.rows) == 1
    assert sum(path.stat().st_size for path in run.folder.iterdir()) < 200_000


def test_captions_that_do_not_come_keep_the_film_from_being_downloaded(
    run: Run, web: Web, film: bytes
) -> None:
    page = web.put(
        "/page.html",
        "<video><source src='/film.mp4' type='video/mp4'>"
        "<track kind='captions' srclang='en' src='/gone.vtt'></video>",
    )
    web.put("/film.mp4", film)
    result = run(page)
    assert result.failed[0].reason == "its captions could not be downloaded"
    assert "/film.mp4" not in [path for path, _ in web.asked]


def test_the_rate_is_limited(run: Run, web: Web, film: bytes) -> None:
    address = web.put("/film.mp4", film * 4)
    steps: list[float] = []
    run.reporter.progress = Bars(lambda amount: steps.append(time.monotonic()))
    run(address, captions="none", limit_rate=len(film) * 4)
    assert steps[-1] - steps[0] > 0.7


@pytest.mark.parametrize(
    "path", ["/%2e%2e%2f%2e%2e%2fx.mp4", "/-rf%20~.mp4", "/.hidden.mp4", "/a%0Ab%00c.mp4", "/%E6%97%A5.mp4"]
)
def test_unsafe_names_stay_inside_and_are_plain(
    run: Run, web: Web, film: bytes, path: str, tmp_path: Path
) -> None:
    web.put(unquote(path), film)
    row = run(web.address + path, captions="none").rows[0]
    assert (run.folder / row.film).is_file()
    assert row.film[0] not in ".-"
    assert row.film.isascii()
    assert not set(row.film) & set("/\\ \n\0")
    assert {entry.name for entry in tmp_path.iterdir()} == {"films"}
    assert (run.folder / "archive.txt").read_text(encoding="utf-8").count("\n") == 1


def test_a_sound_without_a_picture_is_fetched_too(run: Run, web: Web) -> None:
    row = run(web.put("/talk.mp4", make_film(video=False)), captions="none").rows[0]
    with av.open(str(run.folder / row.film)) as container:
        assert not container.streams.video
