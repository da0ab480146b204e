"""Shards of a batch: every n-th input of a list, for machines without a cluster, and what joins them again.

Shard i of n holds the inputs i, i + n, i + 2n, …; names and order are those of the whole list. Its artifact
has `shard.json`: the verb, the shard, and the arguments that the whole batch is repeated with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import read_json, write_json

Item = TypeVar("Item")

SHARD = "shard.json"
_MAX_COUNT = 1_000_000


@dataclass(frozen=True)
class Shard:
    """Shard `index` of `count`, from 1 on."""

    index: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """The shard of `--shard 2/8`; the whole batch of an empty text.

        Raises:
            BadInputError: it is none.
        """
        if not text:
            return cls()
        index, _, count = text.partition("/")
        numbers = [
            int(part) if part.isascii() and part.isdecimal() and len(part) < 9 else 0
            for part in (index, count)
        ]
        if not 1 <= numbers[0] <= numbers[1] <= _MAX_COUNT:
            raise BadInputError(f"--shard `{text:.40}` is no shard", "--shard 2/8 is the second of eight")
        return cls(*numbers)

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @property
    def whole(self) -> bool:
        """Whether this is the whole batch."""
        return self.count == 1

    def of(self, items: Sequence[Item]) -> list[Item]:
        """The inputs of the shard.

        Raises:
            BadInputError: it has none.
        """
        mine = list(items[self.index - 1 :: self.count])
        if not mine:
            raise BadInputError(f"shard {self} of {len(items)} inputs is empty", "use fewer shards")
        return mine

    def settings(self) -> dict[str, str]:
        """The setting in which the artifacts of shards differ; nothing for the whole batch."""
        return {} if self.whole else {"shard": str(self)}


WHOLE = Shard()
"""The whole batch."""


def write_shard(folder: Path, verb: str, shard: Shard, arguments: Mapping[str, Any]) -> None:
    """Writes `shard.json` into an artifact that is being made; nothing for the whole batch."""
    if not shard.whole:
        values = {"verb": verb, "index": shard.index, "count": shard.count}
        write_json(folder / SHARD, {**values, "arguments": dict(arguments)})


def read_shards(folders: Sequence[Path], *, all_given: bool = True) -> tuple[str, dict[str, Any]]:
    """The verb and the arguments of the batch that some artifacts are the shards of.

    Args:
        folders: the artifacts, in any order.
        all_given: whether each shard of the batch must be among them.

    Raises:
        BadInputError: they are no shards, of different batches, or not all of one.
        CorruptArtifactError: a `shard.json` is damaged.
    """
    batches, found = [], []
    for folder in folders:
        if not (folder / SHARD).is_file():
            raise BadInputError(f"`{folder}` is no shard of a batch", "`--shard 1/4` of a verb writes one")
        values = read_json(folder / SHARD)
        try:
            batches.append((str(values["verb"]), int(values["count"]), dict(values["arguments"])))
            found.append(int(values["index"]))
        except (KeyError, TypeError, ValueError) as error:
            message = f"`{folder / SHARD}` is damaged ({error!r:.80})"
            raise CorruptArtifactError(message, "run the shard again") from error
    verb, count, arguments = batches[0]
    others = [folder for folder, batch in zip(folders, batches, strict=True) if batch != batches[0]]
    if others:
        message = f"`{others[0]}` and `{folders[0]}` are shards of different batches"
        raise BadInputError(message, "join shards of one list, one model and one recipe")
    if all_given and sorted(found) != list(range(1, count + 1)):
        missing = sorted(set(range(1, count + 1)) - set(found)) or sorted(
            n for n in found if found.count(n) > 1
        )
        state = "is missing" if len(set(found)) < count else "is given twice"
        raise BadInputError(f"shard {missing[0]}/{count} {state}", f"give each of the {count} shards once")
    return verb, arguments
