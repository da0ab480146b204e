"""Attention in bfloat16 on a CPU: its products beside torch's kernel, alone and in Transformer blocks.

Milliseconds of processor time on one thread, the least of five turns in alternation.
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from avtool.models.layers import attention
from avtool.models.layers.block import TransformerBlock

RUNS = 5
# batch, heads, positions, width of a head
ALONE = [
    (64, 12, 16, 64), (32, 12, 50, 64), (16, 12, 98, 64), (8, 12, 197, 64), (4, 12, 392, 64),
    (2, 12, 600, 64), (2, 12, 1214, 64), (1, 12, 1568, 64), (16, 4, 64, 16), (8, 4, 256, 16),
    (4, 8, 512, 16), (2, 8, 1024, 32),
]  # fmt: skip
# width, heads, batch, positions
BLOCKS = [
    (768, 12, 8, 50), (768, 12, 8, 197), (768, 12, 4, 392), (768, 12, 2, 600), (384, 6, 8, 197),
    (512, 16, 8, 197), (64, 4, 32, 64), (64, 4, 16, 128), (64, 4, 8, 512),
]  # fmt: skip


def least(works: list[Callable[[], object]]) -> list[float]:
    """Milliseconds of each work."""
    found = [float("inf")] * len(works)
    for _ in range(RUNS):
        for number, work in enumerate(works):
            begin = time.process_time()
            work()
            found[number] = min(found[number], 1000 * (time.process_time() - begin))
    return found


def compare(name: str, forward: Callable[[], Tensor], inputs: list[Tensor]) -> None:
    """A line: forward, and forward and backward, by the kernel and by products."""

    def measured(bound: int, *, backward: bool) -> Callable[[], object]:
        def work() -> None:
            attention._MOST_POSITIONS = bound
            with torch.set_grad_enabled(backward), torch.autocast("cpu", torch.bfloat16):
                found = forward()
            if backward:
                torch.autograd.grad(found.float().square().mean(), inputs)

        return work

    bounds = (0, 1 << 30)
    works = [measured(bound, backward=backward) for backward in (False, True) for bound in bounds]
    one, other, both, others = least(works)
    text = f"forward {one:7.1f} {other:7.1f} ({one / other:4.2f} x)   both {both:7.1f} {others:7.1f}"
    print(f"{name:34} {text} ({both / others:4.2f} x)", flush=True)


def main() -> None:
    """Prints a line a shape: the kernel, the products, their ratio."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for batch, heads, count, width in ALONE:
        joined = torch.randn(batch, count, 3 * heads * width).bfloat16().requires_grad_()

        def alone(joined: Tensor = joined, heads: int = heads) -> Tensor:
            parts = (one.unflatten(-1, (heads, -1)).transpose(1, 2) for one in joined.chunk(3, dim=-1))
            return attention.attend(*parts)

        compare(f"{batch} x {heads} heads of {width}, {count}", alone, [joined])
    for dim, heads, batch, count in BLOCKS:
        blocks = nn.Sequential(*(TransformerBlock(dim, heads, 4 * dim) for _ in range(2)))
        tokens = torch.randn(batch, count, dim)
        weights = list(blocks.parameters())

        def whole(blocks: nn.Module = blocks, tokens: Tensor = tokens) -> Tensor:
            found: Tensor = blocks(tokens)
            return found

        compare(f"2 blocks of {dim}, {heads} heads, {batch} x {count}", whole, weights)


if __name__ == "__main__":
    main()
