"""The contents of a path: an artifact, a film, or captions."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from avtool.core.artifact import CARD, read_artifact, verify
from avtool.core.artifact_folder import partial_folder
from avtool.core.errors import AvtoolError, BadInputError, CorruptArtifactError
from avtool.training.progress import is_run, read_progress

_LAST = 10
"""Validations of an unfinished run that are listed."""


@dataclass(frozen=True)
class Shown:
    """What was found: its kind, facts by name, and rows of parts (streams, files, cues)."""

    kind: str
    facts: dict[str, Any]
    columns: list[str]
    rows: list[list[Any]]
    problems: list[str]


def show(path: Path) -> Shown:
    """Looks at a path by its content.

    Raises:
        BadInputError: there is nothing there, or nothing that avtool understands.
    """
    partial = partial_folder(path)
    if path.is_dir():
        return _show_run(path) if is_run(path) else _show_folder(path)
    if not path.exists() and is_run(partial):
        return _show_run(partial)
    if not path.exists():
        hint = f"`{partial}` is an unfinished run: give its command again" if partial.exists() else ""
        raise BadInputError(f"`{path}` does not exist", hint)
    if not path.is_file():
        raise BadInputError(f"`{path}` is no regular file", "give a file or a folder")
    try:
        return _show_captions(path)
    except AvtoolError as no_captions:
        try:
            return _show_media(path)
        except AvtoolError as no_media:
            message = f"`{path}` is neither a film ({no_media.message}) nor captions ({no_captions.message})"
            raise BadInputError(message) from no_media


def _show_folder(folder: Path) -> Shown:
    if not (folder / CARD).is_file():
        raise BadInputError(
            f"`{folder}` is not an avtool artifact (no {CARD})", "give a folder that avtool wrote"
        )
    artifact = read_artifact(folder)
    facts: dict[str, Any] = {
        "kind": artifact.kind,
        "written by": f"avtool {artifact.avtool}, {artifact.created}",
        "command": artifact.command,
        **({} if artifact.seed is None else {"seed": artifact.seed}),
        "inputs": len(artifact.inputs),
    }
    if artifact.kind == "dataset":
        facts |= _dataset_facts(folder)
    rows = [
        [name, (folder / name).stat().st_size if (folder / name).exists() else "-"] for name in artifact.files
    ]
    return Shown(artifact.kind, facts, ["file", "bytes"], rows, verify(folder))


def _show_run(folder: Path) -> Shown:
    """A training, finished or not: how far it is, and its validations."""
    progress = read_progress(folder)
    command = (folder / "command.txt").read_text(encoding="utf-8", errors="replace").strip()
    if (folder / CARD).is_file():
        shown = _show_folder(folder)
        return replace(shown, facts={**shown.facts, **progress.facts()})
    facts = {"kind": "unfinished run", **progress.facts(), "resumed by": command}
    metrics = list(dict.fromkeys(name for _, values in progress.validations for name in values))
    rows = [
        [step, *(round(values[name], 4) if name in values else "" for name in metrics)]
        for step, values in progress.validations[-_LAST:]
    ]
    return Shown("run", facts, ["step", *metrics], rows, [])


def _dataset_facts(folder: Path) -> dict[str, Any]:
    import pyarrow.parquet as parquet
    from pyarrow import ArrowException

    path = folder / "manifest.parquet"
    try:
        table = parquet.read_table(path, columns=["start", "end", "split", "labels", "group"])
    except (ArrowException, OSError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise CorruptArtifactError(f"`{path}` cannot be read ({first:.200})", "make it again") from error
    columns = table.to_pydict()
    seconds = sum(end - start for start, end in zip(columns["start"], columns["end"], strict=True))
    labels = {label for row in columns["labels"] for label in row}
    splits = {split: columns["split"].count(split) for split in sorted(set(columns["split"]))}
    return {
        "clips": table.num_rows,
        "hours": round(seconds / 3600, 3),
        "labels": len(labels),
        "groups": len(set(columns["group"])),
        "splits": ", ".join(f"{name or 'none'} {count}" for name, count in splits.items()),
    }


def _show_captions(path: Path) -> Shown:
    from avtool.media.captions.reading import read_captions
    from avtool.mining.caption_language import language_of

    captions = read_captions(path)
    last = max((cue.end_ms for cue in captions.cues), default=0)
    facts = {
        "format": captions.format,
        "encoding": captions.encoding,
        "language": language_of(captions, path) or "unknown",
        "cues": len(captions.cues),
        "until": f"{last / 1000:.1f} s",
        "mended": ", ".join(f"{what}: {count}" for what, count in captions.repairs.items()) or "nothing",
    }
    rows = [[cue.start_ms / 1000, cue.end_ms / 1000, " / ".join(cue.lines)] for cue in captions.cues[:10]]
    return Shown("captions", facts, ["start", "end", "text (first ten cues)"], rows, [])


def _show_media(path: Path) -> Shown:
    from avtool.media.captions.embedded import list_caption_streams
    from avtool.media.probe import probe

    info = probe(path)
    facts = {"format": info.format, "duration": f"{info.duration_s:.3f} s" if info.duration_s else "unknown"}
    rows: list[list[Any]] = []
    for audio in info.audio:
        what = f"{audio.codec}, {audio.sample_rate} Hz, {audio.layout or audio.channels}"
        rows.append([audio.index, "audio", what, audio.language, audio.title])
    for video in info.video:
        what = f"{video.codec}, {video.width}x{video.height}, {video.fps or 0:.3f} fps"
        rows.append([video.index, "video", what, video.language, video.title])
    for stream in list_caption_streams(path):
        what = f"{stream.codec} ({stream.kind})"
        rows.append([stream.index, "captions", what, stream.language, stream.title])
    return Shown("media", facts, ["stream", "kind", "what", "language", "title"], rows, [])
