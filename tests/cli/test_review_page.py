"""The page of `avtool review` in a real browser: by keyboard, by dragging, twice at once, and very long."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from avtool.media.captions.reading import read_captions
from avtool.media.encode import FilmSettings, write_film
from avtool.mining.review.decisions import Decision
from avtool.mining.review.journal import read_decisions, read_review
from tests.chromium import screenshot, serving, wait_until
from tests.harness import RATE, class_tone, run_avtool
from tests.harness import _square as square
from tests.reviewed_events import SPACING, write_captioned_film, write_events

pytest.importorskip("starlette", reason="the extra `review` is not installed")
READY = "window.review && review.state.shown.length > 0 && document.querySelector('#bar').max > 1"


@pytest.fixture
def served(browser: Any, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a review of 60 events, and its journal."""
    events = write_events(tmp_path, 60)
    with serving("review", events, "--reviewer", "ada") as printed:
        yield printed["review"]["address"], events / "review.parquet"


def open_page(browser: Any, address: str, width: int = 1400, height: int = 900, **options: Any) -> Any:
    """A page in a context of its own; what it reports as an error is collected in `page.problems`."""
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda message: message.type == "error" and page.problems.append(message.text))
    page.goto(address)
    wait_until(page, READY)
    return page


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def settle(page: Any) -> None:
    """Waits until every decision is acknowledged."""
    page.evaluate("review.settled()")


def current(page: Any) -> dict[str, Any]:
    """The event that is chosen, as the page has it."""
    return page.evaluate("review.state.events.get(decodeURIComponent(location.hash.slice(1)))")


def main_thread_ms(devtools: Any) -> float:
    """Milliseconds of processor time that the page's thread has spent: scripts, styles, layout, paint."""
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return 1000 * next(one["value"] for one in metrics if one["name"] == "TaskDuration")


def rows(journal: Path) -> list[Decision]:
    return read_decisions(journal)


def test_fifty_events_by_keyboard_alone(browser: Any, served: tuple[str, Path]) -> None:
    address, journal = served
    page = open_page(browser, address)
    expected = {}
    begin = time.perf_counter()
    for number in range(50):
        if number == 25:  # a reload in the middle keeps the place and every decision
            place = current(page)["event_id"]
            settle(page)
            page.reload()
            wait_until(page, READY)
            assert current(page)["event_id"] == place
            assert page.inner_text("#done").startswith("25 of 60")
        event = current(page)
        assert event["event_id"] == f"film0/{number + 1:05d}-1"
        expected[event["event_id"]] = _review_by_keys(page, number, event)
    settle(page)
    spent = time.perf_counter() - begin
    assert page.inner_text("#done").startswith("50 of 60")
    assert page.problems == []
    review = read_review(journal)
    assert {name: _outcome(review[name]) for name in expected} == expected
    seconds = sorted(row.seconds for row in rows(journal) if row.seconds > 0)
    assert all(0 < one < 60 for one in seconds)
    print(f"50 events in {spent:.1f} s: {1000 * spent / 50:.0f} ms an event")  # noqa: T201


def _review_by_keys(page: Any, number: int, event: dict[str, Any]) -> tuple[Any, ...]:
    """Reviews the event by one of five ways; what the journal must hold of it."""
    match number % 5:
        case 0:
            press(page, "Enter")
            return "accepted", None, None, None
        case 1:
            press(page, "x")
            return "rejected", None, None, None
        case 2:  # type the beginning of a label, complete it, save, accept
            press(page, "l")
            page.keyboard.type("thu")
            press(page, "Enter", "Enter", "Enter")
            return "accepted", ("thunder",), None, None
        case 3:  # borders by keys: start 0.2 s later, end 0.1 s earlier
            press(page, "]", "]", ",", "Enter")
            return "accepted", None, round(event["start"] + 0.2, 3), round(event["end"] - 0.1, 3)
        case _:  # reject, change one's mind
            press(page, "x")
            settle(page)
            press(page, "u")
            wait_until(page, f"location.hash.includes('{number + 1:05d}-1')")
            press(page, "Enter")
            return "accepted", None, None, None


def _outcome(decision: Decision) -> tuple[Any, ...]:
    return decision.verdict, decision.sounds, decision.start, decision.end


