"""Kills pretrainings, resumes them, and compares what they leave with undisturbed runs.

A script: the parent imports torch once, and each training is a forked child.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import accelerate  # noqa: F401
import torch
import torch._dynamo

from avtool.core.recipe import load
from avtool.core.reporter import Silent
from avtool.tasks import TASKS
from avtool.training.loop import fit
from avtool.training.update import Updater
from tests.harness import differences, in_child, write_audio_clips, write_images, write_video_clips

KILLED_STEP = 4
COMMON = {
    "model.preset": "tiny",
    "loop.max_steps": 6,
    "loop.batch_size": 4,
    "loop.log_every": 2,
    "loop.checkpoint_every": "3 steps",
    "loop.validate_every": "3 steps",
    "loop.workers": 0,
    "loop.tensorboard": False,
    "runtime.device": "cpu",
    "runtime.precision": "fp32",
}
VIDEO = {
    "data.video.num_frames": 4,
    "data.video.seconds": 1.0,
    "data.video.size": 32,
    "data.video.short_side": 36,
}
SOUND = {"data.seconds": 1.28, "data.audio.num_mel_bins": 32}
PAIRS = {
    "data.pairs.num_frames": 4,
    "data.pairs.size": 16,
    "data.pairs.speeds": [1, 2],
    "data.spans.short_side": 24,
    "data.audio.num_mel_bins": 32,
    "data.pairs.audio_frames": 40,
    "data.crops": 4,
    "temporal.queue": 16,
    "temporal.negatives": 8,
    "temporal.top": 3,
}
RUNS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "image-mae": ("image-mae", "pictures", {"data.size": 32}),
    "audio-mae": ("audio-mae", "sounds", {**SOUND, "mask.kind": "time-frequency", "data.roll": True}),
    "video-mae": ("video-mae", "films", {**VIDEO, "mask.ratio": 0.75, "mask.decode_fraction": 0.5}),
    "mavil": ("mavil", "films", {**VIDEO, **SOUND, "ema.decay": 0.9}),
    "mavil-stage2": ("mavil", "films", {**VIDEO, **SOUND, "mavil.stage": 2, "mavil.teacher": "mavil"}),
    **{
        f"avt-{objective}": ("avt", "films", {**PAIRS, "temporal.objective": objective})
        for objective in ("avt", "infonce", "nnclr", "avid", "gdt")
    },
}


def train(root: Path, name: str, folder: Path, *, dying: bool = False) -> int:
    """A pretraining in a child process."""
    method_name, data, settings = RUNS[name]
    values = {**COMMON, **settings}
    if "mavil.teacher" in values:
        values["mavil.teacher"] = str(root / "mavil" / "whole" / "model")
    task = TASKS.find(method_name)
    recipe = load(task.recipe_type, flags=values, environment={})

    def work() -> None:
        if dying:
            die_in_step(KILLED_STEP)
        fit(task(root / data, recipe, Silent(), 1, "pretrain").prepare(), recipe, folder)

    return in_child(work)


def die_in_step(step: int) -> None:
    """Lets this process be killed when a step, counted from 0, has gradients that are not used yet."""
    update, steps = Updater.update, count()

    def dying(self: Updater, moving: Sequence[str]) -> dict[str, torch.Tensor]:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return update(self, moving)

    Updater.update = dying  # type: ignore[method-assign]


def main(root: Path, names: list[str]) -> dict[str, Any]:
    """Runs some of `RUNS`: exit codes of the undisturbed, killed and resumed run, and what differs."""
    write_audio_clips(root / "sounds", 8, val=2)
    write_video_clips(root / "films", 8, seconds=2.6, val=2)
    write_images(root / "pictures", 8, val=2)
    results = {}
    if "mavil-stage2" in names and train(root, "mavil", root / "mavil" / "whole") != 0:
        raise RuntimeError("there is no teacher")
    for name in names:
        whole, broken = root / name / "whole", root / name / "broken"
        codes = [
            train(root, name, whole),
            train(root, name, broken, dying=True),
            train(root, name, broken),
        ]
        results[name] = {"codes": codes, "differences": differences(broken, whole)}
    return results


if __name__ == "__main__":
    torch.set_num_threads(1)
    Path(sys.argv[2]).write_text(json.dumps(main(Path(sys.argv[1]), sys.argv[3:])))
