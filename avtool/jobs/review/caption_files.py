"""Captions under review: the sound cues that `avtool caption` wrote, and the files that decisions leave."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from avtool.core.artifact import Artifact, Input
from avtool.core.artifact_folder import open_partial, publish
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import inside, read_json
from avtool.core.reporter import Reporter
from avtool.media.captions.cue import Captions, Cue
from avtool.media.captions.reading import read_captions
from avtool.media.captions.writing import Rendering, write_captions
from avtool.mining.review.decisions import Decision
from avtool.mining.review.journal import read_review, review_input, review_path

_READ = ("vtt", "srt", "json", "ttml")
"""Formats in which captions are read, the best first."""
_NAME = re.compile(r"(?P<film>.+)\.(?P<language>[^.]+)-sdh\.(?P<format>[a-z]+)")
_AGAIN = "run `avtool caption` again"


@dataclass(frozen=True)
class CaptionFilm:
    """The captions of one film.

    Attributes:
        film_id: the stem of its files.
        film: its path.
        language: of the captions.
        captions: as they were written.
        sound_cues: cues that caption sounds, each with its number in the file, from 0.
    """

    film_id: str
    film: Path
    language: str
    captions: Captions
    sound_cues: tuple[tuple[int, Cue], ...]

    def cue_id(self, number: int) -> str:
        """The id of a cue under review."""
        return f"{self.film_id}/{number + 1:05d}"


@dataclass(frozen=True)
class ReviewedFilm:
    """A film's captions after the review: its files, and cues by what was decided."""

    film_id: str
    files: tuple[Path, ...]
    cues: int
    changed: int
    rejected: int
    stale: int


def caption_films(folder: Path) -> list[CaptionFilm]:
    """The films of a folder that `avtool caption` wrote.

    Raises:
        BadInputError: the folder holds other predictions.
        CorruptArtifactError: it is damaged.
    """
    table = folder / "events.json"
    values = read_json(table) if table.is_file() else None
    if not isinstance(values, dict) or not isinstance(values.get("films"), list):
        raise BadInputError(
            f"`{folder}` holds no captions", "give a dataset, or a folder of `avtool caption`"
        )
    try:
        return [_film(folder, str(one["film"]), list(map(str, one["captions"]))) for one in values["films"]]
    except (KeyError, TypeError) as error:
        raise CorruptArtifactError(f"`{table}` is not as avtool writes it ({error})", _AGAIN) from error


def _film(folder: Path, film: str, files: Sequence[str]) -> CaptionFilm:
    matches = [match for name in files if (match := _NAME.fullmatch(name))]
    by_format = {match["format"]: match for match in matches}
    chosen = next((by_format[name] for name in _READ if name in by_format), None)
    if chosen is None:
        raise CorruptArtifactError(f"`{folder}` has no caption file of `{film}`", _AGAIN)
    captions = read_captions(inside(folder, chosen[0]), language=chosen["language"], keep_rows=True)
    shown = _sound_times(inside(folder, f"{chosen['film']}.cues.csv"))
    sound = tuple(
        (number, cue) for number, cue in enumerate(captions.cues) if (cue.start_ms, cue.end_ms) in shown
    )
    return CaptionFilm(chosen["film"], Path(film), chosen["language"], captions, sound)


