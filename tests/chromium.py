"""Fixtures of tests in a browser: the Chromium of this machine, driven by Playwright."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.harness import AVTOOL, environment

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_chromium() -> str | None:
    """The browser's program: `AVTOOL_CHROMIUM`, or the first of its usual names on the path."""
    given = os.environ.get("AVTOOL_CHROMIUM")
    return given or next((path for name in _NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium (`playwright.sync_api.Browser`), or a skip with the reason."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (extra dev)")
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium on this machine: install it, or set AVTOOL_CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@contextmanager
def serving(*arguments: object, **variables: str) -> Iterator[dict[str, Any]]:
    """Runs a command line that serves a page; what it prints under `--json` while it serves.

    The process ends by SIGINT, and must end with exit code 0.
    """
    command = [*AVTOOL, *map(str, arguments), "--json", "--no-open", "--no-progress", "-q"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(**variables))
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"{command} ended with {process.wait(30)}"
        yield json.loads(line) | {"pid": process.pid}
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        code = process.wait(60)
        process.stdout.close()
    assert code == 0


def screenshot(page: Any, name: str) -> None:
    """Keeps a screenshot of the page in the folder `AVTOOL_SCREENSHOTS`, where that is set."""
    if folder := os.environ.get("AVTOOL_SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def wait_until(page: Any, expression: str, seconds: float = 30) -> None:
    """Waits until an expression of JavaScript is true.

    Playwright's own `wait_for_function` needs `eval`, which a strict Content Security Policy refuses.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(f"Boolean({expression})"):
        assert time.monotonic() < end, f"not true after {seconds:g} s: {expression}"
        page.wait_for_timeout(30)
