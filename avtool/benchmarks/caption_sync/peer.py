"""ffsubsync (https://github.com/smacke/ffsubsync) on the same captions and the same speech signal.

It is called through its own argument parser, as its command line does, with the speech signal in the file
format that its `--serialize-speech` writes: no audio is decoded, and both programs get the same input.
"""

import importlib.util
import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avtool.benchmarks.caption_sync.distortions import DistortedCaptions
from avtool.benchmarks.caption_sync.films import Floats


@dataclass(frozen=True, eq=False)
class PeerResult:
    """What ffsubsync made of the captions.

    Attributes:
        starts_s: (cues,) in film time.
        ratio: the frame rate ratio it chose.
        accepted: False when it calls the alignment a failure.
        seconds: wall time, without imports.
    """

    starts_s: Floats
    ratio: float
    accepted: bool
    seconds: float


def is_installed() -> bool:
    """Whether ffsubsync can be imported."""
    return importlib.util.find_spec("ffsubsync") is not None


def run_ffsubsync(
    captions: DistortedCaptions, speech: NDArray[np.float32], options: Sequence[str] = ()
) -> PeerResult:
    """Runs ffsubsync with command-line options. It changes logging: call it in a worker process."""
    import srt  # type: ignore[import-untyped]
    from ffsubsync.ffsubsync import make_parser, run  # type: ignore[import-untyped]

    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez_compressed(folder / "film.npz", speech=(speech > 0.5).astype(np.float64))
        (folder / "in.srt").write_text(_as_srt(captions), encoding="utf-8")
        arguments = [folder / "film.npz", "-i", folder / "in.srt", "-o", folder / "out.srt", *options]
        parsed = make_parser().parse_args([str(argument) for argument in arguments])
        begin = time.perf_counter()
        result = run(parsed)
        seconds = time.perf_counter() - begin
        starts = captions.starts_s.copy()
        if (folder / "out.srt").exists():
            for cue in srt.parse((folder / "out.srt").read_text(encoding="utf-8")):
                starts[int(cue.content.strip("[]").split()[-1])] = cue.start.total_seconds()
    ratio = result["framerate_scale_factor"]
    return PeerResult(
        starts, 1.0 if ratio is None else float(ratio), bool(result["sync_was_successful"]), seconds
    )


def _as_srt(captions: DistortedCaptions) -> str:
    """SubRip text; sound cues are in brackets, which ffsubsync removes from its speech signal."""
    import srt

    cues = []
    for number, (start, end) in enumerate(zip(captions.starts_s, captions.ends_s, strict=True)):
        text = f"line {number}" if captions.is_dialogue[number] else f"[sound {number}]"
        cues.append(srt.Subtitle(number + 1, timedelta(seconds=start), timedelta(seconds=end), text))
    return str(srt.compose(cues))
