"""Streams in segments (HLS), with captions, and with picture and sound apart."""

from pathlib import Path

import av
import pytest

from avtool.core.errors import BadInputError
from avtool.media.fetch.media import duration_of, join_streams
from tests.unit.media.fetch.fetch_web import Run, Web, make_film

MASTER = """#EXTM3U
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="English",LANGUAGE="en",URI="subs/en.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="English SDH",LANGUAGE="en",URI="subs/en_sdh.m3u8"
"""
APART = """#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="English",DEFAULT=YES,LANGUAGE="en",URI="sound.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=64x48,CODECS="mp4v.20.9,mp4a.40.2",AUDIO="sound",SUBTITLES="subs"
picture.m3u8
"""
TOGETHER = """#EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=640x480,SUBTITLES="subs"
small.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=1920x1080,SUBTITLES="subs"
large.m3u8
"""


def segments(*names: str) -> str:
    lines = "".join(f"#EXTINF:1.0,\n{name}\n" for name in names)
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n{lines}#EXT-X-ENDLIST\n"


def put_captions(web: Web) -> None:
    for name in ("en", "en_sdh"):
        web.put(f"/subs/{name}.m3u8", segments(f"{name}0.vtt", f"{name}1.vtt"))
        for second in (0, 1):
            head = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n"
            cue = f"00:0{second}.200 --> 00:0{second}.700\n[{name} {second}]\n"
            web.put(f"/subs/{name}{second}.vtt", f"{head}\n{cue}")


@pytest.fixture
def together(web: Web) -> str:
    """A stream of two qualities with two caption tracks; its segments begin at second 10."""
    put_captions(web)
    for name in ("small", "large"):
        web.put(f"/{name}.m3u8", segments(f"{name}0.ts", f"{name}1.ts"))
        for second in (0, 1):
            web.put(f"/{name}{second}.ts", make_film(container="mpegts", start=10 + second))
    return web.put("/film.m3u8", MASTER + TOGETHER)


@pytest.fixture
def apart(web: Web) -> str:
    """The same with picture and sound in streams of their own."""
    put_captions(web)
    for name, kind in (("picture", "audio"), ("sound", "video")):
        web.put(f"/{name}.m3u8", segments(f"{name}0.ts", f"{name}1.ts"))
        for second in (0, 1):
            part = make_film(container="mpegts", start=10 + second, **{kind: False})
            web.put(f"/{name}{second}.ts", part)
    return web.put("/film.m3u8", MASTER + APART)


def test_a_stream_with_its_captions_for_the_deaf(run: Run, together: str) -> None:
    row = run(together).rows[0]
    captions = (run.folder / row.captions).read_text(encoding="utf-8")
    assert "[en_sdh 0]" in captions
    assert "[en_sdh 1]" in captions
    assert "MPEGTS:900000" in captions
    assert row.duration == pytest.approx(2.0, abs=0.2)


def test_the_quality_below_the_height_asked_for_is_taken(run: Run, web: Web, together: str) -> None:
    run(together, max_height=720)
    assert not [path for path, _ in web.asked if path in {"/large0.ts", "/large1.ts"}]


def test_the_best_quality_is_taken_where_it_is_allowed(run: Run, web: Web, together: str) -> None:
    run(together, max_height=1080)
    assert not [path for path, _ in web.asked if path in {"/small0.ts", "/small1.ts"}]


def test_picture_and_sound_are_merged_without_a_program(
    run: Run, apart: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    row = run(apart).rows[0]
    with av.open(str(run.folder / row.film)) as film:
        assert film.format.name.startswith("mov,mp4")
        assert float(film.start_time / av.time_base) == pytest.approx(10.0, abs=0.1)  # as the captions count
        assert sum(1 for _ in film.decode(video=0)) == 20
    with av.open(str(run.folder / row.film)) as film:
        assert sum(frame.samples for frame in film.decode(audio=0)) >= 2 * 16000
    assert {path.name for path in run.folder.iterdir()} == {
        row.film,
        row.captions,
        "films.csv",
        "archive.txt",
    }


def test_a_stream_is_continued_at_the_segment_where_it_broke(run: Run, web: Web, together: str) -> None:
    second = web.files.pop("/small1.ts")
    assert [failure.reason for failure in run(together).failed] == ["HTTP Error 404: Not Found"]
    asked = len(web.asked)
    web.files["/small1.ts"] = second
    assert len(run(together).rows) == 1
    again = [path for path, _ in web.asked[asked:]]
    assert "/small1.ts" in again
    assert "/small0.ts" not in again


def test_a_missing_segment_is_a_failure_and_not_a_hole(run: Run, web: Web, together: str) -> None:
    del web.files["/small0.ts"]
    result = run(together)
    assert [failure.reason for failure in result.failed] == ["HTTP Error 404: Not Found"]
    assert result.rows == ()


def test_segments_on_this_machine_are_not_read(run: Run, web: Web, tmp_path: Path, film: bytes) -> None:
    secret = tmp_path / "secret.ts"
    secret.write_bytes(film)
    address = web.put("/film.m3u8", segments(secret.as_uri()))
    result = run(address, captions="none")
    assert len(result.failed) == 1
    assert not [path for path in run.folder.iterdir() if film in path.read_bytes()]


@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_joined_streams_keep_their_times(tmp_path: Path, container: str) -> None:
    picture, sound, target = (tmp_path / name for name in ("v.ts", "a.ts", f"film.{container}"))
    picture.write_bytes(make_film(audio=False, container="mpegts", start=3))
    sound.write_bytes(make_film(video=False, container="mpegts", start=3))
    join_streams([picture, sound], target)
    with av.open(str(target)) as film:
        assert next(film.decode(video=0)).time == pytest.approx(3.0, abs=0.01)
        film.seek(0)
        assert next(film.decode(audio=0)).time == pytest.approx(3.0, abs=0.07)  # AAC begins with a block more
    assert duration_of(target) == pytest.approx(1.0, abs=0.1)


def test_a_stream_whose_times_jump_back_is_refused(tmp_path: Path) -> None:
    part, target = tmp_path / "v.ts", tmp_path / "film.mp4"
    jump = make_film(2, container="mpegts", start=30) + make_film(2, container="mpegts", start=3)
    part.write_bytes(jump)
    with pytest.raises(BadInputError, match="jump back"):
        join_streams([part], target)
    assert [path.name for path in tmp_path.iterdir()] == ["v.ts"]


def test_the_length_of_what_is_no_film(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_text("no film", encoding="utf-8")
    with pytest.raises(BadInputError):
        duration_of(tmp_path / "film.mp4")
