"""QVHighlights and Charades-STA as query tables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from avtool.data.queries.collector import Collector
from avtool.data.queries.table import QueryRow
from avtool.data.readers.charades_sta import read_charades_sta
from avtool.data.readers.qvhighlights import read_qvhighlights
from avtool.data.readers.video_queries import VideoQuery, field, number, read_json_lines
from avtool.data.split_names import split_among


def convert_qvhighlights(path: Path, collector: Collector) -> None:
    """The queries of `highlight_train_release.jsonl` or `highlight_val_release.jsonl`; a row a moment.

    Raises:
        BadInputError: a line is no record of these.
    """
    if collector.options.untimed and (queries := _untimed(path)):
        for query in queries:
            _add(query, path, collector)
        return
    for one in read_qvhighlights(path):
        _add(one.query, path, collector)


def _untimed(path: Path) -> list[VideoQuery]:
    """The queries of a file without any moments, as that of the test set; none of others."""
    found = []
    for where, record in read_json_lines(path):
        if "relevant_windows" in record:
            return []
        key, text, video = (str(field(record, "qid", int, where)), *_texts(record, where))
        duration = number(record.get("duration"), f"{where}: `duration`")
        found.append(VideoQuery(key, video, text, (), duration))
    return found


def _texts(record: Mapping[str, Any], where: str) -> tuple[str, str]:
    return field(record, "query", str, where), field(record, "vid", str, where)


def convert_charades_sta(path: Path, collector: Collector) -> None:
    """The queries of `charades_sta_train.txt` or `charades_sta_test.txt`; ids are line numbers.

    Raises:
        BadInputError: a line is no query.
    """
    for query in read_charades_sta(path):
        _add(query, path, collector)


def _add(query: VideoQuery, path: Path, collector: Collector) -> None:
    split = split_among([path.stem])
    row = QueryRow(
        query.key, collector.media(query.video), "text", query.text, 0.0, 0.0, split, query.video,
        duration=query.duration, video=query.video,
    )  # fmt: skip
    if not query.windows:
        collector.add(row, None, None, f"`{path}`: query `{query.key}`")
    for place, (start, end) in enumerate(query.windows):
        collector.add(row, start, end, f"`{path}`: query `{query.key}`, window {place}")
