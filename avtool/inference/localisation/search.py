"""Two-stage search of long films: a coarse pass proposes parts of a film, an engine examines those alone."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from avtool.core.recipe import Recipe, option
from avtool.inference.localisation.film_index import FilmIndex
from avtool.inference.localisation.frame_scores import FrameScores
from avtool.inference.localisation.queries import Query

Singles = NDArray[np.float32]
_NEVER = -30.0
"""The logit of a start or an end in a part that was not examined."""


class Engine(Protocol):
    """Scores the frames of an indexed film."""

    def scores(self, index: FilmIndex, query: Query, frames: range | None = None) -> FrameScores:
        """Scores of all frames, or of those in a range of them."""
        ...


class CoarseEngine(Protocol):
    """Scores frames by one feature each."""

    def coarse(self, index: FilmIndex, query: Query) -> FrameScores:
        """Scores of all frames."""
        ...


class SearchRecipe(Recipe):
    """Two-stage search."""

    share: float = option(
        1.0,
        "Share of a film that the engine examines, where the coarse index scores highest; 1 examines all.",
        flag="--share",
        gt=0,
        le=1,
    )
    part: float = option(20.0, "Seconds of the parts that are proposed.", gt=0)


def search(
    engine: Engine, coarse: CoarseEngine, index: FilmIndex, query: Query, recipe: SearchRecipe
) -> FrameScores:
    """The scores of a film, of which the engine examines a share; elsewhere the foreground is 0.

    Args:
        engine: examines.
        coarse: proposes.
        index: of the film.
        query: what is looked for.
        recipe: how much is examined.

    Raises:
        BadInputError: an engine cannot take the query.
    """
    if recipe.share >= 1:
        return engine.scores(index, query)
    parts = propose(coarse.coarse(index, query), recipe)
    return joined(index, [(part, engine.scores(index, query, part)) for part in parts])


def propose(scores: FrameScores, recipe: SearchRecipe) -> list[range]:
    """The parts of a film with the largest foreground, in order of time, up to a share of its frames.

    Parts overlap by half, so that what lies across the border of two is whole in a third; those that touch
    are one.
    """
    count = len(scores)
    size = min(count, max(1, round(recipe.part / scores.step)))
    wanted = max(size, int(recipe.share * count))
    starts = np.unique(np.append(np.arange(0, max(1, count - size + 1), max(1, size // 2)), count - size))
    best = [float(scores.foreground[start : start + size].max()) for start in starts]
    taken = np.zeros(count, bool)
    for place in np.argsort(-np.array(best), kind="stable"):
        start = int(starts[place])
        more = size - int(taken[start : start + size].sum())
        if taken.any() and int(taken.sum()) + more > wanted:
            continue
        taken[start : start + size] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[0], taken.astype(np.int8), [0]])))
    return [range(int(first), int(past)) for first, past in edges.reshape(-1, 2)]


def joined(index: FilmIndex, parts: list[tuple[range, FrameScores]]) -> FrameScores:
    """The scores of parts as those of the film."""
    count = len(index)
    foreground = np.zeros(count, np.float32)
    with_ends = bool(parts) and all(scores.start is not None for _, scores in parts)
    with_boxes = bool(parts) and all(scores.boxes is not None for _, scores in parts)
    start, end = (np.full(count, _NEVER, np.float32) for _ in range(2))
    boxes = np.tile(np.array([0.5, 0.5, 1, 1], np.float32), (count, 1))
    for part, scores in parts:
        place = slice(part.start, part.stop)
        foreground[place] = scores.foreground
        if scores.start is not None and scores.end is not None:
            start[place], end[place] = scores.start, scores.end
        if scores.boxes is not None:
            boxes[place] = scores.boxes
    return FrameScores(
        index.times,
        index.step,
        foreground,
        start if with_ends else None,
        end if with_ends else None,
        boxes if with_boxes else None,
    )
