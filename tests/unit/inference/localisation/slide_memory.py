"""Peak memory of sliding over a film of so many frames, in MiB: `python -m … FRAMES`."""

import sys
from pathlib import Path
from types import SimpleNamespace

import torch

from avtool.inference.localisation.sliding import Sliding, slide

TOKENS, WIDTH = 16, 256


def peak() -> float:
    """The largest resident memory of this program so far, in MiB; getrusage's counts the parent's too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def main(frames: int) -> None:
    """Writes how much the peak grows over a short film."""

    def encode(first, last, pace):
        count = len(range(first, last, pace))
        return torch.ones(1, count, TOKENS, WIDTH), torch.ones(1, count, TOKENS, dtype=torch.bool)

    def decode(memory, mask, valid):
        values = torch.zeros(1, *valid.shape, 4)
        return SimpleNamespace(boxes=values, start_end=values[..., :2], foreground=values[..., 0])

    slide(encode, decode, range(300), Sliding(64, 16, chunk=32), (1, 3))
    before = peak()
    (found, _) = slide(encode, decode, range(frames), Sliding(64, 16, chunk=32), (1, 3))
    assert len(found.foreground) == frames
    sys.stdout.write(f"{peak() - before}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
