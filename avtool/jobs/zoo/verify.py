"""Verification of the zoo: counted against published figures, and against torchvision's own counts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.errors import AvtoolError
from avtool.core.files import write_csv
from avtool.core.reporter import Reporter
from avtool.jobs.zoo.count import CountedRow, count
from avtool.jobs.zoo.outputs import check_table
from avtool.models.zoo.row import TOLERANCE, Figure, Row

COLUMNS = (
    "name", "task", "library", "params_m", "params_m_counted", "params_difference", "macs_g",
    "macs_g_counted", "macs_difference", "agrees", "reason",
)  # fmt: skip


@dataclass(frozen=True)
class Agreement:
    """A row's counted figures beside its published ones.

    Attributes:
        row: of the catalogue.
        params_m: counted parameters, millions.
        macs_g: counted multiply-accumulates, billions.
        tolerance: relative difference up to which figures agree.
        params_agree, macs_agree: None where nothing was published.
        broken: whether a figure agreed when the catalogue was made, and does not any more.
    """

    row: Row
    params_m: float
    macs_g: float
    tolerance: float

    @property
    def params_agree(self) -> bool | None:
        return _agrees(self.row.params_m, self.params_m, self.tolerance)

    @property
    def macs_agree(self) -> bool | None:
        return _agrees(self.row.macs_g, self.macs_g, self.tolerance)

    @property
    def broken(self) -> bool:
        before = (
            _agrees(self.row.params_m, self.row.params_m_measured, TOLERANCE),
            _agrees(self.row.macs_g, self.row.macs_g_measured, TOLERANCE),
        )
        return any(
            old is True and new is False
            for old, new in zip(before, (self.params_agree, self.macs_agree), strict=True)
        )

    @property
    def disagrees(self) -> bool:
        """Whether any published figure differs from the counted one."""
        return False in (self.params_agree, self.macs_agree)

    def cells(self) -> tuple[object, ...]:
        """The cells of `COLUMNS`."""
        row = self.row
        return (
            row.name, row.task, row.library,
            *_beside(row.params_m, self.params_m), *_beside(row.macs_g, self.macs_g),
            "no" if self.disagrees else "yes", row.reason if self.disagrees else "",
        )  # fmt: skip


@dataclass(frozen=True)
class Share:
    """How many of the rows with a published figure agree with it.

    Attributes:
        rows: which rows.
        params, params_of: agreeing, and all with published parameters.
        macs, macs_of: the same for multiply-accumulates.
    """

    rows: str
    params: int
    params_of: int
    macs: int
    macs_of: int


@dataclass(frozen=True)
class OwnCount:
    """A network of torchvision with what its weights' card states.

    Attributes:
        name: of the network.
        params: counted.
        params_stated: on the card.
        macs_g: counted, billions.
        macs_g_stated: on the card, to three decimals.
    """

    name: str
    params: int
    params_stated: int
    macs_g: float
    macs_g_stated: float

    @property
    def is_exact(self) -> bool:
        """Whether both are equal, MACs to three decimals."""
        return self.params == self.params_stated and round(self.macs_g, 3) == self.macs_g_stated


@dataclass(frozen=True)
class VerifyResult:
    """The agreement of all rows.

    Attributes:
        agreements: row by row.
        shares: of the libraries' rows, by task, and of avtool's own members.
        oracle: torchvision's Transformers.
        failed: rows that could not be counted.
    """

    agreements: Sequence[Agreement]
    shares: Sequence[Share]
    oracle: Sequence[OwnCount]
    failed: Sequence[tuple[Row, AvtoolError]]

    @property
    def passed(self) -> bool:
        """Whether no row that agreed has ceased to, none failed, and torchvision's own counts are exact."""
        return not (
            self.failed
            or any(one.broken for one in self.agreements)
            or not all(one.is_exact for one in self.oracle)
        )


def verify(
    rows: Sequence[Row],
    reporter: Reporter,
    *,
    tolerance: float = TOLERANCE,
    out: Path | None = None,
    overwrite: bool = False,
    cache: bool = True,
) -> VerifyResult:
    """Counts rows and compares them with what was published.

    Args:
        rows: with builders.
        reporter: gets progress and the rows that fail.
        tolerance: relative difference up to which figures agree; half a unit of the last printed digit always
            agrees.
        out: a CSV file for the table.
        overwrite: replace an older table.
        cache: read and write counts in the cache folder.

    Raises:
        AvtoolError: the only row fails, or the file may not be written.
    """
    check_table(out, COLUMNS, overwrite=overwrite)
    reporter.info("counting torchvision's own Transformers and the rows")
    oracle = list(_oracle(reporter, cache=cache))
    result = count(rows, reporter, cache=cache)
    found = [_agreement(one, tolerance) for one in result.rows]
    if out is not None:
        write_csv(out, COLUMNS, [one.cells() for one in found])
    return VerifyResult(found, list(_shares(found)), oracle, result.failed)


def _agreement(one: CountedRow, tolerance: float) -> Agreement:
    return Agreement(one.row, one.count.params / 1e6, one.count.macs / 1e9, tolerance)


def _shares(found: Sequence[Agreement]) -> Iterator[Share]:
    libraries = [one for one in found if one.row.library != "avtool"]
    yield _share("libraries", libraries)
    for task in dict.fromkeys(one.row.task for one in libraries):
        yield _share(f"libraries, {task}", [one for one in libraries if one.row.task == task])
    if own := [one for one in found if one.row.library == "avtool"]:
        yield _share("avtool's members", own)


def _share(name: str, found: Sequence[Agreement]) -> Share:
    params = [one.params_agree for one in found if one.params_agree is not None]
    macs = [one.macs_agree for one in found if one.macs_agree is not None]
    return Share(name, sum(params), len(params), sum(macs), len(macs))


def _oracle(reporter: Reporter, *, cache: bool) -> Iterator[OwnCount]:
    with reporter.progress("counting torchvision's", None) as bar:
        from avtool.models.zoo.oracle import count_torchvision

        for name, params, params_stated, macs, macs_stated in count_torchvision(cache=cache):
            bar.advance(note=name)
            yield OwnCount(name, params, params_stated, macs / 1e9, macs_stated)


def _agrees(figure: Figure | None, counted: float | None, tolerance: float) -> bool | None:
    return None if figure is None or counted is None else figure.agrees(counted, tolerance)


def _beside(figure: Figure | None, counted: float) -> tuple[object, ...]:
    if figure is None:
        return "", round(counted, 3), ""
    return str(figure.value), round(counted, 3), f"{counted / float(figure.value) - 1:+.1%}"
