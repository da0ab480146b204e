"""The mining of films into a dataset of sound events: a process a film, resumable, independent failures."""

import shutil
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial as bind
from pathlib import Path
from typing import Any

from avtool.core.artifact import Artifact, Input
from avtool.core.artifact_folder import discard_partial, open_partial, partial_folder, publish
from avtool.core.errors import AvtoolError, BadInputError, DiskFullError, MissingError, NoneDoneError
from avtool.core.files import link_tree
from avtool.core.parallel import is_serial, map_unordered
from avtool.core.reporter import Reporter
from avtool.core.shard import WHOLE, Shard, write_shard
from avtool.mining.alignment import with_detector
from avtool.mining.dataset import Kinds, check_settings, write_dataset
from avtool.mining.film import FilmTask
from avtool.mining.film_record import DATASET_KEYS, FilmRecord, read_record
from avtool.mining.manifest import CLIPS
from avtool.mining.outcome import FilmOutcome, lost_film, mine_outcome, seconds_since
from avtool.mining.pairing import FilmPair
from avtool.mining.recipe import MineRecipe
from avtool.mining.report.write import DatasetSummary
from avtool.mining.review.journal import decisions_on, read_review, review_input

_SHOWN = 3


@dataclass(frozen=True)
class MineResult:
    """What a mining run left behind."""

    out: Path
    films: list[FilmOutcome]
    summary: DatasetSummary
    seconds: float

    @property
    def failed(self) -> list[FilmOutcome]:
        """The films that gave no events."""
        return [film for film in self.films if film.status == "failed"]

    @property
    def unchecked(self) -> list[FilmOutcome]:
        """The films whose captions keep times that could not be checked against the audio."""
        return [film for film in self.films if film.unchecked]


def mine_subtitles(
    pairs: Sequence[FilmPair],
    out: Path,
    recipe: MineRecipe,
    reporter: Reporter,
    *,
    jobs: int = 1,
    overwrite: bool = False,
    fail_fast: bool = False,
    command: str = "mine_subtitles",
    kinds: Kinds | None = None,
    watching: bool = False,
    shard: Shard = WHOLE,
    sources: Sequence[str] = (),
    earlier: Sequence[Path] = (),
) -> MineResult:
    """Mines every film and writes the dataset `out`.

    Films that an earlier or interrupted run finished with the same settings and the same files are kept.

    Args:
        pairs: the films and their captions.
        out: the artifact to write.
        recipe: the settings.
        reporter: gets progress, decisions and films that fail.
        jobs: films mined at the same time, each in its own process; -1 for one a processor.
        overwrite: replace the dataset that stands in `out`.
        fail_fast: stop at the first film that fails.
        command: the command line, for the artifact's card.
        kinds: classifies cues by the kind of their source; None writes no kinds.
        watching: whether these are the films of a watched folder: what was mined of others stays, files of
            unchanged size and time are not hashed again, and films that were mined before are not reported.
        shard: the part of the films that is mined here; its own dataset has no splits.
        sources: the words of the command line that `pairs` are of, for `shard.json`.
        earlier: datasets of shards, whose films are kept.

    Raises:
        AvtoolError: no film could be mined (a single film's own error), or the disk is full.
        BadInputError: `out` holds a film that is not among `pairs`, and neither `overwrite` nor `watching`.
    """
    begin = time.perf_counter()
    check_settings(recipe, len(pairs))
    pairs = shard.of(pairs)
    recipe = recipe.model_copy(update={"sync": with_detector(recipe.sync, reporter)})
    review = read_review(recipe.review) if recipe.review else {}
    if not overwrite and not watching:
        _need_all_films(pairs, out)
    settings = {"command": "mine-subtitles", "recipe": recipe.model_dump(mode="json"), **shard.settings()}
    of_films = {**settings, "recipe": recipe.model_dump(mode="json", exclude=DATASET_KEYS)}
    files = [path for pair in pairs for path in (pair.film, Path(pair.captions))]
    partial = open_partial(out, of_films, kind="dataset", overwrite=overwrite, inputs=files)
    write_shard(partial, "mine-subtitles", shard, {"sources": list(sources), "recipe": settings["recipe"]})
    tasks = [
        FilmTask(
            pair, partial / CLIPS / pair.film_id, recipe, _earlier(pair.film_id, out, earlier),
            decisions_on(review, pair.film_id), watching,
        )
        for pair in pairs
    ]  # fmt: skip
    here = recipe if shard.whole else recipe.model_copy(update={"split": "none"})
    work = bind(mine_outcome, reporter=reporter if is_serial(jobs, len(tasks)) else None)
    outcomes: dict[str, FilmOutcome] = {}
    try:
        with reporter.progress("mining", len(tasks)) as bar:
            for outcome in map_unordered(work, tasks, jobs=jobs, lost=lost_film, shared=partial):
                outcomes[outcome.film_id] = outcome
                if not (watching and outcome.status == "kept"):
                    _report(outcome, reporter, alone=len(tasks) == 1 and not watching)
                bar.advance(note=outcome.film_id)
                if outcome.error and (fail_fast or isinstance(outcome.error, DiskFullError | MissingError)):
                    raise outcome.error
        films = [outcomes[pair.film_id] for pair in pairs]
        _need_one(films, alone=len(films) == 1 and not watching)
    except AvtoolError:
        _remove_if_useless(partial)
        raise
    if watching:
        _take_others(out / CLIPS, partial / CLIPS, {str(pair.film) for pair in pairs})
        films = _with_others(films, partial / CLIPS)
    with reporter.progress("writing the dataset", None):
        return _finish(films, partial, out, here, settings, reporter, command, begin, kinds)


