"""Training samples of query localisation: a query with a window of features of its film."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avtool.inference.localisation.film_index import FilmIndex
from avtool.tasks.localisation.queries import NEEDED, FrameQuery
from avtool.tasks.localisation.recipe import QueriedFilmsRecipe
from avtool.tasks.localisation.windows import Window, crop_window, draw_window, plan_epoch

if TYPE_CHECKING:
    from torch import Tensor

Half = NDArray[np.float16]
_FOREGROUND = (1.0, 0.0, 0.0, 0.0)
ABSENT = -1
"""In the place of a frame: a window has fewer segments."""


class QueryWindows:
    """Windows of films around the segments of queries.

    Which query a sample has follows from (seed, epoch) and its index; type, place, crop and dropped modality
    of its window from (seed, epoch, index).

    Args:
        queries: of the films.
        indexes: of the films, by number.
        tokens: (L, C) of each query.
        kinds: of the model, in its order.
        widths: (tokens, width) of a frame's features by modality that the model takes.
        recipe: how windows are drawn.
        seed: of the run.
        train: whether kinds are drawn and windows of all types; else each query has a window that holds a
            segment, the same in every epoch.
    """

    def __init__(
        self,
        queries: Sequence[FrameQuery],
        indexes: Sequence[FilmIndex],
        tokens: Sequence[Half],
        kinds: Sequence[str],
        widths: Mapping[str, tuple[int, int]],
        recipe: QueriedFilmsRecipe,
        seed: int,
        *,
        train: bool,
    ) -> None:
        self.queries, self.indexes, self.tokens = queries, indexes, tokens
        self.kinds, self.widths, self.recipe = tuple(kinds), widths, recipe
        self._seed, self._train, self._epoch = seed, train, 0
        self._plan: tuple[int, NDArray[np.int64]] | None = None
        self._by_kind = {
            kind: [number for number, query in enumerate(queries) if query.row.kind == kind]
            for kind in self.kinds
        }

    def set_epoch(self, epoch: int) -> None:
        """Draws the next samples for an epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return (self.recipe.samples if self._train else 0) or len(self.queries)

    def query_of(self, index: int) -> int:
        """The number of the query that a sample has in this epoch."""
        if not self._train:
            return index
        if self._plan is None or self._plan[0] != self._epoch:
            rng = np.random.default_rng([self._seed, self._epoch])
            self._plan = self._epoch, plan_epoch(self._by_kind, len(self), self.recipe.power, rng)
        return int(self._plan[1][index])

    def __getitem__(self, index: int) -> "dict[str, Tensor]":
        import torch

        number = self.query_of(index)
        query, recipe = self.queries[number], self.recipe
        rng = np.random.default_rng([self._seed, self._epoch if self._train else 0, index, 1])
        kind = query.row.kind
        shares = recipe.shares(kind) if self._train else _FOREGROUND
        window = draw_window(query.segments, query.frames, recipe.window_of(kind), shares, rng)
        if self._train and rng.random() < recipe.crop:
            window = crop_window(window, query.segments, rng)
        arrays = {
            **self._evidence(self.indexes[query.film], window, self._dropped(query, rng)),
            **window_targets(query, window),
            "query": self.tokens[number],
            "query_mask": np.ones(len(self.tokens[number]), bool),
            "kind": np.array(self.kinds.index(kind)),
            "film": np.array(query.film),
            "valid": np.ones(window.length, bool),
            "index": np.array(index),
        }
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def _dropped(self, query: FrameQuery, rng: np.random.Generator) -> str:
        """The modality that a window loses; the one that the query needs is never lost, nor the only one."""
        drawn = rng.random()
        index = self.indexes[query.film]
        there = [name for name in self.widths if getattr(index, name) is not None]
        spare = [name for name in there if name != NEEDED.get(query.row.kind)]
        if not self._train or len(there) < 2 or drawn >= self.recipe.drop:
            return ""
        return str(rng.choice(spare))

    def _evidence(self, index: FilmIndex, window: Window, dropped: str) -> dict[str, NDArray[Any]]:
        found: dict[str, NDArray[Any]] = {}
        for name, shape in self.widths.items():
            values: Half | None = getattr(index, name)
            present = values is not None and name != dropped
            found[f"{name}_present"] = np.array(present)
            if values is None or not present:
                found[name] = np.zeros((window.length, *shape), np.float16)
            else:
                found[name] = np.array(values[window.start : window.start + window.length])
        return found


def window_targets(query: FrameQuery, window: Window) -> dict[str, NDArray[Any]]:
    """What the network should find in a window of T frames.

    Args:
        query: with its segments and boxes.
        window: of its film.

    Returns:
        `edges` (K, 2) first and last frame of each segment in the window, one row of `ABSENT` without any;
        `foreground` (T,); `boxes` (T, 4) and `box_present` (T,).
    """
    inside = window.inside(query.segments)
    foreground = np.zeros(window.length, bool)
    for first, last in inside.tolist():
        foreground[first : last + 1] = True
    boxes, present = np.full((window.length, 4), 0.5, np.float32), np.zeros(window.length, bool)
    places = query.box_frames - window.start
    there = (places >= 0) & (places < window.length)
    boxes[places[there]] = query.boxes[there]
    present[places[there]] = True
    edges = inside if len(inside) else np.full((1, 2), ABSENT, np.int64)
    return {"edges": edges, "foreground": foreground, "boxes": boxes, "box_present": present}


_FILL = {"edges": ABSENT}


def collate_windows(samples: "Sequence[dict[str, Tensor]]") -> "dict[str, Tensor]":
    """A batch of windows: each array padded to the largest on every axis.

    Padding is 0, or False; `ABSENT` of edges. Tokens of queries are padded to the widest kind.
    """
    import torch

    batch = {}
    for name in samples[0]:
        values = [sample[name] for sample in samples]
        shape = [max(sizes) for sizes in zip(*(value.shape for value in values), strict=True)]
        whole = torch.full((len(values), *shape), _FILL.get(name, 0), dtype=values[0].dtype)
        for row, value in zip(whole, values, strict=True):
            row[tuple(slice(0, size) for size in value.shape)] = value
        batch[name] = whole
    return batch
