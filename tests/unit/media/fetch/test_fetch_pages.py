"""Pages and feeds with several films."""

from tests.unit.media.fetch.fetch_web import VTT, Run, Web


def feed(web: Web, count: int) -> str:
    items = "".join(
        f"<item><title>Film {number}</title><link>{web.address}/f{number}.mp4</link></item>"
        for number in range(count)
    )
    return web.put("/feed.xml", f"<?xml version='1.0'?><rss version='2.0'><channel>{items}</channel></rss>")


def test_a_feed_is_bounded_and_a_bad_film_in_it_does_not_stop_it(run: Run, web: Web, film: bytes) -> None:
    address = feed(web, 6)
    for number in (0, 2, 3, 4, 5):
        web.put(f"/f{number}.mp4", film)
    web.put("/f0.vtt", VTT)
    web.put("/f3.vtt", VTT)
    result = run(address, max_films=4)
    assert [row.title for row in result.rows] == ["Film 0", "Film 3"]
    assert [failure.url for failure in result.failed] == [f"{web.address}/f1.mp4"]
    assert [skipped.url for skipped in result.skipped] == [f"{web.address}/f2.mp4"]
    assert not [path for path, _ in web.asked if path in {"/f4.mp4", "/f5.mp4"}]


def test_a_feed_fetched_again_adds_only_what_is_new(run: Run, web: Web, film: bytes) -> None:
    address = feed(web, 2)
    web.put("/f0.mp4", film)
    assert len(run(address, captions="none").rows) == 1
    web.put("/f1.mp4", film)
    again = run(address, captions="none")
    assert (again.archived, [row.title for row in again.rows]) == (1, ["Film 1"])


def test_an_empty_feed_is_told(run: Run, web: Web) -> None:
    address = feed(web, 0)
    assert [failure.url for failure in run(address).failed] == [address]


def page(web: Web, name: str) -> str:
    videos = "".join(
        f"<video><source src='{name}{number}.mp4' type='video/mp4'>"
        f"<track kind='captions' srclang='{language}' label='{language}' src='{name}{number}.vtt'></video>"
        for number, language in enumerate(("en", "de"))
    )
    return web.put(
        f"/{name}/page.html", f"<html><head><title>Films</title></head><body>{videos}</body></html>"
    )


def test_pages_of_one_name_with_several_films_do_not_collide(run: Run, web: Web, film: bytes) -> None:
    addresses = [page(web, "a"), page(web, "b")]
    for name in ("a", "b"):
        for number in (0, 1):
            web.put(f"/{name}/{name}{number}.mp4", film)
            web.put(f"/{name}/{name}{number}.vtt", VTT)
    result = run(*addresses)
    assert [row.url for row in result.rows] == addresses
    assert len({row.film for row in result.rows}) == 2
    assert [skipped.url for skipped in result.skipped] == addresses  # the films with German captions
