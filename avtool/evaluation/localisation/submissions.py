"""Submissions of the challenges: predicted windows, read in each challenge's own form."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from avtool.core.arrays import Floats
from avtool.core.errors import BadInputError
from avtool.data.readers.video_queries import (
    VideoQuery,
    Window,
    as_number,
    brief,
    read_json_file,
    read_json_lines,
)
from avtool.data.readers.video_queries import field as field_of
from avtool.evaluation.localisation.activities import Activities, Activity
from avtool.evaluation.localisation.moments import RankedWindows


@dataclass
class WindowChecks:
    """Checks of predicted windows.

    Attributes:
        fix: drop windows that are none, instead of refusing them.
        dropped: how many were.
    """

    fix: bool = False
    dropped: int = field(default=0, init=False)

    def ranked(self, rows: Any, where: str, *, scored: bool) -> list[tuple[float, float, float]]:
        """Windows of a query: start, end and, if `scored`, a score, else the negative rank.

        Raises:
            BadInputError: one is no window, and they are not fixed.
        """
        if not isinstance(rows, list):
            raise BadInputError(
                f"{where} has no list of windows, but {brief(rows)}", "correct the submission"
            )
        found = []
        for place, row in enumerate(rows):
            values = [as_number(one) for one in row] if isinstance(row, list) else []
            start, end, score = (*values, -float(place))[:3] if len(values) >= 2 else (None, None, None)
            if scored and len(values) < 3:
                score = None
            if start is None or end is None or score is None or end <= start:
                self.refuse(f"{where}: window {place} is {brief(row)}, no start before an end")
            else:
                found.append((start, end, score))
        return found

    def refuse(self, message: str) -> None:
        """Counts a window that is none.

        Raises:
            BadInputError: they are not fixed.
        """
        if not self.fix:
            raise BadInputError(message, "correct it, or drop all such predictions by --fix")
        self.dropped += 1


def read_jsonl_submission(path: Path, checks: WindowChecks) -> Mapping[str, RankedWindows]:
    """QVHighlights' form: a line a query with `qid`, `pred_relevant_windows`, `pred_saliency_scores`.

    Raises:
        BadInputError: a line lacks its query or both predictions, a query is there twice, or a value is
            wrong.
    """
    found: dict[str, RankedWindows] = {}
    for where, record in read_json_lines(path):
        key = str(field_of(record, "qid", int, where))
        if key in found:
            raise BadInputError(f"{where}: query {key} is there twice", "remove one")
        if not {"pred_relevant_windows", "pred_saliency_scores"} & record.keys():
            message = f"{where} has neither `pred_relevant_windows` nor `pred_saliency_scores`"
            raise BadInputError(message, "give a submission of QVHighlights (JSONL)")
        place = f"{where}, query {key}"
        rows = checks.ranked(record.get("pred_relevant_windows", []), place, scored=True)
        found[key] = ranked_windows(rows, _saliency(record.get("pred_saliency_scores"), place))
    if not found:
        raise BadInputError(f"`{path}` has no predictions", "give a submission (JSONL)")
    return found


def read_sentence_submission(
    path: Path, queries: Sequence[VideoQuery], checks: WindowChecks
) -> Mapping[str, RankedWindows]:
    """Predictions of sentences: a line each with `vid`, `query` and `pred_relevant_windows` (JSONL).

    All queries of the video with that sentence have them. Scores are optional.

    Raises:
        BadInputError: a line lacks one of these, or is about a sentence that the annotations lack.
    """
    wanted: dict[tuple[str, str], list[str]] = {}
    for query in queries:
        wanted.setdefault((query.video, plain_sentence(query.text)), []).append(query.key)
    found: dict[str, RankedWindows] = {}
    for where, record in read_json_lines(path):
        video, text = field_of(record, "vid", str, where), field_of(record, "query", str, where)
        keys = wanted.get((video, plain_sentence(text)))
        if keys is None:
            message = f"{where}: the annotations have no query `{text[:80]}` of video `{video}`"
            raise BadInputError(message, "give the annotations of the same split")
        if keys[0] in found:
            raise BadInputError(
                f"{where}: query `{text[:80]}` of video `{video}` is there twice", "remove one"
            )
        rows = checks.ranked(record.get("pred_relevant_windows"), where, scored=False)
        found |= dict.fromkeys(keys, ranked_windows(rows))
    if not found:
        raise BadInputError(f"`{path}` has no predictions", "give a submission (JSONL)")
    return found


def read_nlq_submission(path: Path, checks: WindowChecks) -> Mapping[str, RankedWindows]:
    """Ego4D NLQ's form: `results` with `clip_uid`, `annotation_uid`, `query_idx`, `predicted_times`.

    Raises:
        BadInputError: it is of another challenge or version, a record is incomplete, or a query is there
            twice.
    """
    content = read_json_file(path)
    check_challenge(content, path, "ego4d_nlq_challenge")
    found: dict[str, RankedWindows] = {}
    for number, record in enumerate(field_of(content, "results", list, f"`{path}`")):
        where = f"`{path}`, result {number}"
        clip, annotation = (field_of(record, name, str, where) for name in ("clip_uid", "annotation_uid"))
        key = f"{clip}/{annotation}/{field_of(record, 'query_idx', int, where)}"
        if key in found:
            raise BadInputError(f"{where}: query `{key}` is there twice", "remove one")
        rows = checks.ranked(record.get("predicted_times"), f"{where} (`{key}`)", scored=False)
        found[key] = ranked_windows(rows)
    if not found:
        raise BadInputError(f"`{path}` has no results", "give a submission of the challenge")
    return found


def read_mq_submission(path: Path, checks: WindowChecks) -> tuple[Activities, Activities]:
    """Ego4D MQ's form: `detect_results` and `retrieve_results`, clip → `label`, `score`, `segment`.

    Raises:
        BadInputError: it is of another challenge or version, or a prediction is incomplete.
    """
    content = read_json_file(path)
    check_challenge(content, path, "ego4d_moment_queries")
    parts = []
    for part in ("detect_results", "retrieve_results"):
        found: dict[str, list[Activity]] = {}
        for clip, rows in field_of(content, part, dict, f"`{path}`").items():
            where = f"`{path}`: `{part}` of `{clip}`"
            if not isinstance(rows, list):
                raise BadInputError(f"{where} is no list, but {brief(rows)}", "correct the submission")
            found[clip] = []
            for number, row in enumerate(rows):
                place = f"{where}, prediction {number}"
                label, times = field_of(row, "label", str, place), field_of(row, "segment", list, place)
                for start, end, score in checks.ranked([[*times[:2], row.get("score")]], place, scored=True):
                    found[clip].append(Activity(label, start, end, score))
        parts.append(found)
    if not any(parts):
        raise BadInputError(f"`{path}` has no results", "give a submission of the challenge")
    return parts[0], parts[1]


def check_challenge(content: Any, path: Path, challenge: str, version: str | None = "1.0") -> None:
    """Refuses a submission to another challenge, or of another version; None takes any.

    Raises:
        BadInputError: it is one.
    """
    for name, wanted in (("challenge", challenge), ("version", version)):
        if wanted and (given := field_of(content, name, str, f"`{path}`")) != wanted:
            message = f"`{path}`: `{name}` is `{given[:60]}`, not `{wanted}`"
            raise BadInputError(message, "give a submission of this challenge")


def ranked_windows(rows: Sequence[tuple[float, ...]], saliency: Floats | None = None) -> RankedWindows:
    """Windows of (start, end, score) as arrays."""
    values = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return RankedWindows(values[:, :2], values[:, 2], saliency)


def check_keys(path: Path, predicted: Collection[str], wanted: Collection[str], kind: str) -> None:
    """Refuses predictions of queries that the annotations lack.

    Raises:
        BadInputError: there are some.
    """
    known = set(wanted)
    if unknown := [key for key in predicted if key not in known]:
        message = (
            f"`{path}`: {kind} `{unknown[0]}` is not in the annotations ({len(unknown)} of {len(predicted)})"
        )
        raise BadInputError(
            message, f"give the annotations of the same split; they begin with `{next(iter(wanted))}`"
        )


def whole_videos(durations: Mapping[str, float | None]) -> dict[str, RankedWindows]:
    """The baseline of one window over each whole video; of queries whose duration is known."""
    return {key: ranked_windows([(0.0, end, 1.0)]) for key, end in durations.items() if end}


def random_windows(durations: Mapping[str, float | None], seed: int, number: int) -> dict[str, RankedWindows]:
    """The baseline of windows between two random times of the video, ranked as they are drawn.

    Args:
        durations: of the video of each query, in seconds.
        seed: of the times.
        number: of windows.
    """
    generator = np.random.default_rng(seed)
    return {
        key: ranked_windows(
            [(*window, -float(rank)) for rank, window in enumerate(_drawn(generator, end, number))]
        )
        for key, end in durations.items()
        if end
    }


def _drawn(generator: np.random.Generator, end: float, number: int) -> Iterator[Window]:
    yield from map(tuple, np.sort(generator.uniform(0, end, (number, 2)), axis=1).tolist())


def _saliency(values: Any, where: str) -> Floats | None:
    if values is None:
        return None
    numbers = [as_number(one) for one in values] if isinstance(values, list) else [None]
    if None in numbers:
        place = numbers.index(None)
        shown = brief(values[place]) if isinstance(values, list) else brief(values)
        message = f"{where}: `pred_saliency_scores` {place} is {shown}, no finite number"
        raise BadInputError(message, "correct the submission")
    return np.array(numbers, dtype=np.float64)


def plain_sentence(text: str) -> str:
    """A sentence without case, full stop and further spaces: as predictions are assigned to queries."""
    return " ".join(text.lower().split()).rstrip(" .")
