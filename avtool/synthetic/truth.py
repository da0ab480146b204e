"""The ground truth of a synthetic film on disk: a table of its events, and everything else as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from avtool.core.files import write_csv
from avtool.media.captions.cue import Cue
from avtool.synthetic.captions import CaptionStyle
from avtool.synthetic.distort import Distortion
from avtool.synthetic.script import Event, Script

_COLUMNS = ("start", "end", "kind", "label", "tag", "sound", "source", "quality", "gain_db")


def captioned_events(script: Script, style: CaptionStyle) -> list[Event]:
    """The events that a reader of the captions can recover: two notes do not describe the music."""
    return [
        replace(event, tag=style.note * 2, source="", quality="")
        if event.kind == "music" and style.bare_music
        else event
        for event in script.events
    ]


def write_events(path: Path, events: Sequence[Event]) -> None:
    """Writes the table of events; times in seconds of film time."""
    rows = ([getattr(event, column) for column in _COLUMNS] for event in events)
    cells = ([f"{value:.4f}" if isinstance(value, float) else value for value in row] for row in rows)
    write_csv(path, _COLUMNS, cells)


def truth_of(
    script: Script, events: Sequence[Event], cues: Sequence[tuple[Cue, Cue | None]], distortion: Distortion,
    settings: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Everything that is known of a film, as JSON values.

    Args:
        script: the film on paper.
        events: as `captioned_events` gives them.
        cues: every cue in film time, with the same cue in caption time or None where it was cut out.
        distortion: what was done to the captions.
        settings: what the film was made with.
    """
    return {
        "title": script.title,
        "seconds": script.seconds,
        "settings": settings,
        "distortion": asdict(distortion),
        "time_map": distortion.time_map(script.seconds).to_dict(),
        "scenes": [asdict(scene) for scene in script.scenes],
        "events": [asdict(event) for event in events],
        "utterances": [asdict(line) for line in script.utterances],
        "traps": [asdict(trap) for trap in script.traps],
        "cues": [
            {
                "text": cue.text,
                "start_ms": cue.start_ms,
                "end_ms": cue.end_ms,
                "caption_start_ms": None if moved is None else moved.start_ms,
            }
            for cue, moved in cues
        ],
    }
