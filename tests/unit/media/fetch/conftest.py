import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.media.fetch.fetch_web import Run, Web, make_film, serving


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as web:
        yield web
    gc.collect()  # yt-dlp leaves the connection and the open file of a failed download to the collector


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))


@pytest.fixture(scope="session")
def film() -> bytes:
    return make_film()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "films")
