"""Caption metrics: seconds of the evaluator on the val_1 set, METEOR beside its Java program, and SODA.

BMT's evaluator takes 120 to 150 s for four tIoUs and five metrics on 4,400 videos, SODA's program 79 s a file
(the authors' repositories, run on another machine).
"""

import os
import shutil
import sys
import time
from functools import partial
from pathlib import Path

from avtool.core.reporter import Silent
from avtool.evaluation.dense_captions.protocol import DenseCaptionProtocol
from avtool.evaluation.dense_captions.segments import read_references, read_submission
from avtool.evaluation.dense_captions.soda import overlapping_pairs, soda
from avtool.evaluation.metrics.caption_tokens import open_tokeniser
from avtool.evaluation.metrics.meteor import open_meteor, pair_scores

REPOSITORY = Path(__file__).resolve().parents[2]


def main() -> None:
    shared = REPOSITORY.parent / "shared" / "data"
    folder = Path(os.environ.get("AVTOOL_TEST_DATA", shared)) / "eval" / "dense_caption"
    if not folder.is_dir():
        print(f"skipped: no dense captions in {folder} (set AVTOOL_TEST_DATA)")
        return
    open_meteor("python", Silent())  # makes the table where it is not yet
    python = timed("METEOR, Python, begins", partial(open_meteor, "python", Silent()))
    references = [read_references(folder / f"anet_val_{number}.json") for number in (1, 2)]
    submission = read_submission(folder / "bmt_submission_val_1.json")
    pairs = [
        (row.sentence, other.sentence)
        for video, rows in submission.items()
        for row, other in zip(rows, references[1].get(video, ()), strict=False)
    ]
    backends = {"Python": python}
    if shutil.which("java"):
        backends["Java"] = open_meteor("java", Silent())
    for count in (1000, 16_000):
        for name, meteor in backends.items():
            chosen = (pairs * 2)[:count]
            timed(
                f"METEOR, {name}, {count} pairs", lambda meteor=meteor, chosen=chosen: meteor.counts(chosen)
            )
    protocol = DenseCaptionProtocol(python, open_tokeniser("python"))
    for label, chosen in (("val_1", references[:1]), ("val_1 and val_2", references)):
        videos = len(set().union(*chosen))
        timed(
            f"evaluator, {videos} videos, {label}: four tIoUs, eight metrics, SODA, proposals",
            partial(protocol.score, submission, chosen, Silent()),
        )
    timed("SODA_c, val_2", partial(soda_alone, submission, references[1], python))


def soda_alone(submission, references, meteor) -> None:
    pairs = list(dict.fromkeys(overlapping_pairs(submission, references)))
    scores = pair_scores(meteor.counts([pair[::-1] for pair in pairs])).tolist()
    soda(submission, references, dict(zip(pairs, scores, strict=True)))


def timed(label, work):
    """The result of a call, with its wall time and this process's CPU time on a line."""
    begin, busy = time.perf_counter(), time.process_time()
    result = work()
    seconds, cpu = time.perf_counter() - begin, time.process_time() - busy
    print(f"{label}: {seconds:.1f} s ({cpu:.1f} s of this process's CPU)", flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main())
