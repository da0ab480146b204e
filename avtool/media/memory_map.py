"""Reading a long memory-mapped array without the whole of it staying resident."""

import mmap
from typing import Any

from numpy.typing import NDArray


def release_pages(array: NDArray[Any]) -> None:
    """Gives back the memory of what was read so far; the content stays on disk, and can be read again.

    The pages of a map count as the process's memory until the system wants them back. An array that is no
    memory map is left alone.
    """
    mapped = getattr(array, "_mmap", None)
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
