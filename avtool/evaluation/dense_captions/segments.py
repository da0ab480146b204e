"""Captioned segments of videos: reading references and submissions of dense video captioning."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avtool.core.errors import BadInputError

_SUBMISSION = '{"results": {"VIDEO": [{"sentence": "…", "timestamp": [0.0, 1.5]}]}}'
_REFERENCES = '{"VIDEO": {"timestamps": [[0.0, 1.5]], "sentences": ["…"]}}'


@dataclass(frozen=True, slots=True)
class CaptionedSegment:
    """A caption of a part of a video.

    Attributes:
        start, end: in seconds.
        sentence: its caption.
        score: confidence, of predictions that have one.
    """

    start: float
    end: float
    sentence: str
    score: float | None = None


Captions = Mapping[str, tuple[CaptionedSegment, ...]]
"""Video → its segments."""


def read_submission(path: Path) -> Captions:
    """Reads a submission in the form of the ActivityNet challenge; other keys than `results` are ignored.

    Raises:
        BadInputError: it is no JSON, lacks `results`, or a segment lacks its sentence or its times.
    """
    values = _read(path)
    results = values.get("results") if isinstance(values, dict) else None
    if not isinstance(results, dict):
        raise BadInputError(f"`{path}` lacks `results`", f"a submission is {_SUBMISSION}")
    return {str(video): tuple(_predictions(path, video, rows)) for video, rows in results.items()}


def read_references(path: Path, subset: str = "") -> Captions:
    """Reads references as ActivityNet Captions or YouCook2 publish them.

    Args:
        path: a JSON file of either.
        subset: of YouCook2's file, the videos of this subset; empty: all.

    Raises:
        BadInputError: it is neither, or a video's timestamps and sentences do not match.
    """
    values = _read(path)
    if isinstance(values, dict) and isinstance(values.get("database"), dict):
        found = {
            video: [(row["segment"], row["sentence"]) for row in facts["annotations"]]
            for video, facts in values["database"].items()
            if _is_youcook(path, video, facts) and subset in ("", facts.get("subset"))
        }
    elif isinstance(values, dict) and "results" not in values:
        found = {video: list(_timed(path, video, facts)) for video, facts in values.items()}
    else:
        raise BadInputError(f"`{path}` has no references", f"they are {_REFERENCES}")
    if not any(found.values()):
        raise BadInputError(f"`{path}` has no captions", f"references are {_REFERENCES}")
    return {
        video: tuple(_segment(path, video, row, *pair) for row, pair in enumerate(rows))
        for video, rows in found.items()
    }


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadInputError(f"`{path}` cannot be read: {error.strerror}", "check the path") from error
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"`{path}` is no JSON: {error}", f"a submission is {_SUBMISSION}") from error


def _predictions(path: Path, video: str, rows: Any) -> Iterator[CaptionedSegment]:
    if not isinstance(rows, list):
        raise BadInputError(f"`{path}`: `{video}` has no list of segments", f"a submission is {_SUBMISSION}")
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise _wrong(path, video, number, "is no segment")
        score = row.get("score", row.get("proposal_score"))
        yield _segment(path, video, number, row.get("timestamp"), row.get("sentence"), score)


def _is_youcook(path: Path, video: str, facts: Any) -> bool:
    rows = facts.get("annotations", ()) if isinstance(facts, dict) else None
    if rows is None or not all(
        isinstance(row, dict) and {"segment", "sentence"} <= row.keys() for row in rows
    ):
        raise BadInputError(f"`{path}`: `{video}` has annotations without `segment` or `sentence`")
    return bool(rows)


def _timed(path: Path, video: str, facts: Any) -> Iterator[tuple[Any, Any]]:
    times, sentences = (
        facts.get(key) if isinstance(facts, dict) else None for key in ("timestamps", "sentences")
    )
    if not (isinstance(times, list) and isinstance(sentences, list) and len(times) == len(sentences)):
        message = f"`{path}`: `{video}` lacks timestamps and sentences of equal number"
        raise BadInputError(message, f"references are {_REFERENCES}")
    return zip(times, sentences, strict=True)


def _segment(
    path: Path, video: str, number: int, times: Any, sentence: Any, score: Any = None
) -> CaptionedSegment:
    if not isinstance(sentence, str):
        raise _wrong(path, video, number, "has no sentence")
    numbers = [one for one in times if _is_number(one)] if isinstance(times, list) else []
    if len(numbers) != 2 or len(times) != 2:
        raise _wrong(path, video, number, f"has no start and end in seconds, but {json.dumps(times)[:60]}")
    value = float(score) if _is_number(score) else None
    return CaptionedSegment(float(numbers[0]), float(numbers[1]), sentence, value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _wrong(path: Path, video: str, number: int, problem: str) -> BadInputError:
    return BadInputError(
        f"`{path}`: segment {number + 1} of `{video}` {problem}", f"a submission is {_SUBMISSION}"
    )