def _earlier(film_id: str, out: Path, others: Sequence[Path]) -> Path:
    """Where an earlier run may have left a film: in the dataset that is made again, or in a shard."""
    folders = [folder / CLIPS / film_id for folder in (out, *others)]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def _need_all_films(pairs: Sequence[FilmPair], out: Path) -> None:
    """Refuses to drop what was mined of films that are not given."""
    given = {pair.film_id for pair in pairs}
    for folder in (out, partial_folder(out)):
        clips = folder / CLIPS
        names = sorted(path.name for path in clips.iterdir()) if clips.is_dir() else []
        not_given = [name for name in names if name not in given and read_record(clips / name)]
        if not_given:
            shown = ", ".join(f"`{name}`" for name in not_given[:_SHOWN])
            more = ", …" if len(not_given) > _SHOWN else ""
            message = f"`{folder}` holds {len(not_given)} films that are not given ({shown}{more})"
            raise BadInputError(message, "give them too, or --overwrite to drop them, or another --out")


def _report(outcome: FilmOutcome, reporter: Reporter, *, alone: bool) -> None:
    for note in outcome.notes:
        reporter.info(note)
    for warning in outcome.warnings:
        reporter.warn(warning)
    if outcome.error is None:
        reporter.info(f"{outcome.film_id}: {outcome.events} events ({outcome.status}; {outcome.sync})")
    elif not alone:  # a single film's error ends the command, and is shown there
        hint = f" ({outcome.error.hint})" if outcome.error.hint else ""
        reporter.warn(f"{outcome.film_id} failed: {outcome.error}{hint}")


def _need_one(films: Sequence[FilmOutcome], *, alone: bool) -> None:
    errors = {film.film_id: film.error for film in films if film.error}
    if len(errors) < len(films):
        return
    if alone:
        raise errors[films[0].film_id]
    problems = {name: str(error) for name, error in errors.items()}
    raise NoneDoneError(f"none of the {len(films)} films could be mined", "see the warnings above", problems)


def _take_others(earlier: Path, clips: Path, given: Collection[str]) -> None:
    """The results of films that are no longer in a watched folder, from the dataset as it stands.

    A film that is there under another name than before (`pilot-2`, once the first `pilot` is gone) is none.
    """
    for folder in sorted(earlier.iterdir()) if earlier.is_dir() else ():
        record = None if (clips / folder.name).exists() else read_record(folder)
        if record and record.film not in given:
            link_tree(folder, clips / folder.name)


def _with_others(films: list[FilmOutcome], clips: Path) -> list[FilmOutcome]:
    given = {film.film_id for film in films}
    records = [read_record(folder) for folder in sorted(clips.iterdir()) if folder.name not in given]
    gone = [FilmOutcome(one.film_id, one.film, "kept", len(one.events)) for one in records if one]
    return sorted([*films, *gone], key=lambda film: film.film_id)


def _remove_if_useless(partial: Path) -> None:
    """An unfinished folder without a single finished film holds nothing to resume from."""
    clips = partial / CLIPS
    if not clips.is_dir() or not any(path for path in clips.iterdir() if not path.name.startswith(".")):
        discard_partial(partial)


def _finish(
    films: list[FilmOutcome],
    partial: Path,
    out: Path,
    recipe: MineRecipe,
    settings: Mapping[str, Any],
    reporter: Reporter,
    command: str,
    begin: float,
    kinds: Kinds | None,
) -> MineResult:
    records = [record for film in films if (record := read_record(partial / CLIPS / film.film_id))]
    _forget_others(partial / CLIPS, records)
    failures = [(film.film_id, film.film, str(film.error)) for film in films if film.error]
    summary = write_dataset(partial, records, failures, recipe, reporter, kinds)
    inputs = [
        Input(path, "captions" if path != record.film else "film", digest)
        for record in records
        for path, digest in record.inputs.items()
    ]
    if recipe.review:
        inputs.append(review_input(recipe.review))
    artifact = Artifact("dataset", command, settings["recipe"], seed=recipe.seed, inputs=inputs)
    publish(out, artifact, unhashed=[CLIPS])
    return MineResult(out, films, summary, seconds_since(begin))


def _forget_others(clips: Path, records: Sequence[FilmRecord]) -> None:
    """Removes the results of films that are no longer among the inputs."""
    wanted = {record.film_id for record in records}
    for folder in clips.iterdir():
        if folder.name not in wanted:
            shutil.rmtree(folder)
