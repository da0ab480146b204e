"""One seed, and a number derived from it for every place and step that draws at random.

Nothing is left to a generator's running state: a step's numbers follow from (seed, step), a sample's from
(seed, epoch, index). So a resumed run draws what an undisturbed one would have drawn.
"""

import hashlib
import random

import numpy as np
import torch


def derive(*parts: int | str) -> int:
    """A number in [0, 2^63) that depends on all parts and their order, the same on every machine."""
    text = "\0".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def seed_everything(seed: int, device: torch.device | None = None) -> None:
    """Seeds the global generators of Python, NumPy and torch (and those of a CUDA device).

    `torch.manual_seed` visits every backend and costs 0.2 ms; the generators themselves take microseconds,
    so that each step and each sample can be seeded.
    """
    random.seed(seed)
    np.random.seed(seed & 0xFFFFFFFF)  # noqa: NPY002 - code that draws from NumPy's global generator must resume too
    torch.default_generator.manual_seed(seed)
    if device is not None and device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
