"""Event timelines as files: CSV, JSON, WebVTT, label tracks of Audacity; DCASE's scores over time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from avtool.core.errors import CorruptArtifactError
from avtool.core.files import write_csv, write_json, write_text
from avtool.inference.events import Event
from avtool.media.captions.cue import Cue
from avtool.media.captions.writing import write_captions

SCORES = "scores"
"""The folder of scores over time in a `predictions` artifact."""


def write_timelines(
    folder: Path, events: Mapping[str, Sequence[Event]], stems: Mapping[str, str], formats: Iterable[str]
) -> None:
    """Writes the events of files.

    Args:
        folder: the artifact being built: `events.csv`, `events.json`, and a file each in `events/`.
        events: by file.
        stems: the name of each file's own timeline, without a suffix.
        formats: which to write.
    """
    formats = set(formats)
    if "csv" in formats:
        rows = [
            [name, f"{event.start:.3f}", f"{event.end:.3f}", event.label, f"{event.score:.4f}"]
            for name, found in events.items()
            for event in found
        ]
        write_csv(folder / "events.csv", ["file", "start", "end", "label", "score"], rows)
    if "json" in formats:
        files = [
            {"file": name, "events": [_rounded(event) for event in found]} for name, found in events.items()
        ]
        write_json(folder / "events.json", {"schema_version": 1, "files": files})
    if formats & {"vtt", "audacity"}:
        (folder / "events").mkdir(exist_ok=True)
    for name, found in events.items():
        if "vtt" in formats:
            write_captions(map(_cue, found), folder / "events" / f"{stems[name]}.vtt")
        if "audacity" in formats:
            text = "".join(f"{event.start:.6f}\t{event.end:.6f}\t{_flat(event.label)}\n" for event in found)
            write_text(folder / "events" / f"{stems[name]}.txt", text)


def write_scores(path: Path, labels: Sequence[str], frames: Sequence[Sequence[float]]) -> None:
    """Writes the scores of a file over time: onset, offset and a column a class, divided by tabs."""
    rows = ["\t".join(["onset", "offset", *map(_flat, labels)])]
    rows += [
        "\t".join([f"{begin:.6f}", f"{end:.6f}", *(f"{value:.6g}" for value in values)])
        for begin, end, *values in frames
    ]
    write_text(path, "\n".join(rows) + "\n")


def read_scores(path: Path) -> tuple[list[str], list[list[float]]]:
    """The classes, and the rows (onset, offset, scores), that `write_scores` has written.

    Raises:
        CorruptArtifactError: the file is damaged.
    """
    try:
        header, *rows = path.read_text(encoding="utf-8").splitlines()
        values = [[float(cell) for cell in row.split("\t")] for row in rows]
        _, _, *labels = header.split("\t")
    except (ValueError, OSError) as error:
        raise CorruptArtifactError(f"`{path}` is damaged ({error})", "predict the file again") from error
    if not values or any(len(row) != len(labels) + 2 for row in values):
        raise CorruptArtifactError(f"`{path}` lacks scores", "predict the file again")
    return labels, values


def _rounded(event: Event) -> dict[str, object]:
    values = asdict(event)
    return {
        **values,
        "start": round(event.start, 3),
        "end": round(event.end, 3),
        "score": round(event.score, 4),
    }


def _cue(event: Event) -> Cue:
    begin = round(1000 * event.start)
    return Cue(begin, max(begin + 1, round(1000 * event.end)), (f"[{_flat(event.label)}]",))


def _flat(label: str) -> str:
    return " ".join(label.split())
