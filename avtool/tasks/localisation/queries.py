"""Queries of a table over indexed films, in frames."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avtool.core.artifact import Input, read_artifact, settings_hash
from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of
from avtool.data.clip_filter import Skipped
from avtool.data.queries.table import Kind, QueryRow, QueryTable, read_queries
from avtool.inference.localisation.film_index import FilmIndex, StreamCard, is_index, open_index
from avtool.tasks.localisation.recipe import QueriedFilmsRecipe
from avtool.tasks.localisation.windows import Frames

Singles = NDArray[np.float32]
NEEDED = {"image": "visual", "audio": "audio"}
"""The modality in which a query of some kinds is to be found."""
_GAP = 1.0
"""Seconds between two boxes at most, for those of the frames between to be interpolated."""
_EPSILON = 1e-6


@dataclass(frozen=True)
class FrameQuery:
    """A query over a film, in frames of its index.

    Attributes:
        row: the first of its rows: kind and content.
        film: the index, by number.
        frames: of the film that are searched.
        segments: (K, 2) first and last frame of each segment; none where the film has none.
        times: (K, 2) their start and end in seconds.
        box_frames: (M,) frames with a box, in order.
        boxes: (M, 4) centre x, centre y, width, height, in [0, 1] of the frame.
    """

    row: QueryRow
    film: int
    frames: int
    segments: Frames
    times: NDArray[np.float64]
    box_frames: Frames
    boxes: Singles

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.row.query_id} ({self.row.kind}) in {Path(self.row.media).name}"


@dataclass(frozen=True)
class QueriedFilms:
    """Queries to learn from and to validate on.

    Attributes:
        table: where they come from.
        indexes: of their films.
        train, val: the queries; `val` may be empty.
        skipped: queries that are not used, with reasons.
        files: the files that queries are read from.
    """

    table: QueryTable
    indexes: tuple[FilmIndex, ...]
    train: tuple[FrameQuery, ...]
    val: tuple[FrameQuery, ...]
    skipped: tuple[Skipped, ...]
    files: tuple[Path, ...]

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of query to learn, in the order of the table's kinds."""
        return tuple(sorted({query.row.kind for query in self.train}, key=_ORDER.index))

    @cached_property
    def labels(self) -> list[str]:
        """The labels to learn, sorted."""
        return sorted({query.row.query for query in self.train if query.row.kind == "label"})

    def stream(self, modality: str) -> StreamCard | None:
        """What computed the features of a modality; None where no film has it."""
        cards = (getattr(index.card, modality) for index in self.indexes)
        return next((card for card in cards if card is not None), None)

    def inputs(self, source: Path) -> list[Input]:
        """The table, the files of its queries, and the indexes, by content."""
        found = [Input(str(source), "queries", sha256_of(source))]
        found += [Input(str(path), "query", sha256_of(path)) for path in self.files]
        for index in self.indexes:
            files = read_artifact(index.folder, "features").files
            found.append(Input(str(index.folder), "features", settings_hash(dict(files))))
        return found


_ORDER: Sequence[Kind] = ("image", "text", "label", "audio")


def find_queries(source: Path, recipe: QueriedFilmsRecipe) -> QueriedFilms:
    """The queries of a table, over the indexes of their films.

    Raises:
        BadInputError: there is no index, an index does not fit the others, or no query can be learned.
    """
    if recipe.index is None:
        raise BadInputError(
            "no index of the films is given", "avtool localize index FILM.. --out DIR, then --index DIR"
        )
    table = read_queries(source)
    if recipe.kinds:
        table = table.of(kinds=recipe.kinds)
    shelf = _Shelf.of(recipe.index)
    split = recipe.split if any(row.split for row in table) else ""
    skipped: list[Skipped] = []
    parts = {
        wanted: list(_queries(table.of(split=wanted), shelf, skipped)) if wanted or wanted == split else []
        for wanted in dict.fromkeys((split, recipe.val_split))
    }
    train, val = parts[split], parts[recipe.val_split] if split else []
    if not train:
        splits = ", ".join(sorted({row.split for row in table})) or "none"
        hint = f"the first problem: {skipped[0].reason}" if skipped else "set data.split or data.kinds"
        message = f"`{source}` has no query to learn in split `{split}` (its splits: {splits})"
        raise BadInputError(message, hint)
    learned = {query.row.kind for query in train}
    val = [query for query in val if query.row.kind in learned]
    indexes = tuple(shelf.opened)
    _check_alike(indexes)
    files = sorted({table.query_file(q.row) for q in (*train, *val) if q.row.kind in ("image", "audio")})
    return QueriedFilms(table, indexes, tuple(train), tuple(val), tuple(skipped), tuple(files))


