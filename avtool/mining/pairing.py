"""The pairing of films and captions: from a table, by hand, beside the film, or inside it."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.addresses import is_address
from avtool.core.errors import BadInputError
from avtool.core.files import csv_value, is_file
from avtool.media.addresses import fetch, is_elsewhere, local_path
from avtool.media.captions.cue import Captions
from avtool.media.captions.draft import shorten
from avtool.media.captions.embedded import choose_caption_stream, list_caption_streams, read_caption_stream
from avtool.media.captions.reading import read_captions
from avtool.media.suffixes import films_in

AUTO = "auto"
CAPTION_SUFFIXES = (
    ".vtt", ".srt", ".ass", ".ssa", ".ttml", ".dfxp", ".xml",
    ".scc", ".stl", ".smi", ".sami", ".sub", ".sbv", ".mpl",
)  # fmt: skip
_SDH = re.compile(r"(?<![a-z])(sdh|cc|hi|captions?)(?![a-z])", re.IGNORECASE)
_STREAM = re.compile(r"stream:(\d+)")
_MAX_ROWS = 1_000_000
_MOST_DIGITS = 6


@dataclass(frozen=True)
class FilmPair:
    """A film to mine.

    Attributes:
        film_id: a name unique in this batch, fit for a folder.
        film: the media file.
        captions: `auto`, `stream:N`, or the path of a caption file.
        elsewhere: addresses of film and captions that `fetch_pair` copies to these paths.
        audio_stream: the container's number of the audio stream, None to choose by language.
        for_dialogue: whether `auto` prefers dialogue to a track that describes sounds.
    """

    film_id: str
    film: Path
    captions: str
    elsewhere: tuple[str, ...] = ()
    audio_stream: int | None = None
    for_dialogue: bool = False

    @property
    def film_name(self) -> str:
        """The film as a dataset names it: by its path, or by its address."""
        address = next((name for name in self.elsewhere if local_path(name) == self.film), None)
        return address or str(self.film)


def pair_films(films: Sequence[str], captions: str) -> list[FilmPair]:
    """The films to mine, from the command line's words.

    Args:
        films: media files, folders of them, or CSV files with the columns `film,captions` and, where wanted,
            `audio_stream` (paths relative to the table); for each an address will do.
        captions: the value of `--captions`; a file can belong to one film only.

    Raises:
        BadInputError: there is no film, a table lacks a column or a row lacks a film.
    """
    pairs: list[tuple[str, str, int | None]] = []
    for name in films:
        if not is_address(name) and Path(name).is_dir():
            pairs += [(str(film), captions, None) for film in films_in(Path(name))]
            continue
        is_table = Path(name).suffix.lower() == ".csv"
        pairs += _read_table(fetch(name), captions) if is_table else [(name, captions, None)]
    if not pairs:
        raise BadInputError("no films given", "name films, or a CSV file with the columns film,captions")
    if len(pairs) > 1 and captions != AUTO and not _STREAM.fullmatch(captions):
        message = f"--captions `{captions}` is one file, but {len(pairs)} films are given"
        raise BadInputError(message, "write a CSV file with the columns film,captions")
    names = _unique_names([local_path(film) for film, *_ in pairs])
    return [
        FilmPair(
            name,
            local_path(film),
            str(local_path(chosen)) if is_address(chosen) else chosen,
            tuple(filter(is_elsewhere, (film, chosen))),
            audio_stream,
        )
        for name, (film, chosen, audio_stream) in zip(names, pairs, strict=True)
    ]


def fetch_pair(pair: FilmPair) -> None:
    """Copies into the cache what of a film lies elsewhere.

    Raises:
        BadInputError: it cannot be read.
        MissingError: the library of its protocol is not installed.
    """
    for address in pair.elsewhere:
        fetch(address)


def _read_table(table: Path, default: str) -> list[tuple[str, str, int | None]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            columns = rows.fieldnames or []
            if "film" not in columns:
                found = ", ".join(columns) or "nothing"
                message = f"`{table}` has no column `film` (found: {found})"
                raise BadInputError(message, "its first line is film,captions")
            pairs = [_read_row(table, number, row, default) for number, row in enumerate(rows, start=2)]
    except OSError as error:
        hint = "give films, a folder of films, or a table whose first line is film,captions"
        raise BadInputError(f"cannot read `{table}`: {error.strerror}", hint) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"`{table}` is not a CSV file in UTF-8 ({error})") from error
    if len(pairs) > _MAX_ROWS:
        raise BadInputError(f"`{table}` has {len(pairs)} rows, more than {_MAX_ROWS}", "split the table")
    return pairs


def _read_row(
    table: Path, number: int, row: dict[str, str | None], default: str
) -> tuple[str, str, int | None]:
    film = _as_path(table, row.get("film"))
    if not film:
        raise BadInputError(f"`{table}` line {number} names no film")
    captions = _as_path(table, row.get("captions")) or default
    if captions != AUTO and not _STREAM.fullmatch(captions) and not is_address(captions):
        captions = str(table.parent / captions)
    stream = (row.get("audio_stream") or "").strip()
    if stream and not (stream.isdecimal() and len(stream) < _MOST_DIGITS):
        message = f"`{table}` line {number}: audio_stream `{shorten(stream)}` is no stream number"
        raise BadInputError(message, "`avtool show FILM` numbers the streams; leave it empty to choose")
    path = film if is_address(film) else str(table.parent / film)
    return path, captions, int(stream) if stream else None


def _as_path(table: Path, cell: str | None) -> str:
    r"""A cell as a path is written here: `films\a.mkv` is `films/a.mkv`, unless a file has that very name."""
    name = csv_value((cell or "").strip())
    return name if is_address(name) or is_file(table.parent / name) else name.replace("\\", "/")


def _unique_names(films: Sequence[Path]) -> list[str]:
    names: list[str] = []
    seen: dict[str, int] = {}
    for film in films:
        stem = re.sub(r"[^\w.-]+", "_", film.stem).strip("._") or "film"
        key = stem.casefold()
        seen[key] = seen.get(key, 0) + 1
        names.append(stem if seen[key] == 1 else f"{stem}-{seen[key]}")
    if len({name.casefold() for name in names}) < len(names):  # `a`, `a`, `a-2`: number every one of them
        return [f"{index:04d}-{name}" for index, name in enumerate(names)]
    return names


def film_ids_below(folder: Path, films: Sequence[Path]) -> dict[Path, str]:
    """Names of films of a folder by their paths in it, which films that are added later leave as they are.

    Films whose paths differ by suffix alone are the exception: the later ones get a number.
    """
    inside = [film.relative_to(folder) for film in films]
    names = _unique_names([Path("_".join(path.parts)) for path in inside])
    return dict(zip(films, names, strict=True))


def caption_file_of(pair: FilmPair, language: str) -> Path | None:
    """The caption file that a film's captions come from; None when they come from a stream of the film."""
    if _STREAM.fullmatch(pair.captions):
        return None
    if pair.captions != AUTO:
        return Path(pair.captions)
    return captions_beside(pair.film, language, for_dialogue=pair.for_dialogue)


