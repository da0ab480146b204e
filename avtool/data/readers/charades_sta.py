"""Charades-STA's annotations (Gao et al., 2017): `VIDEO START END##SENTENCE`, a line a query."""

import csv
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.data.readers.video_queries import VideoQuery, as_number, brief, read_text_lines, true_window


def read_charades_sta(path: Path) -> list[VideoQuery]:
    """The queries of `charades_sta_test.txt` or `charades_sta_train.txt`; keys are line numbers.

    Durations are those of the table of Charades (`Charades_v1_test.csv`) beside it, where it is there.

    Raises:
        BadInputError: a line is no query, or the table lacks `id` or `length`.
    """
    durations: dict[str, float] = {}
    for table in sorted(path.parent.glob("Charades_v1_*.csv")):
        durations |= _durations(table)
    found = []
    for number, line in enumerate(read_text_lines(path), start=1):
        if not line.strip():
            continue
        where = f"`{path}`, line {number}"
        head, mark, text = line.partition("##")
        words = head.split()
        times = [_number(word) for word in words[1:]]
        if not mark or len(words) != 3 or not text.strip():
            message = f"{where} is no query, but {brief(line)}"
            raise BadInputError(message, "a line is: VIDEO START END##SENTENCE")
        window = true_window(times, where)
        found.append(VideoQuery(str(number), words[0], text.strip(), (window,), durations.get(words[0])))
    if not found:
        raise BadInputError(f"`{path}` has no queries", "give the published text file")
    return found


def _durations(path: Path) -> dict[str, float]:
    rows = csv.DictReader(read_text_lines(path))
    if not {"id", "length"} <= set(rows.fieldnames or ()):
        raise BadInputError(f"`{path}` lacks the columns `id` and `length`", "give the table of Charades")
    lengths = ((row["id"], _number(row["length"] or "")) for row in rows)
    return {video: length for video, length in lengths if length and length > 0}


def _number(word: str) -> float | None:
    try:
        return as_number(float(word))
    except ValueError:
        return None