def test_a_border_is_dragged(browser: Any, served: tuple[str, Path]) -> None:
    address, journal = served
    page = open_page(browser, address)
    wait_until(page, "document.querySelector('#playhead').hidden === false")
    event = current(page)
    box = page.locator("#timeline").bounding_box()
    handle = page.locator("#to").bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    seconds_a_pixel = (event["end"] + 4 - 0) / box["width"]  # the span: 4 s more on both sides, from 0 on
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 20, y, steps=4)
    page.mouse.move(x - 60, y, steps=4)
    page.mouse.up()
    wait_until(page, "review.state.revision === 1")
    [row] = rows(journal)
    assert (row.action, row.verdict) == ("move", "accepted")
    assert row.start == event["start"]
    assert row.end == pytest.approx(event["end"] - 60 * seconds_a_pixel, abs=2 * seconds_a_pixel)
    handle = page.locator("#from")  # as a slider by keys
    handle.focus()
    press(page, "ArrowRight", "Shift+ArrowRight")
    settle(page)
    assert rows(journal)[-1].start == pytest.approx(event["start"] + 0.11, abs=1e-6)
    drawn = f"Math.abs(document.getElementById('from').ariaValueNow - {event['start'] + 0.11}) < 1e-3"
    wait_until(page, drawn)  # with the next frame
    press(page, "u", "u", "u")
    settle(page)
    wait_until(page, f"review.state.events.get('{event['event_id']}').end === {event['end']}")
    assert read_review(journal) == {}
    assert page.problems == []


def test_split_merge_undo_and_redo(browser: Any, served: tuple[str, Path]) -> None:
    address, journal = served
    page = open_page(browser, address)
    first = current(page)
    press(page, "s")
    settle(page)
    halves = page.evaluate("review.state.shown.slice(0, 3)")
    assert halves == [first["event_id"], f"{first['event_id']}+2", "film0/00002-1"]
    review = read_review(journal)
    middle = (first["start"] + first["end"]) / 2
    assert review[halves[0]].end == review[halves[1]].start == pytest.approx(middle)
    press(page, "u")
    wait_until(page, "review.state.shown.length === 60")
    press(page, "r")
    wait_until(page, "review.state.shown.length === 61")
    press(page, "u", "m")  # at once: the part that the undo removes is not what is merged with
    settle(page)
    wait_until(page, "review.state.shown.length === 60")
    review = read_review(journal)
    assert review["film0/00001-1"].end == first["end"] + SPACING
    assert review["film0/00001-1"].sounds == ("bark", "slam")
    assert review["film0/00002-1"].verdict == "rejected"
    assert page.inner_text("#done").startswith("2 of 60")
    assert page.problems == []


def test_two_browsers_lose_no_decision(browser: Any, served: tuple[str, Path]) -> None:
    address, journal = served
    pages = [open_page(browser, address) for _ in range(2)]
    for page, name in zip(pages, ("ada", "ben"), strict=True):
        page.fill("#reviewer", name)
        press(page, "Enter")
        page.locator("#rows").focus()
    for _ in range(20):  # both on the same events: one labels, the other moves and accepts
        pages[0].evaluate("document.activeElement.blur()")
        press(pages[0], "l")
        pages[0].keyboard.type("rin")
        press(pages[0], "Enter", "Enter", "j")
        press(pages[1], "]", "Enter")
    for page in pages:
        settle(page)
    review = read_review(journal)
    assert len(review) == 20
    for number in range(20):
        decision = review[f"film0/{number + 1:05d}-1"]
        assert decision.start == pytest.approx(SPACING * number + 1.1)
        assert decision.sounds == ("ring",)
    by_reviewer = {name: [row for row in rows(journal) if row.reviewer == name] for name in ("ada", "ben")}
    assert len({row.event_id for row in by_reviewer["ada"]}) == 20
    assert len(by_reviewer["ben"]) == 40
    for page in pages:  # each sees what the other did
        wait_until(page, f"review.state.revision === {len(rows(journal))}")
        values = page.evaluate("['film0/00007-1'].map((id) => review.state.events.get(id))")[0]
        assert (values["sounds"], values["start"]) == (["ring"], pytest.approx(SPACING * 6 + 1.1))
        assert page.problems == []