def _sound_times(path: Path) -> set[tuple[int, int]]:
    """When sound cues are shown, in milliseconds; those of events without a cue are in no caption file."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        return {(round(1000 * float(row["start"])), round(1000 * float(row["end"]))) for row in rows}
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise CorruptArtifactError(f"cannot read `{path}`", _AGAIN) from error


def write_reviewed_captions(
    folder: Path,
    out: Path,
    formats: Sequence[str],
    reporter: Reporter,
    *,
    review: Path | None = None,
    overwrite: bool = False,
    command: str = "review captions",
) -> list[ReviewedFilm]:
    """Writes the captions of a folder as a review leaves them; dialogue cues stay as they are.

    Args:
        folder: of `avtool caption`.
        out: the `predictions` artifact to write.
        formats: of `vtt`, `srt`, `ttml` and `json`.
        reporter: gets decisions that are on other captions.
        review: the journal; by default that of the folder.
        overwrite: whether captions of another review may be replaced.
        command: the command line, for the card.

    Raises:
        BadInputError: the folder holds no captions, or there is no review of them.
    """
    path = review or review_path(folder)
    films = caption_films(folder)
    decisions, used = read_review(path), review_input(path)
    if elsewhere := len(decisions.keys() - _decided_in(films, decisions)):
        reporter.warn(f"{elsewhere} decisions of `{path}` are on other films: not applied")
    settings = {"command": "review captions", "formats": list(formats), "review": used.sha256}
    partial = open_partial(out, settings, kind="predictions", overwrite=overwrite, inputs=[folder])
    done = [_write(film, decisions, partial, formats) for film in films]
    for film in done:
        if film.stale:
            reporter.warn(f"{film.film_id}: {film.stale} decisions are on other captions: not applied")
    inputs = [used, Input(str(folder), "captions", "")]
    publish(out, Artifact("predictions", command, settings, inputs=inputs))
    return [replace(film, files=tuple(out / file.name for file in film.files)) for film in done]


def _decided_in(films: Sequence[CaptionFilm], decisions: Mapping[str, Decision]) -> list[str]:
    ids = {film.film_id for film in films}
    return [name for name in decisions if name.rpartition("/")[0] in ids]


def _write(
    film: CaptionFilm, decisions: Mapping[str, Decision], folder: Path, formats: Sequence[str]
) -> ReviewedFilm:
    own = {name: decisions[name] for name in _decided_in([film], decisions)}
    cues, counts = reviewed_cues(film, own)
    captions = film.captions
    rendering = Rendering(
        markup_of="vtt" if captions.format == "vtt" else "srt",
        header=captions.header,
        numbered=True,
        language=film.language,
    )
    files = [folder / f"{film.film_id}.{film.language}-sdh.{name}" for name in formats]
    for file, name in zip(files, formats, strict=True):
        write_captions(cues, file, format=name, rendering=rendering)
    return ReviewedFilm(film.film_id, tuple(files), len(cues), **counts)


def reviewed_cues(film: CaptionFilm, decisions: Mapping[str, Decision]) -> tuple[list[Cue], dict[str, int]]:
    """The cues as the decisions leave them, in time order; and how many changed, were rejected, or stale."""
    sound = dict(film.sound_cues)
    cues = [cue for number, cue in enumerate(film.captions.cues) if number not in sound]
    counts = {"changed": 0, "rejected": 0, "stale": 0}
    by_id = {film.cue_id(number): cue for number, cue in sound.items()}
    for name, cue in by_id.items():
        decision = decisions.get(name)
        if decision is None:
            cues.append(cue)
        elif decision.tag not in (None, cue.text):
            counts["stale"] += 1
            cues.append(cue)
        elif decision.verdict == "rejected":
            counts["rejected"] += 1
        else:
            changed = _changed(cue, decision)
            counts["changed"] += changed != cue
            cues.append(changed)
    for name, decision in decisions.items():
        origin = by_id.get(name.split("+")[0])
        if name in by_id or decision.verdict == "rejected":
            continue
        if origin is None or decision.tag not in (None, origin.text):
            counts["stale"] += 1
        else:
            counts["changed"] += 1
            cues.append(_changed(origin, decision))
    return sorted(cues, key=lambda cue: (cue.start_ms, cue.end_ms)), counts


def _changed(cue: Cue, decision: Decision) -> Cue:
    start = cue.start_ms if decision.start is None else max(0, round(1000 * decision.start))
    end = cue.end_ms if decision.end is None else round(1000 * decision.end)
    if end > start:
        cue = replace(cue, start_ms=start, end_ms=end)
    if decision.text is not None and decision.text != cue.text:
        lines = tuple(line.strip() for line in decision.text.splitlines() if line.strip())
        if lines:
            cue = replace(cue, lines=lines, markup="", word_times=())
    return cue
