"""What became of the films of a run."""

from dataclasses import dataclass, field

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
