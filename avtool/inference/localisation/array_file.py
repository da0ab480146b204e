"""A NumPy file that grows by rows, is resumed after a kill, and is memory-mapped once it is whole."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from avtool.core.files import writing

_HEADER = 128
"""Bytes before the first row: a header of version 1.0 with room for any number of rows."""
_MAGIC = b"\x93NUMPY\x01\x00"


class ArrayFile:
    """Rows of one shape, appended to `NAME.npy`.

    The header is written last: what a killed process left is read by its size.

    Args:
        path: the file.
        shape: of a row.
        dtype: of the values.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: str = "float16") -> None:
        self._path, self._shape, self._dtype = path, shape, np.dtype(dtype)
        self._row = int(np.prod(shape, dtype=int)) * self._dtype.itemsize
        if not path.exists():
            path.write_bytes(bytes(_HEADER))
        self._stream = path.open("r+b")
        size = os.fstat(self._stream.fileno()).st_size
        if size < _HEADER:
            self._stream.write(bytes(_HEADER))
            size = _HEADER
        self.rows = (size - _HEADER) // self._row
        self.cut(self.rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._stream.close()

    def close(self) -> None:
        """Makes it a whole NumPy file."""
        self._write_header()
        self._stream.close()

    def cut(self, rows: int) -> None:
        """Keeps the first rows alone."""
        self.rows = min(rows, self.rows)
        self._stream.truncate(_HEADER + self.rows * self._row)
        self._stream.seek(0, os.SEEK_END)

    def append(self, values: NDArray[np.floating]) -> None:
        """Writes rows (n, *shape); values beyond the range of float16 are clipped to it.

        Raises:
            DiskFullError: there is no room; the rows before these stay.
        """
        assert values.shape[1:] == self._shape, (values.shape, self._shape)
        if self._dtype == np.float16:
            values = np.clip(values, -65504, 65504)
        with writing(self._path):
            self._stream.write(np.ascontiguousarray(values, self._dtype).tobytes())
            self._stream.flush()
        self.rows += len(values)

    def _write_header(self) -> None:
        described = {"descr": self._dtype.str, "fortran_order": False, "shape": (self.rows, *self._shape)}
        text = repr(described).encode("latin1")
        magic = _MAGIC + (_HEADER - 10).to_bytes(2, "little")
        self._stream.seek(0)
        self._stream.write(magic + text.ljust(_HEADER - 11) + b"\n")


def is_whole(path: Path) -> bool:
    """Whether a file was closed after its last row."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(_MAGIC)) == _MAGIC
