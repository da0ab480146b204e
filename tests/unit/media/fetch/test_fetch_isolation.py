"""Nothing of the user's own yt-dlp is read, and nothing is sent that was not asked for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from avtool.core.errors import BadInputError
from tests.unit.media.fetch.fetch_web import Run, Web

COOKIES = "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t4102444800\tname\tvalue\n"


def test_no_cookies_are_sent_unless_given(run: Run, web: Web, film: bytes, tmp_path: Path) -> None:
    address = web.put("/film.mp4", film)
    run(address, captions="none")
    assert set(web.cookies) == {""}
    jar = tmp_path / "cookies.txt"
    jar.write_text(COOKIES, encoding="utf-8")
    run(address, captions="none", cookies=jar, overwrite=True)
    assert web.cookies[-1] == "name=value"
    assert jar.read_text(encoding="utf-8") == COOKIES


@pytest.mark.parametrize("content", [None, b"not a cookie file", b"\xff\xfe\x00"])
def test_a_bad_cookie_file_is_named(run: Run, tmp_path: Path, content: bytes | None) -> None:
    jar = tmp_path / "cookies.txt"
    if content is not None:
        jar.write_bytes(content)
    with pytest.raises(BadInputError, match=r"cannot read the cookies in `.*cookies\.txt`"):
        run("https://example.org/film.mp4", cookies=jar)


def test_settings_and_plugins_of_the_users_yt_dlp_are_left_alone(
    tmp_path: Path, web: Web, film: bytes
) -> None:
    mark = tmp_path / "mark"
    settings = tmp_path / "yt-dlp"
    plugin = settings / "plugins" / "mine" / "yt_dlp_plugins" / "extractor" / "mine.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(f"open({str(mark)!r}, 'w').close()\n", encoding="utf-8")
    (settings / "config").write_text(f"-o {tmp_path}/elsewhere.mp4\n--write-info-json\n", encoding="utf-8")
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from avtool.core.reporter import Silent\n"
        "from avtool.media.fetch.fetch import fetch\n"
        "from avtool.media.fetch.recipe import FetchRecipe\n"
        "fetch([sys.argv[1]], Path(sys.argv[2]), FetchRecipe(captions='none', sleep=0), Silent())\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, web.put("/film.mp4", film), str(tmp_path / "films")],
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)},
        check=True,
    )
    assert not mark.exists()
    assert {path.suffix for path in (tmp_path / "films").iterdir()} == {".mp4", ".csv", ".txt"}
    assert {path.name for path in tmp_path.iterdir()} == {"yt-dlp", "films"}
