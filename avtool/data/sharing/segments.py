"""Lists of segments in AudioSet's layout: a segment of a video a line, with the codes of its labels."""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from avtool.core.files import atomic_file
from avtool.data.sharing.annotations import Annotations
from avtool.data.sharing.public_table import blocks_of

_MICRO = 1e6  # microseconds in a second: segments of equal microseconds are one


class Segments:
    """The segments that the labelled clips of a dataset are.

    Args:
        annotations: of the dataset.
        videos: the video id of each film; films of equal content have one.
        codes: of the labels.
    """

    def __init__(self, annotations: Annotations, videos: Sequence[str], codes: Mapping[str, str]) -> None:
        self.origin = annotations.name
        self.codes = codes
        self.labels = pa.table({"labels": annotations.lists("labels")})
        self.labelled = pc.list_value_length(self.labels["labels"]).fill_null(0).to_numpy() > 0
        names, numbers = np.unique(videos, return_inverse=True)
        self.videos = names.tolist()
        self.places = numbers.astype(np.int32)[annotations.places]
        self.start, self.end = (np.rint(times * _MICRO).astype(np.int64) for times in annotations.times())

    def write(self, path: Path, rows: NDArray[np.int64]) -> int:
        """Writes the list of some rows, where one of them has a label; a line is where its first row is.

        Returns:
            How many of the rows are in the list.
        """
        rows = rows[self.labelled[rows]]
        if not len(rows):
            return 0
        used: set[str] = set()
        videos: set[int] = set()
        segments = positive = 0
        body = path.with_suffix(".lines")
        with atomic_file(body) as partial, partial.open("w", encoding="utf-8", newline="\n") as stream:
            for place, start, end, found in self._segments(rows):
                times = f"{start / _MICRO:.6f}, {end / _MICRO:.6f}"
                stream.write(f'{self.videos[place]}, {times}, "{",".join(found)}"\n')
                used.update(found)
                videos.add(place)
                segments, positive = segments + 1, positive + len(found)
        header = (
            f"# Segments csv of `{_one_line(self.origin)}`: videos are films by content\n"
            f"# num_ytids={len(videos)}, num_segs={segments},"
            f" num_unique_labels={len(used)}, num_positive_labels={positive}\n"
            "# YTID, start_seconds, end_seconds, positive_labels\n"
        )
        with atomic_file(path) as partial, partial.open("wb") as target, body.open("rb") as lines:
            target.write(header.encode())
            shutil.copyfileobj(lines, target)
        body.unlink()
        return len(rows)

    def _segments(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, int, int, list[str]]]:
        """Video, begin and end of each segment, in the order of its first row, and its codes, each once."""
        ranked = rows[np.lexsort((rows, self.end[rows], self.start[rows], self.places[rows]))]
        same = np.zeros(len(ranked), bool)
        same[1:] = True
        for values in (self.places, self.start, self.end):
            same[1:] &= values[ranked[1:]] == values[ranked[:-1]]
        further: dict[int, list[int]] = {}
        first = -1
        for place in np.flatnonzero(same).tolist():  # clips that are a segment again
            first = int(ranked[place - 1]) if not same[place - 1] else first
            further.setdefault(first, []).append(int(ranked[place]))
        firsts = np.sort(ranked[~same])
        done = 0
        for block in blocks_of(self.labels, firsts):
            numbers = firsts[done : done + len(block)]
            columns = [values[numbers].tolist() for values in (self.places, self.start, self.end)]
            lines = zip(numbers.tolist(), *columns, block["labels"].to_pylist(), strict=True)
            for row, place, start, end, labels in lines:
                for other in further.get(row, ()):
                    labels += self.labels["labels"][other].as_py()
                yield place, start, end, list(dict.fromkeys([self.codes[label] for label in labels]))
            done += len(block)


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)
