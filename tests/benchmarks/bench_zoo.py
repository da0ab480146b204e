"""How fast rows of the zoo are counted, cold and cached, and our timing beside timm's benchmark procedure.

timm's procedure (`benchmark.py` of its repository, which the package does not ship): a warm-up of 10 passes,
then 40 passes, and the mean time of a pass. The two take turns, and the ratio is the median of the turns'.
"""

import os
import statistics
import tempfile
import time

import timm
import torch

from avtool.models.zoo.catalogue import find_row, shipped_rows
from avtool.models.zoo.latency import measure
from avtool.models.zoo.measure import count_row

TIMED = ("deit-ti", "pvtv2-b0", "mobilevit-xxs", "levit-128s")
WARMUP, RUNS, TURNS = 10, 40, 5
EVERYTHING = bool(os.environ.get("AVTOOL_BENCH_ALL"))
"""Counts all rows, which takes minutes; else every tenth."""


def timm_ms(network: torch.nn.Module, images: torch.Tensor) -> float:
    """The mean time of a pass, in milliseconds, as timm measures it."""
    with torch.no_grad():
        for _ in range(WARMUP):
            network(images)
        total = 0.0
        for _ in range(RUNS):
            start = time.perf_counter()
            network(images)
            total += time.perf_counter() - start
    return 1000 * total / RUNS


def main() -> None:
    """Prints seconds of counting, cold and cached, and the ratio of latencies."""
    torch.set_num_threads(1)
    rows = [row for row in shipped_rows() if row.is_built][:: 1 if EVERYTHING else 10]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AVTOOL_CACHE_DIR"] = folder
        for name in ("cold", "cached"):
            start, own = time.perf_counter(), time.process_time()
            for row in rows:
                count_row(row)
            wall, own = time.perf_counter() - start, time.process_time() - own
            print(f"counting {len(rows)} rows, {name}: {wall:.2f} s, {own:.2f} s of processor")
    for key in TIMED:
        network = timm.create_model(find_row(key).target).eval()
        images = torch.randn(1, 3, *(find_row(key).size or (224, 224)))
        ratios = []
        for turn in range(TURNS):
            pair = {}
            for ours in (True, False) if turn % 2 else (False, True):
                if ours:
                    found = measure(lambda: network(images), torch.device("cpu"), warmup=WARMUP, runs=RUNS)  # noqa: B023
                    pair[ours] = found.median_ms
                else:
                    pair[ours] = timm_ms(network, images)
            ratios.append(pair[True] / pair[False])
        print(f"{key:14} ratio {statistics.median(ratios):.2f} (1.0 ± 0.1)")


if __name__ == "__main__":
    main()
