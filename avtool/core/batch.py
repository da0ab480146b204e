"""The rules of a batch: failures never stop the other inputs, and what was found is kept for a later run.

An artifact of a batch has a folder of parts, a file an input. A later run with equal settings takes them
over, as does the batch that joins its shards.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from avtool.core.artifact_folder import discard_partial
from avtool.core.errors import AvtoolError, DiskFullError, MissingError, NoneDoneError
from avtool.core.files import link_tree
from avtool.core.reporter import Reporter


class Outcome(Protocol):
    """How a batch ended with an input."""

    @property
    def error(self) -> AvtoolError | None:
        """The reason, when the input failed."""


Ended = TypeVar("Ended", bound=Outcome)


@dataclass(frozen=True)
class Wording:
    """The words of a batch's messages: `captioning`, `captioned`, `films`."""

    doing: str
    done: str
    inputs: str


def gather(
    outcomes: Iterable[Ended],
    count: int,
    wording: Wording,
    reporter: Reporter,
    *,
    fail_fast: bool,
    name: Callable[[Ended], str],
    key: Callable[[Ended], str] | None = None,
) -> dict[str, Ended]:
    """All outcomes by key, as they come; failed inputs are warned of.

    Args:
        outcomes: one an input, in any order.
        count: of all inputs.
        wording: for messages.
        reporter: gets progress and failures.
        fail_fast: raise the first error; a full disk or a missing library is raised anyway, as every further
            input would fail alike.
        name: of an input, for messages.
        key: unique in the batch; None for the name.

    Raises:
        NoneDoneError: all inputs failed, with the reason by key.
        AvtoolError: the first error, where it ends the batch.
    """
    found: dict[str, Ended] = {}
    with reporter.progress(wording.doing, count) as bar:
        for outcome in outcomes:
            if outcome.error is not None:
                if fail_fast or isinstance(outcome.error, DiskFullError | MissingError):
                    raise outcome.error
                reporter.warn(f"{name(outcome)} failed: {outcome.error}")
            found[(key or name)(outcome)] = outcome
            bar.advance(note=Path(name(outcome)).name)
    if all(outcome.error is not None for outcome in found.values()):
        message = f"none of the {count} {wording.inputs} could be {wording.done}"
        problems = {one: str(outcome.error) for one, outcome in found.items()}
        raise NoneDoneError(message, "see the warnings above", problems)
    return found


@contextmanager
def open_parts(
    partial: Path, out: Path, name: str, *, overwrite: bool, earlier: Sequence[Path] = ()
) -> Iterator[Path]:
    """The folder of parts in an artifact that is being made, with those of earlier runs.

    An error inside the block discards an artifact that has no part to resume from.

    Args:
        partial: the folder of `open_partial`.
        out: the artifact; its parts are taken over.
        name: of the folder of parts.
        overwrite: take nothing over from `out`.
        earlier: artifacts of shards, whose parts are taken over too.
    """
    parts = partial / name
    if not overwrite and (out / name).is_dir() and not parts.exists():
        link_tree(out / name, parts)
    parts.mkdir(exist_ok=True)
    for folder in earlier:
        link_tree(folder / name, parts)
    try:
        yield parts
    except AvtoolError:
        if not any(parts.iterdir()):
            discard_partial(partial)
        raise


def keep_parts(parts: Path, names: Collection[str]) -> None:
    """Removes the parts of inputs that failed, or are no longer given."""
    for path in parts.iterdir():
        if path.name not in names:
            path.unlink()
