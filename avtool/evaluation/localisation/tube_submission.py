"""Ego4D VQ2D's submissions: a tube of boxes for each visual query."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from avtool.core.errors import BadInputError
from avtool.data.readers.video_queries import as_number, brief, field, number, read_json_file
from avtool.evaluation.localisation.submissions import WindowChecks, check_challenge
from avtool.evaluation.localisation.tubes import Tube

_SIDES = ("x1", "y1", "x2", "y2")


def read_vq_submission(path: Path, checks: WindowChecks) -> Mapping[str, Tube]:
    """Tubes by query, `VIDEO/CLIP/ANNOTATION/QUERY`; predictions are in the order of the annotations.

    A tube with a wrong box, or whose frames are not contiguous, is refused, or empty if it is to be fixed.

    Raises:
        BadInputError: it is of another challenge, or a record is incomplete.
    """
    content = read_json_file(path)
    check_challenge(content, path, "ego4d_vq2d_challenge", version=None)
    found: dict[str, Tube] = {}
    results = field(content, "results", dict, f"`{path}`")
    for place, video in enumerate(field(results, "videos", list, f"`{path}`: `results`")):
        where = f"`{path}`, video {place}"
        name = field(video, "video_uid", str, where)
        for index, clip in enumerate(field(video, "clips", list, where)):
            spot = f"{where}, clip {index}"
            uid = field(clip, "clip_uid", str, spot)
            for order, prediction in enumerate(field(clip, "predictions", list, spot)):
                at = f"{spot}, prediction {order}"
                for query, row in field(prediction, "query_sets", dict, at).items():
                    key = f"{name}/{uid}/{order}/{query}"
                    if key in found:
                        raise BadInputError(f"{at}: query `{key}` is there twice", "remove one")
                    found[key] = _tube(row, f"`{path}`: query `{key}`", checks)
    if not found:
        raise BadInputError(f"`{path}` has no results", "give a submission of the challenge")
    return found


def _tube(row: Any, where: str, checks: WindowChecks) -> Tube:
    boxes = field(row, "bboxes", list, where)
    score = number(row.get("score"), f"{where}: `score`")
    frames: list[int] = []
    found: list[list[float]] = []
    for place, box in enumerate(boxes):
        frame = box.get("fno") if isinstance(box, dict) else None
        sides = (
            [one for side in _SIDES if (one := as_number(box.get(side))) is not None]
            if isinstance(box, dict)
            else []
        )
        problem = ""
        if not isinstance(frame, int) or not 0 <= frame < 1 << 31 or len(sides) != len(_SIDES):
            problem = f"box {place} is {brief(box)}, no frame `fno` with x1, y1, x2, y2"
        elif sides[2] < sides[0] or sides[3] < sides[1]:
            problem = f"box {place} ends before it starts: {brief(box)}"
        elif frames and frame != frames[-1] + 1:
            problem = f"box {place} is of frame {frame}, behind frame {frames[-1]}: frames are contiguous"
        if problem:
            checks.refuse(f"{where}: {problem}")
            frames, found = [], []
            break
        assert isinstance(frame, int), "others were refused"
        frames.append(frame)
        found.append(sides)
    return Tube(np.array(frames, dtype=np.int64), np.array(found, dtype=np.float64).reshape(-1, 4), score)