def test_five_thousand_events_scroll_smoothly(browser: Any, tmp_path: Path) -> None:
    with serving("review", write_events(tmp_path, 5000)) as printed:
        page = open_page(browser, printed["review"]["address"])
        page.wait_for_timeout(500)
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        before = main_thread_ms(devtools)
        found = page.evaluate(
            """async () => {
              const view = document.querySelector("#rows");
              const bottom = view.scrollHeight - view.clientHeight;
              const frames = [];
              review.list.worst = 0;
              let last = await new Promise(requestAnimationFrame);
              for (let step = 0; step <= 240; step += 1) {
                view.scrollTop = (bottom * step) / 240;
                const now = await new Promise(requestAnimationFrame);
                frames.push(now - last);
                last = now;
              }
              const count = (selector) => document.querySelectorAll(selector).length;
              return {frames, worst: review.list.worst, nodes: count(".item"), all: count("*"),
                last: document.querySelector("#row-4999 small").textContent};
            }"""
        )
        spent = (main_thread_ms(devtools) - before) / len(found["frames"])
        frames = sorted(found["frames"])
        median = frames[len(frames) // 2]
        print(  # noqa: T201
            f"{len(frames)} frames: median {median:.1f} ms, 95 % under {frames[228]:.1f} ms,"
            f" {1000 * len(frames) / sum(frames):.0f} frames/s; {spent:.1f} ms of processor time a frame;"
            f" {found['nodes']} rows in the document"
        )
        assert found["nodes"] < 60
        assert found["all"] < 800
        assert found["last"].startswith("film49")
        assert spent < 1000 / 60  # of the page's thread; frames come later than that on a busy machine
        assert page.inner_text("#count") == "5000 of 5000"
        press(page, "f")
        page.select_option("#by-sound", "slam")
        assert page.inner_text("#count") == "1000 of 5000"
        page.fill("#by-conf", "50")
        page.fill("#by-words", "film49")
        assert int(page.inner_text("#count").split()[0]) < 1000
        assert page.problems == []


@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "light"), (390, "dark"), (1400, "light"), (1400, "dark")]
)
def test_the_page_fits_and_every_control_has_a_name(
    browser: Any, served: tuple[str, Path], width: int, scheme: str
) -> None:
    page = open_page(browser, served[0], width, 844, color_scheme=scheme)
    elsewhere = []
    page.on("request", lambda request: elsewhere.append(request.url))
    page.reload()
    wait_until(page, "document.querySelector('#playhead').hidden === false")
    press(page, "Enter", "x", "?")
    page.wait_for_selector("#help[open]")
    assert "accept, next event" in page.inner_text("#keys")
    press(page, "Escape")
    page.wait_for_timeout(300)
    screenshot(page, f"review-{width}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, textarea, [role=slider]")]
          .filter((one) => !(one.textContent.trim() || one.getAttribute("aria-label") || one.labels?.length))
          .map((one) => one.outerHTML)"""
    )
    assert nameless == []
    assert all(url.startswith(served[0]) for url in elsewhere)
    assert page.problems == []


def test_a_lost_server_is_reported(browser: Any, tmp_path: Path) -> None:
    events = write_events(tmp_path, 3)
    with serving("review", events) as printed:
        page = open_page(browser, printed["review"]["address"])
    press(page, "Enter")
    wait_until(page, "document.querySelector('#status').className.includes('bad-news')")
    assert "does not respond" in page.inner_text("#status")


def test_a_dataset_that_is_moved_is_reported_until_it_is_back(browser: Any, tmp_path: Path) -> None:
    events = write_events(tmp_path, 3)
    with serving("review", events) as printed:
        page = open_page(browser, printed["review"]["address"])
        events.rename(tmp_path / "elsewhere")
        press(page, "Enter")
        wait_until(page, "document.querySelector('#status').className.includes('bad-news')")
        assert f"`{events}` was moved while it was reviewed" in page.inner_text("#status")
        screenshot(page, "review-moved")
        assert page.inner_text("#done").startswith("0 of 3")
        (tmp_path / "elsewhere").rename(events)
        press(page, "Enter")
        wait_until(page, "document.querySelector('#done').textContent.startsWith('1 of 3')")
        wait_until(page, "!document.querySelector('#status').className.includes('bad-news')")
    assert [row.action for row in read_decisions(events / "review.parquet")] == ["accept"]


@pytest.mark.parametrize(("width", "scheme"), [(1400, "dark"), (390, "light")])
def test_captions_are_edited_by_keyboard_and_written(
    browser: Any, tmp_path: Path, width: int, scheme: str
) -> None:
    film, folder = tmp_path / "film.mp4", tmp_path / "captions"
    frames = (square(0, step) for step in range(8 * 13))
    write_film(film, FilmSettings(fps=8, sample_rate=RATE), frames=frames, audio=[class_tone("low", 13.0, 0)])
    write_captioned_film(folder, str(film))
    with serving("review", folder) as printed:
        page = open_page(browser, printed["review"]["address"], width, color_scheme=scheme)
        wait_until(page, "!document.querySelector('#clock').textContent.startsWith('loading')")
        press(page, "l")
        page.keyboard.type("[dog growls]")
        press(page, "Enter", "j", "x", ".")
        settle(page)
        wait_until(page, "document.querySelector('#done').textContent.startsWith('3 of 3')")
        assert not page.is_visible("#by-sound")  # captions have no classes
        page.wait_for_timeout(500)
        screenshot(page, f"review-captions-{width}-{scheme}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.problems == []
    assert run_avtool("review", "captions", folder, "--out", tmp_path / "out").code == 0
    for suffix in ("vtt", "srt"):
        cues = read_captions(tmp_path / "out" / f"film.en-sdh.{suffix}").cues
        assert [(cue.start_ms, cue.end_ms, cue.text) for cue in cues] == [
            (1000, 2500, "[dog growls]"), (4000, 6000, "Who is there?"), (10000, 11600, "[bell rings]"),
        ]  # fmt: skip
