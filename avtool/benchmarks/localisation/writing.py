"""Submissions of hits, in each challenge's own form.

Times and frames are those of the clips of the annotations, without what lies before them in a video.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from avtool.core.files import write_json, write_text
from avtool.data.queries.table import QueryRow, QueryTable
from avtool.data.readers.qvhighlights import CLIP_SECONDS
from avtool.evaluation.localisation.submissions import plain_sentence
from avtool.inference.localisation.frame_scores import FrameScores, Hit

_DIGITS = 4


@dataclass(frozen=True)
class Located:
    """What an engine found for a query.

    Attributes:
        hits: best first.
        scores: of the frames; None where only hits are known.
    """

    hits: Sequence[Hit]
    scores: FrameScores | None = None


Found = Mapping[str, Located]
"""`query_id` → what was found; queries that were not searched for are absent."""


def write_submission(protocol: str, table: QueryTable, found: Found, path: Path) -> None:
    """Writes a submission atomically.

    Args:
        protocol: of the benchmark.
        table: the queries, in the order of the annotations.
        found: what was found.
        path: JSON or JSON Lines, as the challenge has it.
    """
    first = {row.query_id: row for row in table}
    _WRITERS[protocol](first, found, path)


def _write_nlq(first: Mapping[str, QueryRow], found: Found, path: Path) -> None:
    results = [
        {
            "clip_uid": row.clip,
            "annotation_uid": row.annotation,
            "query_idx": int(row.index),
            "predicted_times": [_window(hit, row) for hit in found[key].hits],
        }
        for key, row in first.items()
        if key in found
    ]
    write_json(path, {"version": "1.0", "challenge": "ego4d_nlq_challenge", "results": results}, indent=None)


def _write_mq(first: Mapping[str, QueryRow], found: Found, path: Path) -> None:
    clips: dict[str, list[tuple[float, dict[str, Any]]]] = {}
    for key, row in first.items():
        if key not in found:
            continue
        rows = clips.setdefault(row.clip, [])
        for hit in found[key].hits:
            result = {"label": row.query, "score": hit.score, "segment": _window(hit, row)}
            rows.append((hit.score, result))
    ranked = {
        clip: [row for _, row in sorted(rows, key=lambda pair: -pair[0])] for clip, rows in clips.items()
    }
    content = {"version": "1.0", "challenge": "ego4d_moment_queries"}
    write_json(path, content | {"detect_results": ranked, "retrieve_results": ranked}, indent=None)


def _write_vq(first: Mapping[str, QueryRow], found: Found, path: Path) -> None:
    videos: dict[str, dict[str, dict[int, dict[str, Any]]]] = {}
    for key, row in first.items():
        annotations = videos.setdefault(row.video, {}).setdefault(row.clip, {})
        sets = annotations.setdefault(int(row.annotation), {})
        if key in found:
            sets[row.index] = _tube(found[key].hits, row)
    results = [
        {
            "video_uid": video,
            "clips": [
                {
                    "clip_uid": clip,
                    "predictions": [
                        {"query_sets": annotations.get(place, {})} for place in range(max(annotations) + 1)
                    ],
                }
                for clip, annotations in clips.items()
            ],
        }
        for video, clips in videos.items()
    ]
    content = {"version": "1.0.5", "challenge": "ego4d_vq2d_challenge", "results": {"videos": results}}
    write_json(path, content, indent=None)


def _tube(hits: Sequence[Hit], row: QueryRow) -> dict[str, Any]:
    """The best hit as a box of each frame; the whole frame where the engine has no boxes."""
    assert row.fps is not None, "visual queries have a frame rate"
    assert row.frame_size is not None, "visual queries have a frame size"
    if not hits:
        return {"bboxes": [], "score": 0.0}
    hit = hits[0]
    end = min(hit.end, row.search_end if row.search_end is not None else math.inf)
    first = max(math.ceil((hit.start - row.offset) * row.fps - 1e-6), 0)
    last = max(math.ceil((end - row.offset) * row.fps - 1e-6), first + 1)
    frames = np.arange(first, last)
    size = np.array([*row.frame_size, *row.frame_size])
    whole = np.tile([0.0, 0.0, 1.0, 1.0], (len(frames), 1))
    boxes = (hit.boxes_at(frames / row.fps + row.offset) if hit.boxes else whole) * size
    boxes[:, 2:] += boxes[:, :2]
    rows = zip(frames.tolist(), np.round(boxes, 2).tolist(), strict=True)
    sides = ("x1", "y1", "x2", "y2")
    return {
        "bboxes": [{"fno": frame, **dict(zip(sides, box, strict=True))} for frame, box in rows],
        "score": hit.score,
    }


def _write_qvhighlights(first: Mapping[str, QueryRow], found: Found, path: Path) -> None:
    lines = []
    for key, row in first.items():
        if key not in found:
            continue
        one = found[key]
        windows = [[*_window(hit, row), hit.score] for hit in one.hits]
        line = {"qid": int(key), "query": row.query, "vid": row.video, "pred_relevant_windows": windows}
        if one.scores is not None:
            line["pred_saliency_scores"] = _salience(one.scores, row)
        lines.append(line)
    _write_lines(path, lines)


def _salience(scores: FrameScores, row: QueryRow) -> list[float]:
    """Mean foreground of each clip of 2 s."""
    count = int((row.duration or 0.0) / CLIP_SECONDS)
    places = ((scores.times + scores.step / 2 - row.offset) / CLIP_SECONDS).astype(np.int64)
    inside = (places >= 0) & (places < count)
    sums = np.bincount(places[inside], scores.foreground[inside], minlength=count)
    frames = np.bincount(places[inside], minlength=count)
    return [round(value, _DIGITS) for value in (sums / np.maximum(frames, 1)).tolist()]


def _write_charades(first: Mapping[str, QueryRow], found: Found, path: Path) -> None:
    lines = [
        {
            "vid": row.video,
            "query": row.query,
            "pred_relevant_windows": [[*_window(hit, row), hit.score] for hit in found[key].hits],
        }
        for key, row in first.items()
        if key in found
    ]
    unique = {(line["vid"], plain_sentence(str(line["query"]))): line for line in reversed(lines)}
    _write_lines(path, list(reversed(unique.values())))


def _window(hit: Hit, row: QueryRow) -> list[float]:
    """Start and end in seconds of the clip, cut to it."""
    start, end = hit.start - row.offset, hit.end - row.offset
    if row.duration is not None and start < row.duration:
        end = min(end, row.duration)
    return [round(max(start, 0.0), _DIGITS), round(end, _DIGITS)]


def _write_lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    write_text(path, "".join(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines))


Writer = Callable[[Mapping[str, QueryRow], Found, Path], None]
"""First row of each query, what was found, the file."""
_WRITERS: Final[Mapping[str, Writer]] = MappingProxyType(
    {
        "sentences_ego4d": _write_nlq,
        "activities": _write_mq,
        "tubes": _write_vq,
        "moments": _write_qvhighlights,
        "sentences": _write_charades,
    }
)
