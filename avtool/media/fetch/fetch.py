"""Download of films and captions into a folder, with a table that `avtool mine-subtitles` reads."""

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from avtool.core.errors import BadInputError, MissingError
from avtool.core.reporter import Reporter
from avtool.core.writers import lock_folder, release_folder
from avtool.media.fetch.outcome import FetchResult, NotFetched, Outcome
from avtool.media.fetch.recipe import FetchRecipe
from avtool.media.fetch.table import TABLE_NAME, read_table

_LONGEST = 8192  # characters of an address


def fetch(sources: Sequence[str], out: Path, recipe: FetchRecipe, reporter: Reporter) -> FetchResult:
    """Fetches films and captions into the folder `out`, and keeps its `films.csv` and `archive.txt`.

    A film that is in the archive is left alone, a partial download is continued, and a bad address never
    stops the others. When interrupted, the table holds every finished film and partial files stay.

    Args:
        sources: http and https addresses, and text files with one address a line (`#` begins a comment).
        out: the folder; made when it is not there.
        recipe: the settings.
        reporter: gets each film.

    Raises:
        BadInputError: a source is neither an address nor a readable list, or nothing is left to fetch.
        CorruptArtifactError: the folder's `films.csv` is not a table of films.
        MissingError: no address could be reached at all.
    """
    from avtool.media.fetch.session import FilmSession

    addresses = read_sources(sources)
    refused = [NotFetched(address, reason) for address in addresses if (reason := _refusal(address))]
    wanted = [address for address in addresses if not _refusal(address)]
    if not wanted:
        why = f"`{refused[0].url}`: {refused[0].reason}" if refused else "no address to fetch"
        raise BadInputError(why, "give addresses such as https://example.org/film.mp4")
    lock_folder(out)
    read_table(out / TABLE_NAME)  # a damaged table is refused before anything is downloaded
    with FilmSession(out, recipe, reporter) as session:
        for failure in refused:
            session.fail(failure)
        for address in wanted:
            session.fetch(address)
    release_folder(out)
    _require_network(session.outcome)
    outcome = session.outcome
    return FetchResult(
        out / TABLE_NAME,
        tuple(outcome.rows),
        tuple(outcome.skipped),
        tuple(outcome.failed),
        outcome.archived,
    )


def read_sources(sources: Sequence[str]) -> list[str]:
    """The addresses given and those in list files, each once, in order.

    Raises:
        BadInputError: a source is neither an address nor a readable list.
    """
    addresses: list[str] = []
    for source in sources:
        addresses += [source] if _has_scheme(source) else _read_list(Path(source))
    return list(dict.fromkeys(addresses))


def _read_list(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        hint = "addresses begin with https://"
        raise BadInputError(f"`{path}` is neither an address nor a list file", hint) from error
    except OSError as error:
        raise BadInputError(f"cannot read the list `{path}`: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"the list `{path}` is not text", "write one address a line") from error
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _has_scheme(source: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", source) is not None


def _refusal(address: str) -> str:
    """Why an address cannot be fetched, "" where it can be tried."""
    if not re.match(r"https?://[^/]", address, re.IGNORECASE):
        return "only http and https addresses are fetched"
    try:
        parts = urlsplit(address)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        return f"it is no address ({error})"
    unreadable = not host or len(address) > _LONGEST or not address.isprintable() or port == 0
    return "it is no address" if unreadable else ""


def _require_network(outcome: Outcome) -> None:
    """Raises an error of its own where every address was out of reach: there is no network."""
    if outcome.unreachable and outcome.unreachable == outcome.count:
        first = outcome.failed[0]
        raise MissingError(
            f"no network: cannot reach {first.url} ({first.reason.rpartition(': ')[2]})",
            "check the connection and the address, and run the same command again",
        )
