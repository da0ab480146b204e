"""Ego4D's episodic memory as query tables: `ego4d-vq`, `ego4d-nlq`, `ego4d-mq`, of versions 1 and 2.

Times are those of a clip. Where only its video is at hand, they are moved by the clip's start in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from avtool.core.errors import BadInputError
from avtool.data.queries.checks import TimedPixelBox, checked_boxes
from avtool.data.queries.collector import Collector
from avtool.data.queries.table import Kind, QueryRow
from avtool.data.readers.ego4d import clip_duration, frame_number, iter_clips, iter_videos
from avtool.data.readers.video_queries import as_number, brief, field, number


@dataclass(frozen=True)
class _Annotation:
    """An annotation of a clip, and what its rows have in common."""

    video: str
    clip: str
    content: Any
    record: Any
    index: int
    where: str
    row: QueryRow

    def query(self, query_id: str, kind: Kind, text: str, annotation: str, index: str) -> QueryRow:
        """A row without its segment."""
        return replace(self.row, query_id=query_id, kind=kind, query=text, annotation=annotation, index=index)


def _annotations(path: Path, collector: Collector) -> Iterator[_Annotation]:
    for video, record, where in iter_videos(path):
        split = record.get("split")
        for clip, content, place in iter_clips(record, where):
            media, offset = collector.clip_media(
                clip, video, as_number(content.get("video_start_sec")) or 0.0
            )
            row = QueryRow(
                "", media, "text", "", 0.0, 0.0, split if isinstance(split, str) else "", video or clip,
                offset=offset, duration=clip_duration(content), video=video, clip=clip,
            )  # fmt: skip
            for index, annotation in enumerate(field(content, "annotations", list, place)):
                yield _Annotation(
                    video, clip, content, annotation, index, f"{place}, annotation {index}", row
                )


def convert_nlq(path: Path, collector: Collector) -> None:
    """Sentences (`nlq_train.json`, `nlq_val.json`); a query without one is skipped.

    Raises:
        BadInputError: a record is incomplete.
    """
    for one in _annotations(path, collector):
        name = field(one.record, "annotation_uid", str, one.where)
        for index, query in enumerate(field(one.record, "language_queries", list, one.where)):
            where = f"{one.where}, query {index}"
            if not isinstance(query, dict):
                raise BadInputError(f"{where} is {brief(query)}", "correct the record")
            text = canonical_sentence(query.get("query"))
            if not text:
                collector.skip("queries without a sentence")
                continue
            row = one.query(f"{one.clip}/{name}/{index}", "text", text, name, str(index))
            collector.add(row, query.get("clip_start_sec"), query.get("clip_end_sec"), where)


def canonical_sentence(text: Any) -> str:
    """A sentence as MINOTAUR normalises it: lower case, one question mark; "" where there is none."""
    words = text.strip().replace("?", "").strip().lower() if isinstance(text, str) else ""
    return f"{words}?" if words else ""


def convert_mq(path: Path, collector: Collector) -> None:
    """Primary activity labels (`moments_train.json`, `moments_val.json`); all instances of one are a query.

    Raises:
        BadInputError: a record is incomplete.
    """
    for one in _annotations(path, collector):
        for index, label in enumerate(field(one.record, "labels", list, one.where)):
            where = f"{one.where}, label {index}"
            name = field(label, "label", str, where)
            if not label.get("primary"):
                collector.skip("labels that are not primary")
                continue
            row = one.query(f"{one.clip}/{name}", "label", name, str(one.index), str(index))
            collector.add(row, label.get("start_time"), label.get("end_time"), where)


def convert_vq(path: Path, collector: Collector) -> None:
    """Visual queries (`vq_train.json`, `vq_val.json`): a box of a frame, and where it was last seen before.

    Raises:
        BadInputError: a record is incomplete, or frames are missing in a response track.
    """
    for one in _annotations(path, collector):
        for name, query in field(one.record, "query_sets", dict, one.where).items():
            if not isinstance(query, dict) or not query.get("is_valid"):
                collector.skip("queries that are not valid")
                continue
            where = f"{one.where}, query {name}"
            fps = number(one.content.get("clip_fps"), f"`clip_fps` of {one.where}")
            if fps <= 0:
                raise BadInputError(f"{one.where}: `clip_fps` is {fps:g}", "correct the record")
            key = f"{one.video}/{one.clip}/{one.index}/{name}"
            row = one.query(key, "image", one.row.media, str(one.index), str(name))
            _add_track(query, fps, row, where, collector)


def _add_track(query: Any, fps: float, row: QueryRow, where: str, collector: Collector) -> None:
    crop = field(query, "visual_crop", dict, where)
    title = query.get("object_title")
    untimed = collector.options.untimed and query.get("response_track") is None
    responses = [] if untimed else field(query, "response_track", list, where)
    track = sorted(_frame_box(one, f"{where}, response {place}") for place, one in enumerate(responses))
    crop_frame, *crop_box = _frame_box(crop, f"{where}, `visual_crop`")
    size = _frame_size(crop, *responses)
    if untimed and size is None:
        message = f"{where}, `visual_crop` has no `original_width` and `original_height`"
        raise BadInputError(message, "correct the record")
    boxes = checked_boxes(
        [(frame / fps + row.offset, *box) for frame, *box in track],
        size,
        where,
        collector.problems,
        step=1 / fps,
    )
    if not boxes and not untimed:
        collector.skip("queries without a response track")
        return
    left, top, width, height = crop_box
    row = replace(
        row,
        boxes=boxes or (),
        frame_size=size,
        query_start=crop_frame / fps + row.offset,
        query_box=(left, top, width, height),
        query_name=title if isinstance(title, str) else "",
        search_end=frame_number(query, "query_frame", where) / fps,
        fps=fps,
    )
    if not boxes:
        collector.add(row, None, None, where)
        return
    first, last = (round(time - row.offset, 6) for time in (boxes[0][0], boxes[-1][0] + 1 / fps))
    collector.add(row, first, last, where)


def _frame_box(record: Any, where: str) -> TimedPixelBox:
    if not isinstance(record, dict):
        raise BadInputError(f"{where} is {brief(record)}, no box", "correct the record")
    x, y, width, height = (
        number(record.get(one), f"{where}: `{one}`") for one in ("x", "y", "width", "height")
    )
    return float(frame_number(record, "frame_number", where)), x, y, width, height


def _frame_size(*records: Any) -> tuple[float, float] | None:
    """Of the first box that has it."""
    for record in records:
        wide, high = (as_number(record.get(one)) for one in ("original_width", "original_height"))
        if wide and high:
            return wide, high
    return None
