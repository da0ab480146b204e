"""Decoded parts of films in memory, the least recently used leaving first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

Part = NDArray[Any]
_MIB = 1 << 20


class PartCache:
    """Arrays by key, of a limited size together.

    Loader processes each have their own, and share the limit.

    Args:
        max_mib: the limit, in MiB. A requested part is always given, however large it is.

    Attributes:
        num_bytes: held now.
        decoded: parts that had to be decoded so far.
    """

    def __init__(self, max_mib: float) -> None:
        self.max_mib = max_mib
        self.num_bytes = 0
        self.decoded = 0
        self._parts: OrderedDict[Hashable, Part] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        """A process that is restarted begins with nothing, rather than with a copy."""
        return {"max_mib": self.max_mib}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def parts(
        self, medium: Hashable, first: int, past: int, decode: Callable[[int, int], list[Part]]
    ) -> list[Part]:
        """The parts `first` … `past` - 1 of a medium.

        Args:
            medium: names the medium, and how it is decoded.
            first: number of the first part.
            past: number after the last part.
            decode: gives the parts of a range of numbers; called once for each range that is not here.
        """
        found = {number: self._get((medium, number)) for number in range(first, past)}
        number = first
        while number < past:
            if found[number] is not None:
                number += 1
                continue
            end = next(n for n in count(number) if n == past or found[n] is not None)
            for place, part in enumerate(decode(number, end), number):
                found[place] = part
                self._put((medium, place), part)
            self.decoded += end - number
            number = end
        return [part for part in found.values() if part is not None]

    def _get(self, key: Hashable) -> Part | None:
        part = self._parts.get(key)
        if part is not None:
            self._parts.move_to_end(key)
        return part

    def _put(self, key: Hashable, part: Part) -> None:
        part.flags.writeable = False  # what is cut from it must not change it
        self._parts[key] = part
        self.num_bytes += part.nbytes
        limit = self.max_mib * _MIB / _num_processes()  # each time: a copy may be in a loader process
        while self.num_bytes > limit:
            self.num_bytes -= self._parts.popitem(last=False)[1].nbytes


def _num_processes() -> int:
    """Loader processes that share the limit."""
    from torch.utils.data import get_worker_info

    info = get_worker_info()
    return 1 if info is None else int(info.num_workers)


def joined(parts: list[Part], like: Part) -> Part:
    """Parts one after the other; an array like `like` where there are none."""
    filled = [part for part in parts if len(part)]
    if len(filled) == 1:
        return filled[0]
    return np.concatenate(filled) if filled else like
