"""An image looked for in grids of tokens: cosines of cells, their means over boxes, the best box a frame."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avtool.media.audio_cut import release_pages

Vectors = NDArray[np.float32]
_SAMPLED = 512
"""Frames, evenly spaced, that the mean token of a film is computed from."""
_FRAMES = 256
"""Frames at a time."""


@dataclass(frozen=True)
class Match:
    """The best box of each frame.

    Attributes:
        similarity: (N,) mean cosine of its cells, -1 to 1.
        boxes: (N, 4) centre, width and height in parts of the frame.
    """

    similarity: Vectors
    boxes: Vectors


def mean_of(features: NDArray[Any]) -> Vectors:
    """The mean feature of a film, (C,), of evenly spaced frames; features are (N, V, C) or (N, C)."""
    found: Vectors = (
        np.asarray(features[sampled(len(features), _SAMPLED)], np.float32)
        .reshape(-1, features.shape[-1])
        .mean(axis=0)
    )
    return found


def sampled(count: int, most: int) -> NDArray[np.int64]:
    """The numbers, ascending, of at most `most` of `count` frames, evenly spaced."""
    places = np.linspace(0, count - 1, min(count, most)).round()
    return np.unique(places.astype(np.int64))


def unit(vectors: NDArray[Any]) -> Vectors:
    """(..., D) vectors of length 1; 0 stays 0."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    found: Vectors = np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
    return found


def search_grid(
    tokens: NDArray[Any],
    grid: tuple[int, int],
    mean: Vectors,
    descriptors: Vectors,
    sizes: "list[tuple[int, int]]",
) -> Match:
    """The box of cells in each frame that is most alike to an image.

    Args:
        tokens: (N, V, C) of the frames.
        grid: (rows, columns) of them.
        mean: (C,) that is subtracted before cosines: of the film.
        descriptors: (Q, C) unit vectors of the image, the mean subtracted.
        sizes: (rows, columns) of the boxes that are tried.
    """
    import torch

    rows, columns = grid
    queries = torch.from_numpy(np.concatenate([descriptors, mean[None]]).astype(np.float32)).T
    offsets, square = torch.from_numpy(descriptors @ mean), float(mean @ mean)
    best, boxes = [], []
    for first in range(0, len(tokens), _FRAMES):
        part = torch.from_numpy(np.array(tokens[first : first + _FRAMES], np.float32))
        release_pages(tokens)
        products = part @ queries  # of the mean too: |x - m|² = |x|² - 2 x·m + |m|²
        lengths = torch.linalg.vector_norm(part, dim=-1).square() - 2 * products[..., -1] + square
        cosines = (products[..., :-1] - offsets) / lengths.clamp(min=1e-12).sqrt()[..., None]
        maps = cosines.transpose(1, 2).reshape(len(part), -1, rows, columns)
        values, places = _best_boxes(maps, sizes)
        best.append(values)
        boxes.append(places)
    if not best:
        return Match(np.zeros(0, np.float32), np.zeros((0, 4), np.float32))
    sides = np.array([columns, rows, columns, rows], np.float32)
    return Match(np.concatenate(best), np.asarray(np.concatenate(boxes) / sides, np.float32))


def _best_boxes(maps: Any, sizes: "list[tuple[int, int]]") -> tuple[Vectors, Vectors]:
    """Maps (n, Q, rows, columns) → the largest mean over a box, (n,), and that box in cells, (n, 4)."""
    import torch

    values, boxes = [], []
    for tall, wide in sizes:
        means = torch.nn.functional.avg_pool2d(maps, (tall, wide), stride=1).amax(dim=1)
        flat, place = means.flatten(1).max(dim=1)
        top, left = place // means.shape[2], place % means.shape[2]
        values.append(flat)
        sides = torch.tensor([float(wide), float(tall)]).expand(len(flat), 2)
        middles = torch.stack([left + wide / 2, top + tall / 2], dim=1)
        boxes.append(torch.cat([middles, sides], dim=1))
    stacked, which = torch.stack(values).max(dim=0)
    chosen = torch.stack(boxes)[which, torch.arange(len(which))]
    return stacked.numpy(), chosen.numpy()
