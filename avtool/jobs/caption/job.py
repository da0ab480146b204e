"""The artifact of captioned films: a caption file a film and format, tables of cues and events, failures."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.artifact import Artifact, Input
from avtool.core.artifact_folder import open_partial, publish
from avtool.core.batch import Wording, gather, keep_parts, open_parts
from avtool.core.files import sha256_of
from avtool.core.parallel import check_jobs
from avtool.core.recipe import identity
from avtool.core.reporter import Reporter, Silent
from avtool.core.shard import WHOLE, Shard, write_shard
from avtool.inference.captioner import captioner_file
from avtool.jobs.caption.film_captions import CaptionedFilm, CaptionWriter, FilmOutcome, read_dialogue
from avtool.jobs.caption.films import listen_to_films
from avtool.jobs.caption.plan import audio_beside_films, pair_with_dialogue
from avtool.jobs.caption.recipe import CaptionRecipe
from avtool.jobs.caption.tables import write_tables
from avtool.mining.pairing import FilmPair, fetch_pair

PARTS = "films"
"""Of the artifact: what was found in each film, for a later run."""
_WORDING = Wording("captioning", "captioned", "films")


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
    recipe.caption_style()
    alone = len(pairs) == 1 and not watching
    if recipe.merge and alone:  # before the film is listened to
        fetch_pair(pairs[0])
        read_dialogue(pairs[0], recipe, Silent())
    used = Input(str(model), "model", sha256_of(captioner_file(model)))
    settings = {"command": "caption", "model": used.sha256, "recipe": identity(recipe), **_tables(recipe)}
    settings |= shard.settings()
    inputs = [model, *(pair.film for pair in pairs)]
    partial = open_partial(out, settings, kind="predictions", overwrite=overwrite, inputs=inputs)
    writer = CaptionWriter(partial, out, recipe, reporter)
    with open_parts(partial, out, PARTS, overwrite=overwrite, earlier=earlier) as parts:
        _drop_captions(partial)
        sounds = listen_to_films(
            pairs, parts, model, recipe.options(), reporter, jobs=jobs, stay_open=watching
        )
        done = (CaptionedFilm(one, writer.write(one)) for one in sounds)
        ended = gather(
            done, len(pairs), _WORDING, reporter,
            fail_fast=alone or fail_fast,
            name=lambda film: film.outcome.film,
            key=lambda film: film.sounds.pair.film_id,
        )  # fmt: skip
        films = [ended[pair.film_id] for pair in pairs]
        keep_parts(parts, {f"{film.sounds.pair.film_id}.json" for film in films if film.sounds.were_found})
    given = {"sources": list(sources), "model": str(model), "recipe": recipe.model_dump(mode="json")}
    write_shard(partial, "caption", shard, given)
    write_tables(partial, films)
    publish(out, Artifact("predictions", command, settings, inputs=[used]), unhashed=[PARTS])
    outcomes = [film.outcome.moved_to(out) for film in films]
    return CaptionResult(out, outcomes, round(time.perf_counter() - begin, 3))


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