def offers_captions(pair: FilmPair, language: str) -> bool:
    """Whether captions are named, or `auto` finds some that can be read.

    Raises:
        BadInputError: the film cannot be opened.
    """
    if pair.captions != AUTO or caption_file_of(pair, language) is not None:
        return True
    return any(stream.readable for stream in list_caption_streams(pair.film))


def load_film_captions(
    pair: FilmPair, language: str, fps: float | None = None, *, keep_rows: bool = False
) -> Captions:
    """The captions of a film, read.

    Args:
        pair: the film and where its captions are.
        language: the language to prefer among several.
        fps: the film's frame rate, for caption formats that count frames.
        keep_rows: whether rows that roll-up captions repeat stay, as the file has them.

    Raises:
        BadInputError: there are none, or they cannot be read; the message lists what the film offers.
    """
    if stream := _STREAM.fullmatch(pair.captions):
        return read_caption_stream(pair.film, int(stream[1]), keep_rows=keep_rows)
    path = caption_file_of(pair, language)
    if path is not None:
        if not path.is_file():
            raise BadInputError(f"no caption file `{path}`", "check --captions, or the column `captions`")
        return read_captions(path, fps=fps, language=language, keep_rows=keep_rows)
    streams = list_caption_streams(pair.film)
    if not streams:
        message = f"`{pair.film}` has no captions: none beside it, no stream in it"
        raise BadInputError(message, "give them with --captions FILE")
    chosen = choose_caption_stream(streams, language, for_dialogue=pair.for_dialogue)
    return read_caption_stream(pair.film, chosen.index, keep_rows=keep_rows)


def captions_beside(film: Path, language: str, *, for_dialogue: bool = False) -> Path | None:
    """The caption file that stands beside a film: `film.srt`, `film.en.sdh.vtt`, …; None if there is none.

    The wanted language, or none in the name, comes first; then captions for the deaf (`for_dialogue`: those
    that are not); then a name without any language.
    """
    stem = film.stem.casefold()
    candidates = [
        path
        for path in (film.parent.iterdir() if film.parent.is_dir() else ())
        if path.suffix.lower() in CAPTION_SUFFIXES and path.is_file() and path != film
        if path.stem.casefold() == stem or path.stem.casefold().startswith(f"{stem}.")
    ]

    def rank(path: Path) -> tuple[bool, bool, bool, str]:
        marked = path.stem[len(stem) :].strip(".")
        languages = {re.split(r"[-_]", mark)[0].casefold() for mark in marked.split(".")}
        foreign = bool(marked) and language.casefold() not in languages
        return foreign, bool(_SDH.search(marked)) is for_dialogue, bool(marked), path.name

    return min(candidates, key=rank, default=None)
