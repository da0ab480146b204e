"""The caption files of a film: its sound events as cues, merged with its dialogue."""

from dataclasses import dataclass, replace
from pathlib import Path

from avtool.captioning.event import CaptionPlan
from avtool.captioning.plan import plan_captions
from avtool.captioning.preview.page import write_preview
from avtool.captioning.writing import write_cue_table, write_plan
from avtool.core.errors import AvtoolError, BadInputError, DiskFullError
from avtool.core.files import link_file
from avtool.core.report.page import optional_report
from avtool.core.reporter import Reporter
from avtool.inference.captioner import FilmSounds
from avtool.jobs.caption.described import described_events
from avtool.jobs.caption.films import FoundSounds
from avtool.jobs.caption.recipe import CaptionRecipe
from avtool.media.captions.cue import Captions
from avtool.mining.pairing import FilmPair, load_film_captions, offers_captions


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

    def moved_to(self, folder: Path) -> "FilmOutcome":
        """The outcome with its files in another folder."""
        return replace(self, files=tuple(folder / file.name for file in self.files))


@dataclass(frozen=True)
class CaptionedFilm:
    """A film that the batch has ended with: the sounds that were found, and what was written."""

    sounds: FoundSounds
    outcome: FilmOutcome

    @property
    def error(self) -> AvtoolError | None:
        """The reason, when it failed."""
        return self.outcome.error


@dataclass(frozen=True)
class CaptionWriter:
    """Writes captions of films into one folder.

    Attributes:
        folder: where they are written.
        earlier: the artifact of an earlier run, whose pages are kept where the captions are the same.
        recipe: the settings.
        reporter: gets what becomes of the dialogue, and films without sounds.
    """

    folder: Path
    earlier: Path
    recipe: CaptionRecipe
    reporter: Reporter

    def write(self, sounds: FoundSounds) -> FilmOutcome:
        """Writes caption files in each format, a table of cues and a page of the film.

        Raises:
            DiskFullError: no room to write; other errors are the film's outcome.
        """
        name, found = sounds.pair.film_name, sounds.found
        if not isinstance(found, FilmSounds):
            return FilmOutcome(name, "failed", error=found)
        try:
            plan, dialogue = self._plan(sounds.pair, found)
            files = self._write_captions(sounds, plan, dialogue)
            if self.recipe.preview:
                self._write_page(sounds, found, plan)
        except DiskFullError:
            raise
        except AvtoolError as error:
            return FilmOutcome(name, "failed", seconds=found.seconds, error=error)
        count = len({id(one.cue) for one in plan.decisions if one.cue is not None})
        if not count:
            self.reporter.info(f"{name}: no sound event was detected; its caption files hold no sound cue")
        status = "kept" if sounds.kept else "captioned"
        return FilmOutcome(name, status, count, len(found.events), found.seconds, tuple(files))

    def _plan(self, pair: FilmPair, sounds: FilmSounds) -> tuple[CaptionPlan, Captions | None]:
        recipe = self.recipe
        dialogue = read_dialogue(pair, recipe, self.reporter) if recipe.merge else None
        known = described_events(sounds.events, dialogue, recipe.language) if dialogue else ()
        if known:
            count = f"{len(known)} of {len(sounds.events)} sound events"
            self.reporter.info(f"{pair.film_name}: the dialogue track describes {count} itself")
        style, seconds = recipe.caption_style(), sounds.seconds or None
        return plan_captions(sounds.events, style, dialogue, seconds, recipe.language, known), dialogue

    def _write_captions(
        self, sounds: FoundSounds, plan: CaptionPlan, dialogue: Captions | None
    ) -> list[Path]:
        recipe, film_id = self.recipe, sounds.pair.film_id
        files = write_plan(
            plan,
            self.folder / f"{film_id}.{recipe.language}-sdh",
            recipe.formats,
            dialogue=dialogue,
            language=recipe.language,
            note=f"Sound captions by avtool: {sounds.note}; style {recipe.style}",
            srt_position=recipe.srt_position,
            crlf=recipe.crlf,
            bom=recipe.bom,
        )
        write_cue_table(plan, self.folder / f"{film_id}.cues.csv")
        return files

    def _write_page(self, sounds: FoundSounds, found: FilmSounds, plan: CaptionPlan) -> None:
        film, film_id = sounds.pair.film, sounds.pair.film_id
        page = f"{film_id}.html"
        if sounds.kept and self._is_as_before(film_id):
            link_file(self.earlier / page, self.folder / page)
            return
        recipe = self.recipe
        with optional_report(self.reporter):
            write_preview(
                self.folder / page,
                plan,
                found.seconds,
                film=film if film.is_file() else None,
                language=recipe.language,
                settings=[
                    ("model", sounds.note), ("style", recipe.style), ("dialogue", recipe.merge or "none"),
                ],
                reporter=self.reporter,
            )  # fmt: skip

    def _is_as_before(self, film_id: str) -> bool:
        """Whether the captions of a film are those of the finished artifact, which has its page."""
        written = [
            path for path in self.folder.iterdir() if path.is_file() and path.name.startswith(f"{film_id}.")
        ]
        return (self.earlier / f"{film_id}.html").is_file() and all(
            (self.earlier / path.name).is_file()
            and (self.earlier / path.name).read_bytes() == path.read_bytes()
            for path in written
        )


def read_dialogue(pair: FilmPair, recipe: CaptionRecipe, reporter: Reporter) -> Captions | None:
    """The captions to merge with; None where `auto` finds none.

    Raises:
        BadInputError: the captions that the recipe names cannot be read.
    """
    try:
        if not offers_captions(pair, recipe.language):
            reporter.info(f"{pair.film_name}: captioned without dialogue: none beside it, none in it")
            return None
        return load_film_captions(pair, recipe.language, keep_rows=True)
    except BadInputError as error:
        raise BadInputError(error.message, error.hint.replace("--captions", "--merge")) from error
