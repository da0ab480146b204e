"""Grounding of a query in an indexed film: frames encoded once, against again in every window.

Plain: the reference's schedule, the whole network in each window of each frame rate; with a backbone, that
too. Both run the same random weights over the same windows. The network has the published depth and shape of
a frame (7 x 12 tokens) at a quarter of the width, so that the bench ends. Seconds are those of a processor.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from avtool.core.reporter import Silent
from avtool.inference.localisation.grounding import GroundingEngine, GroundingRecipe
from avtool.inference.localisation.sliding import window_starts
from avtool.models.registry import create
from tests.unit.inference.localisation.slide_memory import peak

STEP, GRID, WIDTH, WORDS = 0.2, (7, 12), 256, 8
ACTIVITIES = (1, 3, 5, 10, 25)
QUERY = SimpleNamespace(kind="text", name="x")
CPU: Any = {"device": "cpu", "precision": "fp32"}


class Words:
    """The query: random tokens."""

    def tokens(self, query: Any) -> Any:
        return np.random.default_rng(1).normal(size=(WORDS, 768)).astype(np.float32)


def network(**changes: Any) -> Any:
    torch.manual_seed(0)
    sizes = {"visual_dim": WIDTH, "grid": GRID, "dim": 64, "heads": 8, "mlp_dim": 512} | changes
    return create("minotaur_base", **sizes).eval()


def film(frames: int) -> Any:
    tokens = np.random.default_rng(0).normal(size=(frames, GRID[0] * GRID[1], WIDTH)).astype(np.float16)
    return SimpleNamespace(times=np.arange(frames) * STEP, step=STEP, visual=tokens, audio=None, grid=GRID)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.process_time()
    return work(), time.process_time() - begin


@torch.no_grad()
def reference(
    model: Any,
    index: Any,
    window: int,
    step: int,
    stride: int,
    scales: Sequence[int],
    seen: Callable[..., Any],
) -> tuple[list[Any], int]:
    """The foreground of each frame, and how many frames were encoded."""
    query = torch.from_numpy(Words().tokens(QUERY))[None]
    mask = torch.ones(1, WORDS, dtype=torch.bool)
    found, encoded = [], 0
    for scale in scales:
        frames = np.arange(len(index.times))[::scale]
        sums, counts = np.zeros(len(frames)), np.zeros(len(frames))
        for start in window_starts(len(frames), window, step):
            rows = frames[start : start + window]
            visual = torch.from_numpy(seen(rows[::stride]).astype(np.float32))[None]
            visual = visual.repeat_interleave(stride, dim=1)[:, : len(rows)]
            output = model(visual, None, query, mask, "text", stride=stride)
            sums[start : start + len(rows)] += output.foreground[-1, 0].numpy()
            counts[start : start + len(rows)] += 1
            encoded += -(-len(rows) // stride)
        found.append(1 / (1 + np.exp(-sums / counts)))
    return found, encoded


def schedules(name: str, frames: int, window: int, step: int, stride: int, scales: Sequence[int]) -> None:
    model, index = network(), film(frames)
    recipe = GroundingRecipe(
        window=window * STEP, step=step * STEP, stride=stride, scales=tuple(scales), runtime=CPU
    )
    engine = GroundingEngine(model, Words(), recipe, Silent())
    engine.scores(film(window), QUERY)
    ours, fast = timed(lambda: engine.scores_by_scale(index, QUERY))
    (plain, encoded), slow = timed(
        lambda: reference(model, index, window, step, stride, scales, lambda rows: index.visual[rows])
    )
    apart = max(float(np.abs(one.foreground - two).max()) for one, two in zip(ours, plain, strict=True))
    print(
        f"{name}, {frames} frames: {engine.encoded} encoded, {encoded} by the reference: "
        f"{encoded / engine.encoded:.2f}x; {fast:.2f} s and {slow:.2f} s: {slow / fast:.2f}x; "
        f"largest difference {apart:.1e}"
    )


@torch.no_grad()
def with_backbone(frames: int) -> None:
    """VQ2D's schedule with a ResNet-18 over frames of 112 x 192 pixels behind it."""
    import timm

    torch.manual_seed(0)
    backbone = timm.create_model("resnet18", pretrained=False, features_only=True, out_indices=(3,)).eval()
    images = np.random.default_rng(0).integers(0, 255, (frames, 112, 192, 3), dtype=np.uint8)
    model = network()

    def seen(rows: Any) -> Any:
        found = []
        for place in range(0, len(rows), 32):
            batch = torch.from_numpy(images[rows[place : place + 32]]).permute(0, 3, 1, 2).float() / 255
            found.append(backbone(batch)[0].flatten(2).transpose(1, 2).half().numpy())
        return np.concatenate(found)

    def ours() -> Any:
        index = film(frames)
        index.visual = seen(np.arange(frames))
        return engine.scores(index, QUERY), index

    engine = GroundingEngine(model, Words(), GroundingRecipe(window=40, step=10, runtime=CPU), Silent())
    (scores, index), fast = timed(ours)
    _, again = timed(lambda: engine.scores(index, QUERY))
    (plain, _), slow = timed(lambda: reference(model, index, 200, 50, 1, (1,), seen))
    apart = float(np.abs(scores.foreground - plain[0]).max())
    print(
        f"with a backbone, {frames} frames: first query {fast:.1f} s, reference {slow:.1f} s: "
        f"{slow / fast:.2f}x; the next {again:.2f} s: {slow / again:.1f}x; largest difference {apart:.1e}"
    )


