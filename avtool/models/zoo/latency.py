"""Latency of a forward pass: median and 90th percentile after a warm-up, and peak memory."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # see proc(5)


@dataclass(frozen=True)
class Latency:
    """Times of a forward pass.

    Attributes:
        median_ms: 50th percentile, milliseconds.
        p90_ms: 90th percentile, milliseconds.
        peak_mib: of CUDA the device's memory, of a CPU that of the whole process; None where it cannot be
            measured.
    """

    median_ms: float
    p90_ms: float
    peak_mib: float | None


def measure(forward: Callable[[], object], device: torch.device, *, warmup: int, runs: int) -> Latency:
    """Times a forward pass.

    Args:
        forward: runs it.
        device: where it runs; CUDA is waited for after each pass.
        warmup: passes before, which compile and choose kernels.
        runs: passes that are timed.
    """
    cuda = device.type == "cuda"
    _begin_peak(device)
    times = []
    with torch.inference_mode():
        for _ in range(warmup):
            forward()
        for _ in range(runs):
            if cuda:
                torch.cuda.synchronize(device)
            begin = time.perf_counter()
            forward()
            if cuda:
                torch.cuda.synchronize(device)
            times.append(1000 * (time.perf_counter() - begin))
    found = torch.tensor(times, dtype=torch.float64)
    return Latency(float(found.quantile(0.5)), float(found.quantile(0.9)), _peak(device))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that the device, or the machine, has no more memory."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)


def release(device: torch.device) -> None:
    """Gives memory of deleted networks back."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _begin_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        _RESET.write_text(_RESET_PEAK, encoding="ascii")
    except OSError:
        return  # another system: the peak is that of the whole life of the process, or not known


def _peak(device: torch.device) -> float | None:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = next((line.split()[1] for line in lines if line.startswith("VmHWM")), None)
    return None if found is None else int(found) / 1024
