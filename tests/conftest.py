"""Fixtures of every test."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.chromium import browser  # noqa: F401 - a fixture

# Tests run side by side: more threads than one each would only fight. Set before anything loads torch.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell ignores SIGINT in what it starts in the background, and programs that tests start inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine with much other work draws examples slowly, which is no failure of what is tested.
settings.register_profile("avtool", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("avtool")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real test data, or a skip that says where it was looked for."""
    folder = Path(os.environ.get("AVTOOL_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real test data at {folder}: set AVTOOL_TEST_DATA")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of the session's own: tests neither read nor fill the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVTOOL_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, for tests of what is kept between runs."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("AVTOOL_CACHE_DIR", str(folder))
    return folder
