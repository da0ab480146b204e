"""A shared dataset made again from the films of whoever owns them."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from avtool.core.artifact import Artifact, Input, settings_hash
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import AvtoolError, DiskFullError, SomeFailedError
from avtool.core.files import link_tree, write_csv, writing
from avtool.core.parallel import map_unordered
from avtool.core.reporter import Reporter
from avtool.data.labels import LABELS
from avtool.data.manifest import MANIFEST
from avtool.data.sharing.annotations import Annotations, annotation_files, read_annotations, write_table
from avtool.data.sharing.collect import SOURCES
from avtool.data.sharing.cut_film import (
    CutFilm,
    CutTask,
    Segment,
    cut_film,
    lost_film,
    record_path,
    write_record,
)
from avtool.data.sharing.find_films import FoundFilm, find_films
from avtool.data.sharing.mined_files import write_mined_files
from avtool.mining.event_files import read_events
from avtool.mining.manifest import CLIPS

_SHOWN = 5


@dataclass(frozen=True)
class RebuiltDataset:
    """What was written.

    Attributes:
        out: the dataset.
        clips: in it.
        films: found and cut, or referred to.
        missing: ids of the films that are not there or cannot be read: their clips are skipped.
        differing: clips whose files are not those of the original dataset.
    """

    out: Path
    clips: int
    films: int
    missing: Sequence[str]
    differing: Sequence[str]

    @property
    def whole(self) -> bool:
        """Whether it is the original dataset, byte for byte."""
        return not self.missing and not self.differing


def rebuild(
    export: Path,
    films: Path,
    out: Path,
    reporter: Reporter,
    *,
    jobs: int = 1,
    overwrite: bool = False,
    command: str = "rebuild",
) -> RebuiltDataset:
    """Finds the films of an export, cuts the clips out of them, and writes the dataset.

    Films that an earlier call cut are kept; where films were missing, the same call adds them later.

    Args:
        export: as `avtool export DATASET --to …` wrote it.
        films: the folder of the films.
        out: the `dataset` artifact to write.
        reporter: gets progress, and the films that are refused or missing.
        jobs: films cut at the same time.
        overwrite: replace the dataset that stands in `out`.
        command: the command line, for the card.

    Raises:
        BadInputError: the export or the folder cannot be read, or `out` belongs to something else.
        CorruptArtifactError: the export is damaged, or names files outside of its folder.
        SomeFailedError: none of the films is there.
    """
    annotations = read_annotations(export)
    mined = read_events(annotations.table, str(export))
    content = settings_hash(annotation_files(export))
    found = find_films(annotations.films, films, reporter)
    if not found:
        raise SomeFailedError(
            f"none of the {len(annotations.films)} films of `{export}` is in `{films}`",
            f"they are {_shown([film.name for film in annotations.films])}",
        )
    clip = annotations.clip.model_dump(mode="json") if annotations.clip else None
    settings: dict[str, Any] = {"command": "rebuild", "export": content, "clip": clip}
    inputs = [export, *(one.path for one in found.values())]
    partial = open_partial(out, settings, kind="dataset", overwrite=overwrite, inputs=inputs)
    for name in (CLIPS, SOURCES):
        if not overwrite and (out / name).is_dir() and not (partial / name).exists():
            link_tree(out / name, partial / name)
    try:
        done, failed = _cut_all(annotations, found, partial, reporter, jobs)
        if not done:
            raise SomeFailedError(f"none of the films of `{export}` can be cut", "see the warnings above")
    except AvtoolError:
        if not (partial / SOURCES).is_dir():
            discard_partial(partial)
        raise
    kept = {number: found[number] for number in done}
    missing = [film.id for number, film in enumerate(annotations.films) if number not in kept]
    differing = sorted(name for one in done.values() for name in one.differing)
    rows = _write(partial, annotations, kept, missing, differing, failed)
    if mined is not None:
        write_mined_files(partial, annotations, mined, kept, missing, reporter)
    used = [Input(str(one.path), "film", annotations.films[number].sha256) for number, one in kept.items()]
    card = Artifact("dataset", command, settings, inputs=[Input(str(export), "export", content), *used])
    publish(out, card, unhashed=[CLIPS, SOURCES])
    _report(annotations, missing, failed, differing, reporter)
    return RebuiltDataset(out, rows, len(kept), missing, differing)


def _cut_all(
    annotations: Annotations,
    found: Mapping[int, FoundFilm],
    partial: Path,
    reporter: Reporter,
    jobs: int,
) -> tuple[dict[int, CutFilm], dict[int, AvtoolError]]:
    """Cuts film by film; those that cannot be read are skipped."""
    segments: dict[int, list[Segment]] = {number: [] for number in found}
    media, spans = annotations.column("media"), annotations.spans()
    for row, (place, digest) in enumerate(zip(annotations.places, annotations.hashes, strict=True)):
        if digest and place in segments:
            segments[place].append(Segment(media[row], *spans[row], digest))
    done = {}
    tasks = []
    for number, one in found.items():
        film = annotations.films[number]
        if annotations.clip is None or not segments[number]:
            write_record(partial, number, film, one)
            done[number] = CutFilm(number)
        else:
            tasks.append(CutTask(partial, number, film, one, segments[number], annotations.clip))
    failed: dict[int, AvtoolError] = {}
    with reporter.progress("cutting clips", len(tasks)) as bar:
        for outcome in map_unordered(cut_film, tasks, jobs=jobs, lost=lost_film, shared=partial):
            if isinstance(outcome.error, DiskFullError):
                raise outcome.error
            if outcome.error:
                failed[outcome.number] = outcome.error
            else:
                done[outcome.number] = outcome
            bar.advance(note=annotations.films[outcome.number].id)
    return done, failed


def _write(
    partial: Path,
    annotations: Annotations,
    films: Mapping[int, FoundFilm],
    missing: Sequence[str],
    differing: Sequence[str],
    failed: Mapping[int, AvtoolError],
) -> int:
    """The manifest of the films that are there, the class lists, and what is missing; returns its rows."""
    rows = [row for row, place in enumerate(annotations.places) if place in films]
    paths = [str(films[annotations.places[row]].path) for row in rows]
    table = annotations.table.take(pa.array(rows, pa.int64()))
    media = [
        path if not annotations.hashes[row] else name
        for row, path, name in zip(rows, paths, table["media"].to_pylist(), strict=True)
    ]
    table = _with(table, "media", media)
    if annotations.clip is not None or "film" in table.column_names:
        owners = zip(table["film"].to_pylist(), paths, strict=True)
        table = _with(table, "film", [path if film else film for film, path in owners])
    write_table(partial / MANIFEST, table)
    with writing(partial):
        (partial / LABELS).mkdir(exist_ok=True)
        for path in annotations.labels:
            shutil.copyfile(path, partial / LABELS / path.name)
        for number in range(len(annotations.films)):
            if number not in films:
                record_path(partial, number).unlink(missing_ok=True)
    names = {film.id: film for film in annotations.films}
    problems = {annotations.films[number].id: str(error) for number, error in failed.items()}
    for name, columns, values in (
        ("missing.csv", ["film", "file", "sha256", "seconds", "problem"], [
            [one, names[one].name, names[one].sha256, names[one].seconds, problems.get(one, "not found")]
            for one in missing
        ]),
        ("differing.csv", ["clip"], [[one] for one in differing]),
    ):  # fmt: skip
        if values:
            write_csv(partial / name, columns, values)
        else:
            (partial / name).unlink(missing_ok=True)
    return len(rows)


def _with(table: pa.Table, name: str, values: Sequence[Any]) -> pa.Table:
    place = table.schema.get_field_index(name)
    field = table.schema.field(place)
    return table.set_column(place, field, pa.array(values, field.type))


def _report(
    annotations: Annotations,
    missing: Sequence[str],
    failed: Mapping[int, AvtoolError],
    differing: Sequence[str],
    reporter: Reporter,
) -> None:
    for number, error in failed.items():
        reporter.warn(f"{annotations.films[number].id}: {error}")
    if missing:
        reporter.warn(
            f"{len(missing)} of {len(annotations.films)} films are missing, and their clips are skipped:"
            f" {_shown(missing)} (missing.csv)"
        )
    if differing:
        reporter.warn(f"{len(differing)} clips are not those of the original dataset (differing.csv)")


def _shown(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
