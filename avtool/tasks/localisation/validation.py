"""Validation of query localisation: the loss of fixed windows, and recall over whole films."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from avtool.core.reporter import Silent
from avtool.core.runtime import RuntimeRecipe
from avtool.evaluation.localisation.overlap import tiou
from avtool.inference.localisation.film_index import FilmIndex
from avtool.inference.localisation.grounding import GroundingEngine
from avtool.inference.localisation.recipes import GroundingRecipe
from avtool.inference.localisation.segments import RankingRecipe, rank
from avtool.tasks.localisation.queries import FrameQuery
from avtool.tasks.localisation.samples import Half

if TYPE_CHECKING:
    import torch
    from torch import nn

    from avtool.training.validation import Validation

TIOU = 0.5
"""Strictly above it, a segment is found."""


@dataclass(frozen=True)
class EncodedQuery:
    """A query whose tokens are computed.

    Attributes:
        kind: of it.
        name: for messages.
        values: (L, C) tokens.
    """

    kind: str
    name: str
    values: Half


class _Computed:
    """Encoders of queries whose tokens are computed."""

    def tokens(self, query: EncodedQuery) -> Any:
        """(L, C) float32."""
        return query.values.astype(np.float32)


@dataclass(frozen=True)
class GroundingValidation:
    """Scores validation queries.

    Attributes:
        windows: measures the loss.
        queries: over whole films.
        indexes: of the films, by number.
        tokens: (L, C) of each query.
        frames: of a window of each kind of query; windows overlap by half.
        stride: frames from one encoded frame to the next.
        runtime: precision.
    """

    windows: "Validation"
    queries: Sequence[FrameQuery]
    indexes: Sequence[FilmIndex]
    tokens: Sequence[Half]
    frames: Mapping[str, int]
    stride: int
    runtime: RuntimeRecipe

    def __call__(self, model: "nn.Module", device: "torch.device") -> Mapping[str, float]:
        losses = self.windows(model, device)
        if not np.isfinite(losses["loss"]):
            raise FloatingPointError("the loss of the validation windows is not finite")
        found: dict[str, list[bool]] = {}
        name = str(device) if device.type == "cuda" else device.type  # a process of several has cpu:0
        runtime = self.runtime.model_copy(update={"device": name, "compile": False})
        for kind, frames in self.frames.items():
            step = self.indexes[0].step
            half = max(1, frames // 2 // self.stride) * self.stride
            recipe = GroundingRecipe(
                window=frames * step, step=half * step, stride=self.stride, runtime=runtime
            )
            engine = GroundingEngine(model, _Computed(), recipe, Silent())  # type: ignore[arg-type]
            for query, tokens in zip(self.queries, self.tokens, strict=True):
                if query.row.kind == kind:
                    found.setdefault(kind, []).append(self._finds(engine, query, tokens))
        recalls = {f"recall_{kind}": float(np.mean(hits)) for kind, hits in found.items()}
        return {"recall": float(np.mean(list(recalls.values()))), **recalls, **losses}

    def _finds(self, engine: GroundingEngine, query: FrameQuery, tokens: Half) -> bool:
        """Whether the first hit in the film is one of the query's segments."""
        wanted = EncodedQuery(query.row.kind, query.name, tokens)
        scores = engine.scores(self.indexes[query.film], wanted, range(query.frames))
        hits = rank(scores, RankingRecipe(top=1, always=True))
        return bool(hits) and bool((tiou([(hits[0].start, hits[0].end)], query.times) > TIOU).any())


def some_queries(queries: Sequence[FrameQuery], most: int, seed: int) -> list[int]:
    """The numbers of the queries that are validated: of each kind so many at most, those with a segment."""
    chosen: list[int] = []
    for kind in dict.fromkeys(query.row.kind for query in queries):
        own = [n for n, query in enumerate(queries) if query.row.kind == kind and len(query.segments)]
        if most and len(own) > most:
            own = sorted(np.random.default_rng(seed).choice(own, most, replace=False).tolist())
        chosen += own
    return chosen
