"""Captioned films, and training samples of them: an event with its anchors in a window of features."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avtool.core.artifact import CARD, Input
from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of
from avtool.data.clip_filter import Skipped
from avtool.data.dataset import dataset_content, open_dataset, shard_files
from avtool.data.items import Item
from avtool.data.manifest import Clip, Manifest
from avtool.data.readers.layouts import read_source
from avtool.data.vocabulary import Vocabulary, words_of
from avtool.inference.dense_captioning.streams import FilmStreams
from avtool.models.masked_transformer.anchors import Anchors, Floats
from avtool.tasks.dense_captioning.recipe import CaptionedFilmsRecipe

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class CaptionedFilm:
    """A film with its captioned events.

    Attributes:
        item: the film.
        times: (E, 2) start and end of the events in seconds.
        texts: their captions.
    """

    item: Item
    times: Floats
    texts: tuple[str, ...]


@dataclass(frozen=True)
class CaptionedFilms:
    """The films of a dataset.

    Attributes:
        train, val: to learn from, and to validate on; `val` may be empty.
        inputs: what decides them.
        skipped: rows that caption nothing.
        clips: the rows of training and validation, where a dataset has them.
    """

    train: tuple[CaptionedFilm, ...]
    val: tuple[CaptionedFilm, ...]
    inputs: tuple[Input, ...]
    skipped: tuple[Skipped, ...]
    clips: tuple[Manifest, Manifest] | None


@dataclass(frozen=True)
class _Row:
    """A captioned event of a film."""

    film: str
    path: Path
    split: str
    start: float
    end: float
    text: str
    name: str


def find_films(source: Path, recipe: CaptionedFilmsRecipe) -> CaptionedFilms:
    """The films of a dataset, mined or prepared, or of an annotation file whose features are given.

    Raises:
        BadInputError: it is none, or no event of the training split has a caption.
    """
    clips = None
    if shard_files(source):
        raise BadInputError(f"`{source}` holds shards, no films", "give the dataset that they were made of")
    if (source / CARD).is_file() or source.suffix == ".parquet":
        manifest = open_dataset(source)
        rows = [_row_of_clip(clip, manifest) for clip in manifest]
        inputs = [Input(str(source), "dataset", dataset_content(source))]
    else:
        listed = read_source(source)
        rows = [
            _Row(c.media, Path(c.media), c.split, c.start, c.end or 0.0, c.text, c.clip_id)
            for c in listed.clips
        ]
        inputs = [Input(str(path), "annotations", sha256_of(path)) for path in listed.inputs]
        manifest = None
    split = recipe.split if any(row.split for row in rows) else ""
    usable = [row for row in rows if words_of(row.text) and row.end > row.start]
    skipped = tuple(
        Skipped(row.name, row.film, "it has no caption") for row in rows if not words_of(row.text)
    )
    train, val = (
        _films(row for row in usable if row.split == wanted) for wanted in (split, recipe.val_split)
    )
    if not train:
        splits = ", ".join(sorted({row.split for row in rows})) or "none"
        message = f"`{source}` has no captioned event in split `{split}` (its splits: {splits})"
        raise BadInputError(message, "set data.split, or give films with captions")
    if manifest is not None:
        parts = [
            [place for place, row in enumerate(rows) if row.split == wanted]
            for wanted in (split, recipe.val_split)
        ]
        clips = manifest.take(parts[0]), manifest.take(parts[1])
    return CaptionedFilms(train, val, tuple(inputs), skipped, clips)


def _row_of_clip(clip: Clip, manifest: Manifest) -> _Row:
    media = clip.video
    start, end = (clip.extras.get(f"event_{edge}") for edge in ("start", "end"))  # of mined cues
    if start is None or end is None:
        start, end = media.start, media.end
    path = Path(media.name)
    return _Row(
        media.name, path if path.is_absolute() else manifest.folder / path, clip.split, start, end, clip.text,
        clip.clip_id,
    )  # fmt: skip


def _films(rows: Iterable[_Row]) -> tuple[CaptionedFilm, ...]:
    by_film: dict[str, list[_Row]] = {}
    for row in rows:
        by_film.setdefault(row.film, []).append(row)
    found = []
    for own in by_film.values():
        own.sort(key=lambda row: (row.start, row.end, row.name))
        times = np.array([(row.start, row.end) for row in own], np.float64)
        item = Item(str(own[0].path), own[0].path)
        found.append(CaptionedFilm(item, times, tuple(row.text for row in own)))
    return tuple(found)


class EventSamples:
    """Events in windows of features, each with anchors that serve it and anchors that serve nothing.

    Place of the window and draw of the anchors are a function of (seed, epoch, index).

    Args:
        films: the films.
        streams: their features, in the same order.
        vocabulary: of the captions.
        anchors: of the model.
        recipe: how samples are drawn.
        seed: of the run.
        train: whether windows are drawn; else the event lies in their middle.

    Attributes:
        dropped: events that no anchor serves, or that lie outside the window or the features.
    """

    def __init__(
        self,
        films: Sequence[CaptionedFilm],
        streams: Sequence[FilmStreams],
        vocabulary: Vocabulary,
        anchors: Anchors,
        recipe: CaptionedFilmsRecipe,
        seed: int,
        *,
        train: bool,
    ) -> None:
        self.films, self.streams, self.vocabulary = films, streams, vocabulary
        self.anchors, self.recipe = anchors, recipe
        self._seed, self._train, self._epoch = seed, train, 0
        self._steps = [film.times / recipe.step for film in films]
        pairs = [(number, event) for number, film in enumerate(films) for event in range(len(film.texts))]
        self.events = [pair for pair in pairs if self._is_served(*pair)]
        self.dropped = len(pairs) - len(self.events)

    def set_epoch(self, epoch: int) -> None:
        """Draws the next samples for an epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self.events)

    @cached_property
    def groups(self) -> list[str]:
        """The film of each sample."""
        return [self.films[film].item.name for film, _ in self.events]

    @cached_property
    def names(self) -> list[str]:
        """The event of each sample, for messages."""
        return [f"{self.films[film].item.name} at {self.films[film].times[event, 0]:.1f} s"
                for film, event in self.events]  # fmt: skip

    def _bounds(self, film: int, event: int) -> tuple[int, int]:
        """The first and the last place of a window that holds an event; the last is lower for none."""
        start, end = self._steps[film][event]
        size, steps = self.anchors.window, self.streams[film].steps
        if self.recipe.from_start:
            return 0, 0 if end <= size + 1e-6 else -1
        low, high = max(0, int(np.ceil(end - size - 1e-6))), int(np.floor(start))
        return low, min(high, max(low, steps - size))

    def _is_served(self, film: int, event: int) -> bool:
        low, high = self._bounds(film, event)
        start, end = self._steps[film][event]
        if high < low or start >= self.streams[film].steps:
            return False
        owner, _ = self._match(np.array([[start - low, end - low]]))
        return bool((owner == 0).any())

    def _match(self, events: Floats) -> tuple[NDArray[np.int64], Floats]:
        recipe = self.recipe
        return self.anchors.match(events, recipe.positive, recipe.negative, best=recipe.best_anchor)

    def __getitem__(self, index: int) -> "dict[str, Tensor]":
        import torch

        film, event = self.events[index]
        recipe = self.recipe
        rng = np.random.default_rng([self._seed, self._epoch if self._train else 0, index])
        low, high = self._bounds(film, event)
        first = int(rng.integers(low, high + 1)) if self._train else (low + high) // 2
        values, there = self.streams[film].window(first, self.anchors.window)
        events = self._steps[film] - first
        positives, negatives = self._candidates(events, event, int(there.sum()))
        served = _draw(positives, recipe.anchors, rng)
        segment = events[event]
        offsets = self.anchors.encode(np.repeat(segment[None], recipe.anchors, axis=0), served)
        arrays = {
            "streams": values,
            "streams_mask": there,
            "positives": served,
            "negatives": self._draw_negatives(negatives, events, rng),
            "offsets": offsets.astype(np.float32),
            "segment": segment.astype(np.float32),
            "caption": np.array(rng.integers(recipe.anchors)),
            "tokens": self.vocabulary.encode(self.films[film].texts[event]),
            "index": np.array(index),
        }
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def _draw_negatives(
        self, negatives: NDArray[np.int64], events: Floats, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """The negatives of a sample; a share of them overlap an event, where there are such."""
        count, segments = self.recipe.anchors, self.anchors.segments[negatives]
        beside = (segments[:, None, 1] > events[None, :, 0]) & (segments[:, None, 0] < events[None, :, 1])
        near = negatives[beside.any(axis=1)]
        hard = round(count * self.recipe.hard) if len(near) else 0
        return np.concatenate([_draw(near, hard, rng), _draw(negatives, count - hard, rng)])

    def _candidates(
        self, events: Floats, event: int, steps: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The anchors that serve an event, and those that serve none; never empty."""
        owner, largest = self._match(events)
        positives = np.flatnonzero(owner == event)
        if len(positives) == 0:  # all of them serve another event of the same place
            positives = np.flatnonzero(self._match(events[event : event + 1])[0] == 0)
        segments = self.anchors.segments
        free = (owner == -1) & (segments[:, 1] <= steps)
        if self.recipe.margin:
            near = self.recipe.margin / self.recipe.step
            gaps = np.maximum(
                segments[:, None, 0] - events[None, :, 1], events[None, :, 0] - segments[:, None, 1]
            )
            free &= (largest > 0) | (gaps.min(axis=1) >= near)
        negatives = np.flatnonzero(free)
        return positives, negatives if len(negatives) else np.array([int(largest.argmin())])


def _draw(anchors: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Some of the anchors, each once where there are enough."""
    if count == 0:
        return anchors[:0]
    found: NDArray[np.int64] = rng.choice(anchors, count, replace=len(anchors) < count)
    return found
