"""Counts of the zoo's rows: parameters and MACs at a size, cached by everything that decides them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from avtool.core.artifact import settings_hash
from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.files import read_json, write_json, writing
from avtool.core.paths import cache_folder
from avtool.models.zoo.count import count_parameters
from avtool.models.zoo.example import macs_of_network
from avtool.models.zoo.networks import build, build_on_meta
from avtool.models.zoo.row import Row
from avtool.models.zoo.sizes import size_hint

_COUNTER = 1
"""Of the way of counting; a higher one counts everything again."""


@dataclass(frozen=True)
class Count:
    """What a row's network costs.

    Attributes:
        params: parameters.
        macs: multiply-accumulates of one image.
        height, width: of the image, in pixels.
        num_classes: of the last layer; None for what the row was published with.
        device: `meta`, or `cpu` where the network needs values.
        seconds: that counting took.
        versions: of torch and the library.
        cached: whether it was counted before.
    """

    params: int
    macs: int
    height: int
    width: int
    num_classes: int | None
    device: str
    seconds: float
    versions: str
    cached: bool = False


def count_row(
    row: Row,
    *,
    size: tuple[int, int] | None = None,
    num_classes: int | None = None,
    in_channels: int = 3,
    cache: bool = True,
) -> Count:
    """Counts the parameters and MACs of a row.

    Args:
        row: with a builder.
        size: height and width in pixels; None for the row's.
        num_classes: None for what the row was published with.
        in_channels: of the images.
        cache: read and write counts in the cache folder.

    Raises:
        BadInputError: the network does not take the size, or cannot be built.
        MissingError: its library is absent.
    """
    height, width = size or size_of(row)
    key = [versions_of(row), row.library, row.builder, height, width, num_classes, in_channels]

    def make() -> Count:
        return _count(row, size, num_classes, in_channels)

    return cached_count(key, make) if cache else make()


def cached_count(key: Sequence[object], make: Callable[[], Count]) -> Count:
    """A count of the cache folder, or a new one, which is kept there.

    Args:
        key: everything that decides it, versions of libraries among them.
        make: counts.
    """
    file = cache_folder() / "zoo" / f"{settings_hash([_COUNTER, *key])}.json"
    if (known := _read(file)) is not None:
        return known
    count = make()
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, asdict(count))
    return count


def _count(row: Row, size: tuple[int, int] | None, num_classes: int | None, in_channels: int) -> Count:
    height, width = size or size_of(row)
    begin = time.perf_counter()
    settings: dict[str, Any] = {
        "num_classes": num_classes,
        "in_channels": in_channels,
        "image_size": (height, width),
    }
    try:
        network, device = build_on_meta(row, **settings), "meta"
        macs = macs_of_network(network, row, (height, width), in_channels)
    except BadInputError as error:
        if size is None or size == row.size:
            raise
        raise wrong_size(row, (height, width), error) from error
    except (NotImplementedError, RuntimeError, AssertionError, ValueError, IndexError) as error:
        if not isinstance(error, NotImplementedError) and "meta" not in str(error):
            raise wrong_size(row, (height, width), error) from error
        network, device = build(row, **settings), "cpu"
        macs = macs_of_network(network, row, (height, width), in_channels)
    seconds = round(time.perf_counter() - begin, 3)
    return Count(
        count_parameters(network), macs, height, width, num_classes, device, seconds, versions_of(row)
    )


def size_of(row: Row) -> tuple[int, int]:
    """Height and width at which a row is counted.

    Raises:
        BadInputError: the row has none.
    """
    if row.size is None:
        raise BadInputError(f"`{row.name}` has no image size", "give --image-size")
    return row.size


def versions_of(row: Row) -> str:
    """The versions that decide a count: of torch, and of the libraries that build the row."""
    names = {"transformers": ("torch", "transformers", "timm"), "avtool": ("torch", "timm")}
    return named_versions(*names.get(str(row.library), ("torch", str(row.library))))


def named_versions(*libraries: str) -> str:
    """Libraries with their versions."""
    return ", ".join(f"{name} {_version(name)}" for name in libraries)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _read(file: Path) -> Count | None:
    """A count of the cache; None where it is absent or damaged."""
    try:
        values: Mapping[str, Any] = read_json(file) if file.is_file() else {}
        return Count(**{**values, "cached": True}) if values else None
    except (AvtoolError, TypeError):  # damaged: it is made again
        return None


def wrong_size(row: Row, size: tuple[int, int], error: Exception) -> BadInputError:
    """The error of a size that a row does not take, with the accepted multiple and the nearest sizes."""
    cause = error.__cause__ or error  # of a network that could not be built
    reason = " ".join(str(cause).split())[:120] or type(cause).__name__
    message = f"`{row.name}` does not take images of {size[0]}x{size[1]} ({reason})"
    return BadInputError(message, size_hint(row, size))