class _Shelf:
    """The indexes of a folder, opened when a film needs them."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self.opened: list[FilmIndex] = []
        self._by_path: dict[Path, FilmIndex] = {}
        self._by_name: dict[str, list[FilmIndex]] = {}
        self._numbers: dict[Path, int] = {}
        for folder in folders:
            index = open_index(folder)
            self._by_path[index.film.resolve()] = index
            self._by_name.setdefault(index.film.name, []).append(index)

    @classmethod
    def of(cls, folder: Path) -> "_Shelf":
        """The index that a folder is, or those in it.

        Raises:
            BadInputError: it is none and has none.
        """
        if is_index(folder):
            return cls([folder])
        folders = sorted(path for path in folder.iterdir() if is_index(path)) if folder.is_dir() else []
        if not folders:
            message = f"`{folder}` is no index of a film, and no folder of them"
            raise BadInputError(message, "avtool localize index FILM.. --out DIR")
        return cls(folders)

    def number(self, film: Path) -> int | None:
        """The index of a film, by number; None where there is none, or more than one of its name."""
        index = self._by_path.get(film.resolve())
        if index is None:
            alike = self._by_name.get(film.name, [])
            index = alike[0] if len(alike) == 1 else None
        if index is None:
            return None
        if index.folder not in self._numbers:
            self._numbers[index.folder] = len(self.opened)
            self.opened.append(index)
        return self._numbers[index.folder]


def _queries(table: QueryTable, shelf: _Shelf, skipped: list[Skipped]) -> Iterator[FrameQuery]:
    for name, rows in table.queries().items():
        film = table.media(rows[0])
        number = shelf.number(film)
        if number is None:
            skipped.append(Skipped(name, rows[0].media, f"`{film.name}` is not indexed"))
            continue
        index, needed = shelf.opened[number], NEEDED.get(rows[0].kind)
        if needed is not None and getattr(index, needed) is None:
            skipped.append(
                Skipped(name, rows[0].media, f"the index of `{film.name}` has no {needed} features")
            )
            continue
        query = frame_query(rows, number, index)
        if len(query.segments) == 0 and not rows[0].absent:
            skipped.append(Skipped(name, rows[0].media, "its segments lie outside the index of the film"))
            continue
        yield query


def frame_query(rows: Sequence[QueryRow], film: int, index: FilmIndex) -> FrameQuery:
    """A query in frames.

    Args:
        rows: of the query, a segment each.
        film: number of the index.
        index: of the film.
    """
    frames, step = len(index), index.step
    if rows[0].search_end is not None:
        frames = min(frames, max(1, int(rows[0].search_end / step + _EPSILON)))
    segments: list[tuple[int, int]] = []
    times: list[tuple[float, float]] = []
    boxes: dict[int, NDArray[np.float64]] = {}
    for row in rows:
        first = int(row.start / step + _EPSILON)
        last = min(max(first, int(np.ceil(row.end / step - _EPSILON)) - 1), frames - 1)
        if row.absent or first > last:
            continue
        segments.append((first, last))
        times.append((row.start, row.end))
        boxes.update(_frame_boxes(row, first, last, step))
    placed = sorted(boxes)
    return FrameQuery(
        rows[0],
        film,
        frames,
        np.array(segments, np.int64).reshape(-1, 2),
        np.array(times, np.float64).reshape(-1, 2),
        np.array(placed, np.int64),
        np.array([boxes[frame] for frame in placed], np.float32).reshape(-1, 4),
    )


def _frame_boxes(row: QueryRow, first: int, last: int, step: float) -> Mapping[int, NDArray[np.float64]]:
    """The boxes of a segment's frames: annotated within half a frame, or interpolated between near ones."""
    if not row.boxes or row.frame_size is None:
        return {}
    width, height = row.frame_size
    values = np.array(row.boxes, np.float64)
    seconds, order = np.unique(values[:, 0], return_index=True)
    corners = values[order, 1:] / (width, height, width, height)
    sizes = np.maximum(corners[:, 2:], (1 / width, 1 / height))  # a side is a pixel at least
    boxes = np.concatenate([corners[:, :2] + sizes / 2, sizes], axis=1)
    frames = np.arange(first, last + 1)
    wanted = frames * step
    after = np.searchsorted(seconds, wanted)
    left, right = np.clip(after - 1, 0, None), np.clip(after, None, len(seconds) - 1)
    apart = np.abs(wanted - seconds[left]), np.abs(seconds[right] - wanted)
    near = np.where(apart[0] <= apart[1], left, right)
    between = (
        (seconds[left] <= wanted) & (wanted <= seconds[right]) & (seconds[right] - seconds[left] <= _GAP)
    )
    there = (np.minimum(*apart) <= step / 2 + _EPSILON) | between
    inside = np.stack([np.interp(wanted, seconds, boxes[:, side]) for side in range(4)], axis=1)
    placed = np.clip(np.where(between[:, None], inside, boxes[near]), 0.0, 1.0)
    return {int(frame): box for frame, box in zip(frames[there], placed[there], strict=True)}


def _check_alike(indexes: Sequence[FilmIndex]) -> None:
    """Refuses indexes of different frame rates, encoders or numbers of tokens.

    Raises:
        BadInputError: with both folders and both values.
    """
    seen: dict[str, tuple[object, Path]] = {}
    for index in indexes:
        facts: dict[str, object] = {"frames per second": round(1 / index.step, 6)}
        for modality in ("visual", "audio"):
            card: StreamCard | None = getattr(index.card, modality)
            if card is not None:
                facts[f"{modality} encoder"] = card.describe()
                facts[f"{modality} tokens"] = f"{card.tokens} of width {card.width}"
        if index.card.visual is not None:
            facts["visual grid"] = "x".join(map(str, index.card.grid))
        for name, value in facts.items():
            other, folder = seen.setdefault(name, (value, index.folder))
            if other != value:
                message = f"{name}: {other} in `{folder}`, {value} in `{index.folder}`"
                raise BadInputError(message, "index all films of a training by the same settings")
