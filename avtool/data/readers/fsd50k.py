"""FSD50K (Fonseca et al., 2022): `FSD50K.ground_truth/dev.csv` and `eval.csv` beside the folders of audio."""

from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.data.labels import LabelClass
from avtool.data.readers.csv_table import read_tables
from avtool.data.readers.layouts import reads
from avtool.data.readers.source import ReadOptions, Source
from avtool.data.readers.tables import Columns, read_lines

_TRUTH = "FSD50K.ground_truth"


def recognises(path: Path) -> bool:
    """Whether the folder has the ground truth."""
    return bool(_lists(path))


@reads("fsd50k", "FSD50K: `FSD50K.ground_truth`.", recognises)
def read(path: Path, options: ReadOptions) -> Source:
    """Reads the lists of both parts: `train` and `val` of the development part, `test` is the evaluation.

    The classes are those of `vocabulary.csv` beside them where it is there, in its order.

    Raises:
        BadInputError: there is no list, or a row is wrong.
    """
    lists = _lists(path)
    if not lists:
        raise BadInputError(
            f"there is no `{_TRUTH}/dev.csv` in `{path}`", f"give the folder above `{_TRUTH}`"
        )
    source = read_tables("fsd50k", path, lists, options)
    vocabulary = path / _TRUTH / "vocabulary.csv"
    if not vocabulary.is_file():
        return source
    lines = read_lines(vocabulary)  # without a header: index, label, AudioSet's code
    columns = Columns(vocabulary, ("index", "label", "mid"), ())
    classes = tuple(
        LabelClass(columns.text(line, "label"), columns.text(line, "mid"))
        for line in lines
        if columns.text(line, "index").isdecimal()
    )
    return Source(
        "fsd50k",
        source.clips,
        media=path,
        inputs=(*source.inputs, vocabulary),
        classes={"classes": classes},
    )


def _lists(path: Path) -> list[Path]:
    return [file for name in ("dev", "eval") if (file := path / _TRUTH / f"{name}.csv").is_file()]
