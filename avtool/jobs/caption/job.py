"""The artifact of captioned films: a caption file a film and format, tables of cues and events, failures."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from avtool.captioning.event import CaptionPlan
from avtool.captioning.plan import plan_captions
from avtool.captioning.preview.page import write_preview
from avtool.captioning.style import CaptionStyle
from avtool.captioning.writing import write_cue_table, write_plan
from avtool.core.artifact import Artifact, Input
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import AvtoolError, BadInputError, DiskFullError, MissingError, NoneDoneError
from avtool.core.files import link_file, link_tree, sha256_of, write_csv, write_json
from avtool.core.parallel import check_jobs
from avtool.core.recipe import identity
from avtool.core.report.page import optional_report
from avtool.core.reporter import Reporter, Silent
from avtool.core.shard import WHOLE, Shard, write_shard
from avtool.inference.captioner import FilmSounds, captioner_file
from avtool.jobs.caption.described import described_events
from avtool.jobs.caption.films import FoundSounds, listen_to_films
from avtool.jobs.caption.plan import audio_beside_films, pair_with_dialogue
from avtool.jobs.caption.recipe import CaptionRecipe
from avtool.media.captions.cue import Captions
from avtool.mining.pairing import FilmPair, fetch_pair, load_film_captions, offers_captions

PARTS = "films"
"""Of the artifact: what was found in each film, for a later run."""


@dataclass(frozen=True)
class FilmOutcome:
    """One film in a line.

    Attributes:
        film: its path or address.
        status: `captioned`, `kept` (sounds of an earlier run: same film, same settings) or `failed`.
        cues: sound cues written.
        events: sound events found.
        seconds: duration of the film.
        files: of its captions.
        error: the reason, when it failed.
    """

    film: str
    status: str
    cues: int = 0
    events: int = 0
    seconds: float = 0.0
    files: tuple[Path, ...] = ()
    error: AvtoolError | None = None


@dataclass(frozen=True)
class CaptionResult:
    """The artifact that was written, each film, and the wall time in seconds."""

    out: Path
    films: list[FilmOutcome]
    seconds: float

    @property
    def failed(self) -> list[FilmOutcome]:
        """The films that could not be captioned."""
        return [film for film in self.films if film.status == "failed"]


def caption(
    sources: Sequence[str],
    model: Path,
    out: Path,
    recipe: CaptionRecipe,
    reporter: Reporter,
    *,
    jobs: int = 1,
    overwrite: bool = False,
    fail_fast: bool = False,
    command: str = "caption",
    shard: Shard = WHOLE,
    earlier: Sequence[Path] = (),
) -> CaptionResult:
    """Captions every film; the sounds of those that an earlier run with the same settings finished are kept.

    Args:
        sources: films, folders of them, addresses, or CSV tables with the columns `film,captions`.
        model: a model, a run, a checkpoint, published weights, or a CSV table of events.
        out: the `predictions` artifact to write.
        recipe: the settings.
        reporter: gets progress and the films that fail.
        jobs: processes, each of which loads the model; -1 for one a processor.
        overwrite: caption all films again.
        fail_fast: stop at the first film that fails.
        command: the command line, for the card.
        shard: the part of the batch that is done here.
        earlier: shards of this batch, whose results are kept.

    Raises:
        AvtoolError: model, style or thresholds cannot be used, or no film could be captioned (a single film's
            own error).
    """
    recipe.caption_style()
    pairs = shard.of(pair_with_dialogue(sources, recipe.merge))
    check_jobs(jobs)
    for folder, count in audio_beside_films(sources).items():
        reporter.warn(f"`{folder}`: its films are captioned, and not its {count} audio files: name them too")
    return caption_films(
        pairs, model, out, recipe, reporter,
        jobs=jobs, overwrite=overwrite, fail_fast=fail_fast, command=command,
        shard=shard, sources=sources, earlier=earlier,
    )  # fmt: skip


def caption_films(
    pairs: Sequence[FilmPair],
    model: Path,
    out: Path,
    recipe: CaptionRecipe,
    reporter: Reporter,
    *,
    jobs: int = 1,
    overwrite: bool = False,
    fail_fast: bool = False,
    watching: bool = False,
    command: str = "caption",
    shard: Shard = WHOLE,
    sources: Sequence[str] = (),
    earlier: Sequence[Path] = (),
) -> CaptionResult:
    """Captions films that are paired with their dialogue; as `caption` in all else.

    Args:
        pairs: the films; of a watched folder those that were captioned before, and new ones.
        model: as `caption` takes it.
        out: the artifact.
        recipe: the settings.
        reporter: gets progress and the films that fail.
        jobs: processes.
        overwrite: caption all films again.
        fail_fast: stop at the first film that fails.
        command: the command line, for the card.
        watching: whether these are the films of a watched folder: the model stays open for the next ones, and
            the error of a single film is an outcome.
        shard: that `pairs` are, of the films that `sources` name.
        sources: as `caption` takes them, for `shard.json`.
        earlier: shards of this batch, whose results are kept.

    Raises:
        AvtoolError: as `caption`.
    """
    begin = time.perf_counter()
    style = recipe.caption_style()
    alone = len(pairs) == 1 and not watching
    if recipe.merge and alone:  # before the film is listened to
        fetch_pair(pairs[0])
        _dialogue(pairs[0], recipe, Silent())
    used = Input(str(model), "model", sha256_of(captioner_file(model)))
    settings = {"command": "caption", "model": used.sha256, "recipe": identity(recipe), **_tables(recipe)}
    settings |= shard.settings()
    inputs = [model, *(pair.film for pair in pairs)]
    partial = open_partial(out, settings, kind="predictions", overwrite=overwrite, inputs=inputs)
    parts = partial / PARTS
    if not overwrite and (out / PARTS).is_dir() and not parts.exists():
        link_tree(out / PARTS, parts)
    parts.mkdir(exist_ok=True)
    for done in earlier:
        link_tree(done / PARTS, parts)
    _drop_captions(partial)
    found_sounds = listen_to_films(
        pairs, parts, model, recipe.options(), reporter, jobs=jobs, stay_open=watching
    )
    found: dict[str, FoundSounds] = {}
    outcomes: dict[str, FilmOutcome] = {}
    try:
        with reporter.progress("captioning", len(pairs)) as bar:
            for sounds in found_sounds:
                film = sounds.pair
                outcome = _write_film(sounds, partial, out, style, recipe, reporter)
                if outcome.error is not None:
                    _need_next(outcome.error, single=alone or fail_fast)
                    reporter.warn(f"{outcome.film} failed: {outcome.error}")
                found[film.film_id], outcomes[film.film_id] = sounds, outcome
                bar.advance(note=film.film.name)
        if all(outcome.error for outcome in outcomes.values()):
            message = f"none of the {len(pairs)} films could be captioned"
            problems = {name: str(outcome.error) for name, outcome in outcomes.items()}
            raise NoneDoneError(message, "see the warnings above", problems)
    except AvtoolError:
        if not any(parts.iterdir()):
            discard_partial(partial)
        raise
    films = [outcomes[pair.film_id] for pair in pairs]
    given = {"sources": list(sources), "model": str(model), "recipe": recipe.model_dump(mode="json")}
    write_shard(partial, "caption", shard, given)
    _write_tables(partial, [found[pair.film_id] for pair in pairs], films)
    publish(out, Artifact("predictions", command, settings, inputs=[used]), unhashed=[PARTS])
    films = [replace(film, files=tuple(out / file.name for file in film.files)) for film in films]
    return CaptionResult(out, films, round(time.perf_counter() - begin, 3))


def _drop_captions(partial: Path) -> None:
    """Removes what a killed run wrote beside the parts: it is written again, and may be half a file."""
    for path in partial.iterdir():
        if (path.is_file() and path.suffix != ".json") or path.name.startswith("."):
            path.unlink()


def _tables(recipe: CaptionRecipe) -> dict[str, str]:
    """The content of the files that the recipe names: changed ones are other settings."""
    files = {"thresholds": recipe.thresholds, "phrases": recipe.phrases}
    found = {name: file for name, file in files.items() if file is not None and file.is_file()}
    return {name: sha256_of(file) for name, file in found.items()}


def _need_next(error: AvtoolError, *, single: bool) -> None:
    """Raises what ends the batch."""
    if single or isinstance(error, DiskFullError | MissingError):
        raise error


def _write_film(
    sounds: FoundSounds,
    folder: Path,
    earlier: Path,
    style: CaptionStyle,
    recipe: CaptionRecipe,
    reporter: Reporter,
) -> FilmOutcome:
    """The caption files of a film, and its table of cues."""
    name = sounds.pair.film_name
    if not isinstance(sounds.found, FilmSounds):
        return FilmOutcome(name, "failed", error=sounds.found)
    try:
        plan, dialogue = _plan(sounds.pair, sounds.found, style, recipe, reporter)
        stem = folder / f"{sounds.pair.film_id}.{recipe.language}-sdh"
        files = write_plan(
            plan,
            stem,
            recipe.formats,
            dialogue=dialogue,
            language=recipe.language,
            note=f"Sound captions by avtool: {sounds.note}; style {recipe.style}",
            srt_position=recipe.srt_position,
            crlf=recipe.crlf,
            bom=recipe.bom,
        )
        write_cue_table(plan, folder / f"{sounds.pair.film_id}.cues.csv")
        page = f"{sounds.pair.film_id}.html"
        if recipe.preview and sounds.kept and _is_as_before(sounds.pair.film_id, folder, earlier):
            link_file(earlier / page, folder / page)
        elif recipe.preview:
            _write_page(sounds, sounds.found, plan, folder, recipe, reporter)
    except DiskFullError:
        raise
    except AvtoolError as error:
        return FilmOutcome(name, "failed", seconds=sounds.found.seconds, error=error)
    count = len({id(one.cue) for one in plan.decisions if one.cue is not None})
    if not count:
        reporter.info(f"{name}: no sound event was detected; its caption files hold no sound cue")
    status = "kept" if sounds.kept else "captioned"
    events = len(sounds.found.events)
    return FilmOutcome(name, status, count, events, sounds.found.seconds, tuple(files))


def _is_as_before(film_id: str, folder: Path, earlier: Path) -> bool:
    """Whether the captions of a film are those of the finished artifact, which has its page."""
    written = [path for path in folder.iterdir() if path.is_file() and path.name.startswith(f"{film_id}.")]
    return (earlier / f"{film_id}.html").is_file() and all(
        (earlier / path.name).is_file() and (earlier / path.name).read_bytes() == path.read_bytes()
        for path in written
    )


def _write_page(
    sounds: FoundSounds,
    found: FilmSounds,
    plan: CaptionPlan,
    folder: Path,
    recipe: CaptionRecipe,
    reporter: Reporter,
) -> None:
    film = sounds.pair.film
    with optional_report(reporter):
        write_preview(
            folder / f"{sounds.pair.film_id}.html",
            plan,
            found.seconds,
            film=film if film.is_file() else None,
            language=recipe.language,
            settings=[("model", sounds.note), ("style", recipe.style), ("dialogue", recipe.merge or "none")],
            reporter=reporter,
        )


def _plan(
    pair: FilmPair, sounds: FilmSounds, style: CaptionStyle, recipe: CaptionRecipe, reporter: Reporter
) -> tuple[CaptionPlan, Captions | None]:
    dialogue = _dialogue(pair, recipe, reporter) if recipe.merge else None
    seconds = sounds.seconds or None
    known = described_events(sounds.events, dialogue, recipe.language) if dialogue else ()
    if known:
        count = f"{len(known)} of {len(sounds.events)} sound events"
        reporter.info(f"{pair.film_name}: the dialogue track describes {count} itself")
    return plan_captions(sounds.events, style, dialogue, seconds, recipe.language, known), dialogue


def _dialogue(pair: FilmPair, recipe: CaptionRecipe, reporter: Reporter) -> Captions | None:
    """The captions to merge with; None where `auto` finds none."""
    try:
        if not offers_captions(pair, recipe.language):
            reporter.info(f"{pair.film_name}: captioned without dialogue: none beside it, none in it")
            return None
        return load_film_captions(pair, recipe.language, keep_rows=True)
    except BadInputError as error:
        raise BadInputError(error.message, error.hint.replace("--captions", "--merge")) from error


def _write_tables(folder: Path, found: Sequence[FoundSounds], films: Sequence[FilmOutcome]) -> None:
    """The events of all films for programs, and the films that failed."""
    columns = ["film", "start", "end", "phrase", "label", "score", "threshold"]
    rows: list[list[Any]] = []
    values = []
    for sounds, film in zip(found, films, strict=True):
        if film.error is not None or not isinstance(sounds.found, FilmSounds):
            continue
        events = [asdict(event) for event in sounds.found.events]
        rows += [[film.film, *_cells(event, columns[1:])] for event in events]
        files = [file.name for file in film.files]
        values.append({"film": film.film, "seconds": film.seconds, "captions": files, "events": events})
    write_csv(folder / "events.csv", columns, rows)
    write_json(folder / "events.json", {"schema_version": 1, "films": values})
    failures = [[film.film, str(film.error)] for film in films if film.error is not None]
    write_csv(folder / "failures.csv", ["film", "problem"], failures)
    kept = {f"{sounds.pair.film_id}.json" for sounds in found if isinstance(sounds.found, FilmSounds)}
    for path in (folder / PARTS).iterdir():
        if path.name not in kept:
            path.unlink()


def _cells(event: dict[str, Any], columns: Sequence[str]) -> list[object]:
    values = [event[column] for column in columns]
    return [f"{value:.3f}" if isinstance(value, float) else value or "" for value in values]