def memory(frames: int) -> None:
    """Writes the peak memory of a query over so many frames, in MiB."""
    index = film(1)
    index.times = np.arange(frames) * STEP
    index.visual = np.zeros((frames, GRID[0] * GRID[1], WIDTH), dtype=np.float16)  # no memory until written
    before = peak()
    small = network(encoder_depth=1, decoder_depth=1)
    recipe = GroundingRecipe(window=40, step=10, runtime=CPU)
    GroundingEngine(small, Words(), recipe, Silent()).scores(index, QUERY)
    print(peak() - before)


def in_every_window(frames: int, window: int, step: int) -> int:
    """Frames that the reference's loop encodes, tails of the last window included."""
    return sum(min(window, frames - start) for start in range(0, frames, step))


def main() -> None:
    torch.set_num_threads(1)
    two_hours = round(2 * 3600 / STEP)
    for name, window, step, scales in (
        ("VQ2D", 200, 50, (1,)),
        ("NLQ", 400, 100, (1,)),
        ("MQ", 400, 100, ACTIVITIES),
    ):
        loop = sum(in_every_window(len(range(0, two_hours, scale)), window, step) for scale in scales)
        print(f"{name}, two hours: the reference's loop encodes each frame {loop / two_hours:.2f} times")
    schedules("VQ2D (200, 50)", 1500, 200, 50, 1, (1,))
    schedules("NLQ (400, 100, every 5th)", 3000, 400, 100, 5, (1,))
    schedules("MQ (400, 100, five rates)", 2400, 400, 100, 1, ACTIVITIES)
    with_backbone(800)
    grown = []
    for frames in (1000, 8000):
        command = [sys.executable, "-m", "tests.benchmarks.bench_localisation", str(frames)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        grown.append(float(done.stdout))
    whole = 8000 * (GRID[0] * GRID[1] + WORDS) * 64 * 4 / 2**20
    print(
        f"peak memory of a query beside the index: {grown[0]:.0f} MiB at 1000 frames, {grown[1]:.0f} MiB at "
        f"8000 ({whole:.0f} MiB if all encoded frames were kept)"
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        torch.set_num_threads(1)
        memory(int(sys.argv[1]))
    else:
        main()
