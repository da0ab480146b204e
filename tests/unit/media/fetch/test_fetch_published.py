"""Published films and streams, served on this machine."""

from pathlib import Path

import av
import pytest

from tests.unit.media.fetch.fetch_web import Run, Web


def test_a_published_film_with_the_captions_beside_it(run: Run, web: Web, test_data: Path) -> None:
    for name in ("his_girl_friday_6s.mp4", "his_girl_friday_6s.en.vtt"):
        web.put(f"/{name}", (test_data / "video" / name).read_bytes())
    row = run(f"{web.address}/his_girl_friday_6s.mp4").rows[0]
    assert (row.caption_kind, row.language) == ("human", "en")
    assert row.duration == pytest.approx(6.0, abs=0.2)


def test_a_published_stream_with_its_caption_segments(run: Run, web: Web, test_data: Path) -> None:
    folder = test_data / "video" / "hls_tears_of_steel"
    for path in folder.iterdir():
        web.put(f"/{path.name}", path.read_bytes())
    for name in ("playlist-video.m3u8", "playlist-vtt.m3u8"):  # the copy ends where the picture changes
        begin, _, _ = (folder / name).read_text(encoding="utf-8").partition("#EXT-X-DISCONTINUITY\n")
        web.put(f"/{name}", begin + "#EXT-X-ENDLIST\n")
    row = run(f"{web.address}/index.m3u8").rows[0]
    assert row.language == "en-US"
    assert "-->" in (run.folder / row.captions).read_text(encoding="utf-8")
    assert row.duration == pytest.approx(5.6, abs=0.2)
    with av.open(str(run.folder / row.film)) as film:
        assert film.streams.video[0].codec_context.name == "h264"
        assert film.streams.audio[0].codec_context.name == "aac"
