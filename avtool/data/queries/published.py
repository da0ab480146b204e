"""QVHighlights and Charades-STA as query tables."""

from pathlib import Path

from avtool.data.queries.collector import Collector
from avtool.data.queries.table import QueryRow
from avtool.data.readers.charades_sta import read_charades_sta
from avtool.data.readers.qvhighlights import read_qvhighlights
from avtool.data.readers.video_queries import VideoQuery
from avtool.data.split_names import split_among


def convert_qvhighlights(path: Path, collector: Collector) -> None:
    """The queries of `highlight_train_release.jsonl` or `highlight_val_release.jsonl`; a row a moment.

    Raises:
        BadInputError: a line is no record of these.
    """
    for one in read_qvhighlights(path):
        _add(one.query, path, collector)


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
    for place, (start, end) in enumerate(query.windows):
        collector.add(row, start, end, f"`{path}`: query `{query.key}`, window {place}")
