"""Peak memory of sliding over a film of so many frames, in MiB: `python -m … FRAMES`."""

import resource
import sys
from types import SimpleNamespace

import torch

from avtool.inference.localisation.sliding import Sliding, slide

TOKENS, WIDTH = 16, 256


def main(frames: int) -> None:
    """Writes how much the peak grows over a short film."""

    def encode(first, last, pace):
        count = len(range(first, last, pace))
        return torch.ones(1, count, TOKENS, WIDTH), torch.ones(1, count, TOKENS, dtype=torch.bool)

    def decode(memory, mask, valid):
        values = torch.zeros(1, *valid.shape, 4)
        return SimpleNamespace(boxes=values, start_end=values[..., :2], foreground=values[..., 0])

    slide(encode, decode, range(300), Sliding(64, 16, chunk=32), (1, 3))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (found, _) = slide(encode, decode, range(frames), Sliding(64, 16, chunk=32), (1, 3))
    assert len(found.foreground) == frames
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    sys.stdout.write(f"{grown / 1024}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
