"""Sounds merged into real dialogue files: no text and no time of any dialogue changes."""

import random
import re
from pathlib import Path

import pytest

from avtool.captioning.event import SoundEvent
from avtool.captioning.plan import plan_captions
from avtool.captioning.style import load_style
from avtool.captioning.writing import write_plan
from avtool.core.errors import AvtoolError
from avtool.media.captions.cue import Captions
from avtool.media.captions.decoding import decode
from avtool.media.captions.reading import read_captions

SOUND = re.compile(r"[\[\](){}♪#*<（［]")
PHRASES = ["door slams", "dog barks", "rain falls", "glass shatters", "bell rings", "thunder rumbles"]
FEWEST_DIALOGUES = 60
LATEST_MS = 300_000_000  # some files try clocks of thousands of hours


def sounds(captions: Captions) -> list[SoundEvent]:
    """Sounds before, inside and after a fifth of the dialogue, the same for the same file."""
    chance = random.Random(len(captions.cues))
    found = []
    for cue in captions.cues:
        if cue.end_ms < LATEST_MS and (chance.random() < 0.2 or len(captions.cues) < 10):
            start = max(0.0, cue.start_ms / 1000 + chance.uniform(-2, 2))
            found.append(
                SoundEvent(start, start + chance.uniform(0, 3), chance.choice(PHRASES), chance.random())
            )
    return found


@pytest.fixture(scope="module")
def files(test_data: Path) -> dict[Path, Captions]:
    """All caption files that can be read, but for those with over 2,000 cues."""
    found = {}
    for path in sorted(file for file in (test_data / "captions").rglob("*") if file.is_file()):
        if path.suffix in {".mkv", ".m3u8"}:
            continue
        try:
            captions = read_captions(path, fps=25.0, keep_rows=True)
        except AvtoolError:
            continue
        if 0 < len(captions.cues) <= 2000:
            found[path] = captions
    return found


def test_dialogue_is_passed_on_whole(files, tmp_path):
    style = load_style("netflix")
    num_pure, num_sounds = 0, 0
    for path, dialogue in files.items():
        plan = plan_captions(sounds(dialogue), style, dialogue)
        num_pure += not any(SOUND.search(cue.text) for cue in dialogue.cues)
        num_sounds += len(plan.sound)
        formats = [dialogue.format] if dialogue.format in ("srt", "vtt") else ["vtt", "srt"]
        for written in write_plan(plan, tmp_path / "merged", formats, dialogue=dialogue, srt_position=True):
            again = read_captions(written, keep_rows=True)
            assert len(again.cues) == len(dialogue.cues) + len(plan.sound), path
            sound = {(cue.start_ms, cue.end_ms, cue.lines) for cue in plan.sound}
            spoken = [cue for cue in again.cues if (cue.start_ms, cue.end_ms, cue.lines) not in sound]
            for before, after in zip(dialogue.cues, spoken, strict=True):
                assert (after.start_ms, after.end_ms) == (before.start_ms, before.end_ms), path
                assert after.lines[len(after.lines) - len(before.lines) :] == before.lines, path
                if written.suffix == f".{dialogue.format}":
                    assert after.markup.endswith(before.markup), path
    assert num_pure >= FEWEST_DIALOGUES
    assert num_sounds >= len(files)


def text_lines(text: str) -> list[str]:
    """The lines below time lines up to the next blank line, as a file has them."""
    found, inside = [], False
    for line in text.split("\n"):
        if "-->" in line:
            inside = True
        elif not line.strip():
            inside = False
        elif inside:
            found.append(line)
    return found


def test_each_byte_of_dialogue_text_of_the_films_is_there(files, tmp_path):
    """The same without our parser: the dialogue's lines are lines of the merged file, in their order."""
    films = {path: dialogue for path, dialogue in files.items() if path.parent.name in {"films", "sdh_cues"}}
    num_compared = 0
    for path, dialogue in films.items():
        if dialogue.format not in ("srt", "vtt"):
            continue
        plan = plan_captions(sounds(dialogue), load_style("netflix"), dialogue)
        (written,) = write_plan(
            plan, tmp_path / "merged", [dialogue.format], dialogue=dialogue, srt_position=True
        )
        lines = iter(written.read_text(encoding="utf-8").split("\n"))
        for line in text_lines(decode(path.read_bytes(), str(path)).text):
            assert any(line == other for other in lines), (path, line)
            num_compared += 1
    assert num_compared > 500
