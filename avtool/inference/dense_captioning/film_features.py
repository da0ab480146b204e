"""Features of a film with their times, checked, on a grid, and cached by content and settings."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avtool.core.artifact import settings_hash
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import read_json, write_json, writing
from avtool.core.parallel import one_at_a_time
from avtool.core.paths import cache_folder
from avtool.data.inputs.content_hash import ContentHashes
from avtool.data.items import Item

Features = NDArray[np.float32]
Parts = Iterable[tuple[Features, NDArray[np.float64]]]
"""Features (n, D) of a film in the order of time, with the times of their middles in seconds."""
_CARD, _VALUES, _TIMES = "card.json", "values.f16", "times.f64"


@dataclass(frozen=True)
class FilmFeatures:
    """Features of one film.

    Attributes:
        values: (N, D) float16, on disk until they are read.
        times: (N,) seconds, ascending: of the middle of what each was computed from.
        name: of the film and its stream, for messages.
    """

    values: NDArray[np.float16]
    times: NDArray[np.float64]
    name: str

    def on_grid(self, first: int, count: int, step: float) -> Features:
        """The features of `count` steps of `step` seconds from number `first` on, (count, D) float32.

        A step has the mean of the features inside it; without any it has the nearest.
        """
        edges = (first + np.arange(count + 1)) * step
        bounds = np.searchsorted(self.times, edges)
        offset = max(0, int(bounds[0]) - 1)
        taken = np.asarray(self.values[offset : bounds[-1] + 1], np.float32)
        inside = taken[: max(1, bounds[-1] - offset)]
        sums = np.add.reduceat(inside, np.minimum(bounds[:-1] - offset, len(inside) - 1))
        counts = np.diff(bounds)[:, None]
        middle = (edges[:-1] + edges[1:]) / 2
        last = len(self.times) - 1
        after = np.clip(np.searchsorted(self.times, middle), 1, max(last, 1)).clip(max=last)
        before = np.maximum(after - 1, 0)
        nearest = np.where(middle - self.times[before] <= self.times[after] - middle, before, after)
        near = taken[np.clip(nearest - offset, 0, len(taken) - 1)]
        found: Features = np.where(counts > 0, sums / np.maximum(counts, 1), near)
        return found


def checked(features: FilmFeatures, dim: int | None, origin: str) -> FilmFeatures:
    """The same, if nothing is wrong with it.

    Raises:
        BadInputError: it has no steps, another width, a value that is no number, or no ascending times.
    """
    values, times = features.values, features.times
    if values.ndim != 2 or len(values) == 0 or len(times) != len(values) or np.any(np.diff(times) <= 0):
        message = f"{origin} does not hold (steps, width) features with ascending times"
        raise BadInputError(message, "make them again")
    if dim is not None and values.shape[1] != dim:
        message = f"{features.name} has {values.shape[1]} columns, the model expects {dim}"
        raise BadInputError(message, "give the features that it was trained on")
    for start in range(0, len(values), 4096):
        bad = np.flatnonzero(~np.isfinite(values[start : start + 4096]).all(axis=1))
        if len(bad):
            message = f"{features.name} is not finite at step {start + bad[0]} ({origin})"
            raise BadInputError(message, "make the features again")
    return features


def cached_features(
    film: Item, settings: Mapping[str, Any], compute: Callable[[], Parts], name: str, dim: int | None
) -> FilmFeatures:
    """The features of a film: from the cache, or computed now.

    Args:
        film: a film, or a clip.
        settings: what decides the features, beside the film's content.
        compute: gives them part by part, so that memory does not grow with the film's length.
        name: of the film and its stream, for messages.
        dim: width that a model expects, or None.

    Raises:
        BadInputError: the film cannot be read, or the features cannot be used.
        CorruptArtifactError: the cache is damaged.
    """
    hashes = ContentHashes(cache_folder() / "media-hashes.json")
    card = {"content": hashes.of(film.ready()), **settings}
    hashes.save()
    span = [film.clip.start, film.clip.end] if film.clip else []
    folder = cache_folder() / f"streams-{settings_hash([card, span])}"
    with one_at_a_time(folder):  # of processes that train together one computes
        if not (folder / _CARD).is_file():
            width = 0
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
                with (folder / _VALUES).open("wb") as values, (folder / _TIMES).open("wb") as times:
                    for features, middles in compute():
                        width = features.shape[1]
                        features.astype(np.float16).tofile(values)
                        middles.tofile(times)
            write_json(folder / _CARD, {**card, "width": width})
    width = read_json(folder / _CARD)["width"]
    try:
        stored = np.memmap(folder / _VALUES, np.float16, "r").reshape(-1, width)
        found = FilmFeatures(stored, np.fromfile(folder / _TIMES, np.float64), name)
    except (OSError, ValueError) as error:
        raise CorruptArtifactError(f"`{folder}` is damaged ({error})", "remove it") from error
    return checked(found, dim, f"`{folder}`")
