"""Mean and deviation of the features that a network of query localisation learns from."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import nn

from avtool.tasks.localisation.queries import QueriedFilms
from avtool.tasks.localisation.samples import Half

_ROWS = 20_000
"""Tokens of a stream at most: enough for a deviation to a percent."""


def measure_scales(model: nn.Module, films: QueriedFilms, tokens: Sequence[Half]) -> None:
    """Measures the scales of a `Minotaur` on the training films and on the tokens of their queries.

    Args:
        model: changed in place.
        films: with the queries that are learned from.
        tokens: (L, C) of each of these queries.
    """
    indexes = [films.indexes[film] for film in sorted({query.film for query in films.train})]
    streams: dict[str, Iterable[Half | None]] = {
        "visual": [index.visual for index in indexes],
        "audio": [index.audio for index in indexes],
    }
    for kind in films.kinds:
        own = (values for query, values in zip(films.train, tokens, strict=True) if query.row.kind == kind)
        streams[f"{kind}_query"] = list(own)
    for name, scale in model.scales.items():  # type: ignore[operator, union-attr]
        parts = [values for values in streams[name] if values is not None]
        if parts:
            scale.measure(_some_rows(parts))


def _some_rows(parts: Sequence[Half]) -> torch.Tensor:
    """(N, width): rows of all parts, evenly."""
    total = sum(int(np.prod(part.shape[:-1])) for part in parts)
    every = max(1, -(-total // _ROWS))
    rows = [np.asarray(part[::every] if part.ndim == 3 else part, np.float32) for part in parts]
    return torch.from_numpy(np.concatenate([one.reshape(-1, one.shape[-1]) for one in rows]))
