"""The outcome of a fetch: films fetched, skipped and failed."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from avtool.core.files import without_passwords
from avtool.media.fetch.table import FilmRow


@dataclass(frozen=True, slots=True)
class NotFetched:
    """An address that gave no film, and why."""

    url: str
    reason: str


@dataclass
class Outcome:
    """What became of the films of a run; `archived` counts those that an earlier run had fetched."""

    rows: list[FilmRow] = field(default_factory=list)
    skipped: list[NotFetched] = field(default_factory=list)
    failed: list[NotFetched] = field(default_factory=list)
    archived: int = 0
    unreachable: int = 0

    @property
    def count(self) -> int:
        """How many films are accounted for."""
        return len(self.rows) + len(self.skipped) + len(self.failed) + self.archived


@dataclass(frozen=True)
class FetchResult:
    """What a run fetched.

    Attributes:
        table: the folder's `films.csv`; it holds the films of earlier runs too.
        rows: the films fetched in this run.
        skipped: films without the requested captions, or live.
        failed: addresses that gave no film.
        archived: how many films an earlier run had fetched.
    """

    table: Path
    rows: tuple[FilmRow, ...]
    skipped: tuple[NotFetched, ...]
    failed: tuple[NotFetched, ...]
    archived: int

    def to_dict(self) -> dict[str, Any]:
        """The result as a JSON object."""
        values = {**asdict(self), "table": str(self.table)}
        for row in (*values["rows"], *values["skipped"], *values["failed"]):
            row["url"] = without_passwords(row["url"])
        return values
