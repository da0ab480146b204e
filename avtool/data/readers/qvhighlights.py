"""QVHighlights' annotations (Lei et al., 2021): moments of a query, and how salient each clip of 2 s is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avtool.core.arrays import Floats
from avtool.core.errors import BadInputError
from avtool.data.readers.video_queries import (
    VideoQuery,
    as_number,
    brief,
    field,
    number,
    read_json_lines,
    true_window,
)

CLIP_SECONDS = 2
_ANNOTATORS = 3
_LONGEST = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class HighlightQuery:
    """A query with its moments and its salience.

    Attributes:
        query: with its moments.
        saliency: (clips, 3) rating of each clip of 2 s by three annotators, 0 to 4.
    """

    query: VideoQuery
    saliency: Floats


def read_qvhighlights(path: Path) -> list[HighlightQuery]:
    """The queries of `highlight_train_release.jsonl` or `highlight_val_release.jsonl`.

    Raises:
        BadInputError: a line is no record of these, as in the test set, which is published without moments.
    """
    found: dict[str, HighlightQuery] = {}
    for where, record in read_json_lines(path):
        key = str(field(record, "qid", int, where))
        if key in found:
            raise BadInputError(f"{where}: query {key} is there twice", "remove one")
        duration = number(record.get("duration"), f"{where}: `duration`")
        if not 0 < duration <= _LONGEST:
            raise BadInputError(f"{where}: `duration` is {duration:g} s", "correct the record")
        windows = tuple(
            true_window(one, f"{where}: a window") for one in field(record, "relevant_windows", list, where)
        )
        text, video = field(record, "query", str, where), field(record, "vid", str, where)
        query = VideoQuery(key, video, text, windows, duration)
        found[key] = HighlightQuery(query, _saliency(record, int(duration / CLIP_SECONDS), where))
    if not found:
        raise BadInputError(f"`{path}` has no queries", "give the published annotation file")
    return list(found.values())


def _saliency(record: Any, num_clips: int, where: str) -> Floats:
    clips = field(record, "relevant_clip_ids", list, where)
    ratings = field(record, "saliency_scores", list, where)
    if len(clips) != len(ratings):
        message = f"{where} has {len(clips)} `relevant_clip_ids` and {len(ratings)} `saliency_scores`"
        raise BadInputError(message, "correct the record")
    saliency = np.zeros((num_clips, _ANNOTATORS))
    for clip, row in zip(clips, ratings, strict=True):
        if not isinstance(clip, int) or not 0 <= clip < num_clips:
            message = f"{where}: clip {brief(clip)} is none of the video's {num_clips}"
            raise BadInputError(message, "correct the record")
        values = [as_number(one) for one in row] if isinstance(row, list) else []
        if len(values) != _ANNOTATORS or None in values:
            message = f"{where}: clip {clip} has no {_ANNOTATORS} ratings, but {brief(row)}"
            raise BadInputError(message, "correct the record")
        saliency[clip] = values
    return saliency
