"""Outputs of the zoo's measures and runs, checked before the work: nothing of others is replaced."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from avtool.core.artifact import CARD
from avtool.core.errors import BadInputError
from avtool.core.files import check_output_file, check_own_output
from avtool.core.report.page import is_page


def check_table(out: Path | None, columns: Sequence[str], *, overwrite: bool) -> None:
    """Refuses a file that may not take the place of what is there; None is not written.

    Args:
        out: the CSV file to write.
        columns: its header.
        overwrite: whether a table with this header may be replaced.

    Raises:
        BadInputError: it exists, is another table, or cannot be written.
    """

    def is_ours(path: Path) -> bool:
        try:
            with path.open(encoding="utf-8") as stream:
                return stream.readline().strip() == ",".join(columns)
        except (OSError, UnicodeDecodeError):
            return False

    if out is not None:
        check_own_output(out, (), is_ours, "is no such table of avtool", overwrite=overwrite)


def check_page(out: Path, table: Path, *, overwrite: bool) -> None:
    """Refuses a page that would take the place of its table, or of what is no page of avtool.

    Args:
        out: the HTML file to write.
        table: what is drawn.
        overwrite: whether a page may be replaced.

    Raises:
        BadInputError: it exists, is the table, is no page of avtool, or cannot be written.
    """
    check_output_file(out, [table])
    check_own_output(out, [table], is_page, "is no page of avtool", overwrite=overwrite)


def check_files(folder: Path, files: Iterable[Path], sources: Sequence[Path], *, overwrite: bool) -> None:
    """Refuses files that may not take the place of what is there.

    Args:
        folder: of the files.
        files: to write.
        sources: what they are made of.
        overwrite: whether existing files of these names may be replaced.

    Raises:
        BadInputError: the folder is an artifact; a file exists, is a source, or cannot be written.
    """
    if (folder / CARD).exists():
        raise BadInputError(f"`{folder}` is an artifact of avtool", "choose another --out folder")
    for file in files:
        check_output_file(file, (one for one in sources if one.is_file()))
        if file.exists() and not overwrite:
            raise BadInputError(f"`{file}` exists", "add --overwrite, or choose another --out folder")
