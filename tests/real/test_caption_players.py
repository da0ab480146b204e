"""Caption files and their preview in real players: FFmpeg, and a browser where there is one."""

import re
import shutil
import subprocess
from pathlib import Path

import av
import pytest

from avtool.captioning.event import SoundEvent
from avtool.captioning.plan import plan_captions
from avtool.captioning.preview.page import write_preview
from avtool.captioning.style import load_style
from avtool.captioning.writing import write_plan
from avtool.core.reporter import Silent
from avtool.media.captions.reading import read_captions

HEARD = [
    SoundEvent(1.0, 1.2, "door slams & shuts", 0.9),
    SoundEvent(1.3, 2.0, "dog barks", 0.8),
    SoundEvent(4.0, 4.2, "glass shatters", 0.7),
]
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def film(test_data: Path) -> Path:
    return test_data / "video" / "his_girl_friday_6s.mp4"


@pytest.fixture
def dialogue(film: Path):
    return read_captions(film.with_suffix(".en.vtt"), keep_rows=True)


@pytest.mark.parametrize("format_", ["vtt", "srt"])
def test_ffmpeg_reads_every_cue(tmp_path, dialogue, format_):
    plan = plan_captions(HEARD, load_style("netflix"), dialogue, 6.0)
    (path,) = write_plan(plan, tmp_path / "film", [format_], dialogue=dialogue, srt_position=True)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux() if packet.size]
    starts = [round(1000 * packet.pts * packet.time_base) for packet in packets]
    assert starts == [cue.start_ms for cue in plan.cues]
    assert [round(1000 * packet.duration * packet.time_base) for packet in packets] == [
        cue.end_ms - cue.start_ms for cue in plan.cues
    ]


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine")
@pytest.mark.parametrize("inside", [True, False])
def test_a_browser_loads_every_cue_of_the_track(tmp_path, film, dialogue, inside, monkeypatch):
    if not inside:
        monkeypatch.setattr("avtool.captioning.preview.page._LARGEST_INSIDE", 0)
    plan = plan_captions(HEARD, load_style("netflix"), dialogue, 6.0)
    assert len(plan.cues) > len(dialogue.cues)
    page = tmp_path / "preview.html"
    write_preview(page, plan, 6.0, film=film, reporter=Silent())
    dumped = tmp_path / "dump.html"
    with dumped.open("w") as out:
        subprocess.run(
            [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=8000",
             f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()],
            stdout=out, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=120, check=True,
        )  # fmt: skip
    found = re.search(r'data-cues="(\d+)"', dumped.read_text())
    assert found is not None
    assert int(found[1]) == len(plan.cues)
    assert 'id="unplayable" hidden' in dumped.read_text()
