"""The films of the benchmark: their own SDH tracks, and the captions to score."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from avtool.captioning.plan import plan_captions
from avtool.captioning.style import CaptionStyle
from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.evaluation.dense_captions.segments import read_submission
from avtool.evaluation.sound_captions.scores import CaptionedFilm
from avtool.evaluation.sound_captions.track import SoundTrack, read_sound_track, sound_cues
from avtool.media.captions.cue import Captions
from avtool.media.captions.reading import read_captions
from avtool.media.probe import probe
from avtool.mining.alignment import on_film_clock
from avtool.mining.pairing import (
    CAPTION_SUFFIXES,
    FilmPair,
    caption_file_of,
    fetch_pair,
    load_film_captions,
    pair_films,
)

_PREFERRED = (".vtt", ".srt", ".ttml")
_NO_SOUNDS = "has no sound captions"


@dataclass(frozen=True)
class TrueFilm:
    """A film's own track.

    Attributes:
        name: of the film, and of the files of its captions up to their first dot.
        file: film, or caption file where there is no film.
        track: its SDH track.
        seconds: length of the film, or the end of its last cue.
        is_film: whether it is a film.
    """

    name: str
    file: Path
    track: SoundTrack
    seconds: float
    is_film: bool


def read_films(data: Path, captions: str, language: str, reporter: Reporter) -> list[TrueFilm]:
    """The films with an SDH track of `--data`; of several, those without sounds are skipped with a warning.

    Args:
        data: a film, a folder of films, a table with the columns film,captions, or an SDH file alone.
        captions: of a film: auto, stream:N, or a file.
        language: to prefer among several tracks.
        reporter: warned of films without sound captions.

    Raises:
        BadInputError: there is no such file, or no sound caption.
    """
    if data.suffix.lower() in CAPTION_SUFFIXES:
        read = read_captions(data, language=language)
        track = read_sound_track(read, data)
        end = max((cue.end_ms for cue in read.cues), default=0) / 1000
        films = [TrueFilm(data.name.partition(".")[0], data, track, end, is_film=False)]
    else:
        films = [_of_pair(pair, language) for pair in pair_films([str(data)], captions)]
    silent = [film for film in films if not film.track.sounds or not film.seconds]
    if len(silent) == len(films):
        hint = "give a track for the deaf and hard of hearing: --captions stream:N, or a file"
        raise BadInputError(f"`{films[0].file}` {_NO_SOUNDS}", hint)
    for film in silent:
        reporter.warn(f"`{film.file}` {_NO_SOUNDS}: skipped")
    return [film for film in films if film.track.sounds and film.seconds]


def _of_pair(pair: FilmPair, language: str) -> TrueFilm:
    fetch_pair(pair)
    info = probe(pair.film)
    read = on_film_clock(load_film_captions(pair, language, info.fps), info)
    end = max((cue.end_ms for cue in read.cues), default=0) / 1000
    track = read_sound_track(read, caption_file_of(pair, language))
    return TrueFilm(pair.film_id, pair.film, track, info.duration_s or end, is_film=True)


def read_predictions(
    path: Path, films: list[TrueFilm], dialogue: Path | None, language: str
) -> tuple[list[CaptionedFilm], list[str]]:
    """The captions to score beside each film's own.

    Args:
        path: a caption file of the only film, a folder with a file for each film (`film.vtt`,
            `film.en-sdh.srt`), or a submission with the films' names.
        films: with their tracks.
        dialogue: the dialogue file that captions of the only film were merged with; default: the film's own.
        language: to prefer in files that hold several.

    Returns:
        The films, and the names of those without captions, which have none.

    Raises:
        BadInputError: a file cannot be read, or none belongs to a film.
    """
    own = read_sound_track(read_captions(dialogue, language=language), dialogue) if dialogue else None
    given: Mapping[str, SoundTrack]
    if path.suffix.lower() == ".json":
        segments = read_submission(path)
        given = {
            film.name: SoundTrack(sound_cues(segments[film.name], film.track.language or language))
            for film in films
            if film.name in segments
        }
    else:
        files = _files(path, films)
        given = {
            name: read_sound_track(read_captions(file, language=language), file)
            for name, file in files.items()
        }
    if not given:
        names = ", ".join(f"`{film.name}`" for film in films[:3])
        raise BadInputError(
            f"`{path}` has no captions of {names}", "name the files like the films: film.en.vtt"
        )
    missing = [film.name for film in films if film.name not in given]
    return [
        CaptionedFilm(
            film.name, given.get(film.name, SoundTrack(())), film.track, film.seconds, own or film.track
        )
        for film in films
    ], missing


def caption_films(
    model: Path,
    films: list[TrueFilm],
    style: CaptionStyle,
    reporter: Reporter,
    *,
    phrases: Path | None = None,
    thresholds: Path | None = None,
    device: str = "auto",
) -> list[CaptionedFilm]:
    """The films captioned by a model, as `avtool caption` does it, beside each film's own captions.

    Raises:
        BadInputError: there is a track without its film, or the model captions no films.
    """
    from avtool.core.runtime import RuntimeRecipe
    from avtool.data.items import Item
    from avtool.inference.captioner import ModelOptions, open_captioner

    if lonely := next((film for film in films if not film.is_film), None):
        raise BadInputError(f"`{lonely.file}` is no film, and --model captions films", "give --data film.mkv")
    options = ModelOptions(phrases=phrases, thresholds=thresholds, runtime=RuntimeRecipe(device=device))
    captioner = open_captioner(model, options, reporter)
    captioned = []
    with reporter.progress("captioning", len(films)) as bar:
        for film in films:
            heard = captioner.listen(Item(str(film.file), film.file), reporter)
            plan = plan_captions(heard.events, style, duration=heard.seconds)
            track = read_sound_track(Captions(plan.cues, "vtt", "utf-8", str(model), "en"), None)
            captioned.append(CaptionedFilm(film.name, track, film.track, film.seconds))
            bar.advance(note=film.file.name)
    return captioned


def _files(path: Path, films: list[TrueFilm]) -> dict[str, Path]:
    """Film → its caption file."""
    if not path.is_dir():
        if len(films) > 1:
            message = f"`{path}` is one caption file, and there are {len(films)} films"
            raise BadInputError(message, "give a folder with a file for each film")
        return {films[0].name: path}
    files = [file for file in sorted(path.rglob("*")) if file.suffix.lower() in CAPTION_SUFFIXES]
    found = {}
    for film in films:
        stem = film.name.casefold()
        own = [
            file
            for file in files
            if file.name.casefold().startswith(f"{stem}.") or file.parent.name == film.name
        ]
        if own:
            found[film.name] = min(own, key=_preference)
    return found


def _preference(file: Path) -> int:
    suffix = file.suffix.lower()
    return _PREFERRED.index(suffix) if suffix in _PREFERRED else len(_PREFERRED)
