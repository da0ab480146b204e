"""How fast MAE learns beside transformers' ViTMAE: same weights, same noise, same attention kernel.

`python -m tests.benchmarks.bench_mae` takes a small ViT at 224 x 224, `--full` ViT-B.
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from transformers import ViTMAEConfig, ViTMAEForPreTraining

from avtool.core.environment import has_cpu_flag
from avtool.models.masked.mae_weights import load_mae
from avtool.models.registry import create
from avtool.models.runtime import keep_freed_memory
from avtool.objectives.masked.reconstruction import MaskedReconstruction
from tests.benchmarks.cost import cost_of

SMALL = {"embed_dim": 192, "num_heads": 3, "decoder_dim": 128, "decoder_depth": 4, "decoder_heads": 4}
BATCH_SIZE, MEMORY_BATCH_SIZE = 8, 32
Work = Callable[[], object]


class Peers:
    """Our model, theirs with our weights, and a batch for both."""

    def __init__(self, full: bool, batch_size: int = BATCH_SIZE) -> None:
        torch.manual_seed(0)
        self.ours: Any = create("mae_base_pretrain", **({} if full else SMALL))
        settings = self.ours.settings
        config = ViTMAEConfig(
            hidden_size=settings.embed_dim,
            num_hidden_layers=settings.depth,
            num_attention_heads=settings.num_heads,
            intermediate_size=4 * settings.embed_dim,
            decoder_hidden_size=settings.decoder_dim,
            decoder_num_hidden_layers=settings.decoder_depth,
            decoder_num_attention_heads=settings.decoder_heads,
            decoder_intermediate_size=4 * settings.decoder_dim,
            layer_norm_eps=1e-6,
            norm_pix_loss=True,
            attn_implementation="sdpa",
        )
        self.theirs = ViTMAEForPreTraining(config)
        load_mae(self.ours, self.theirs.state_dict())
        self.objective = MaskedReconstruction()
        self.image = torch.randn(batch_size, 3, 224, 224)
        self.noise = torch.rand(batch_size, 196)

    def step_ours(self) -> None:
        """Forward and backward."""
        self.objective(self.ours, {"image": self.image, "image_noise": self.noise})["loss"].backward()

    def step_ours_bf16(self) -> None:
        """The same with matrix products in bfloat16."""
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = self.objective(self.ours, {"image": self.image, "image_noise": self.noise})["loss"]
        loss.backward()

    def step_ours_half(self) -> None:
        """The same with half of the hidden tokens decoded."""
        self.ours.decode_fraction = 0.5
        self.step_ours()
        self.ours.decode_fraction = 1.0

    def step_theirs(self) -> None:
        """Forward and backward."""
        self.theirs(pixel_values=self.image, noise=self.noise).loss.backward()

    def encode(self, ratio: float) -> None:
        """Our encoder alone, forward and backward, with a share of the patches hidden."""
        encoder = self.ours.encoder
        visible = self.noise.argsort(dim=1)[:, : round(196 * (1 - ratio))]
        encoder(encoder.grid.cut(self.image), visible).square().mean().backward()


def seconds(works: dict[str, Work], repeats: int) -> dict[str, float]:
    """The least processor time of each of several kinds of work, taken in turns, after one to warm up."""
    best = dict.fromkeys(works, float("inf"))
    for turn in range(repeats + 1):
        for name, work in works.items():
            start = time.process_time()
            work()
            if turn:
                best[name] = min(best[name], time.process_time() - start)
    return best


def compare_steps(peers: Peers, repeats: int) -> None:
    """Prints the steps' times, and what we gain over transformers."""
    times = seconds(
        {
            "transformers (sdpa), fp32": peers.step_theirs,
            "avtool, fp32": peers.step_ours,
            "avtool, fp32, half decoded": peers.step_ours_half,
            "avtool, bf16": peers.step_ours_bf16,
        },
        repeats,
    )
    base = times["transformers (sdpa), fp32"]
    for name, taken in times.items():
        rate = BATCH_SIZE / taken
        print(f"{name:28} {taken:6.3f} s a step {rate:6.1f} images/s {base / taken:5.2f} x transformers")
    able = [kind for kind in ("amx_bf16", "avx512_bf16") if has_cpu_flag(kind)]
    print(f"{'':28} this processor has {' and '.join(able) or 'no fast bf16'}")


def compare_masks(peers: Peers, repeats: int) -> None:
    """Prints what the encoder saves by not seeing what is hidden."""
    ratios = (0.0, 0.5, 0.75, 0.9)
    times = seconds({f"{ratio:g}": lambda ratio=ratio: peers.encode(ratio) for ratio in ratios}, repeats)
    words = "   ".join(f"{ratio}: {taken / times['0']:.2f}" for ratio, taken in times.items())
    print(f"encoder by share of hidden patches, of the time for all: {words}")


def compare_optimizers(peers: Peers, repeats: int) -> None:
    """Prints the cost of a step of AdamW, fused and not."""
    parameters = list(peers.ours.parameters())
    works = {
        name: torch.optim.AdamW(parameters, lr=0.0, fused=name == "fused", foreach=name == "foreach").step
        for name in ("loop", "foreach", "fused")
    }
    times = seconds(works, repeats)  # type: ignore[arg-type]
    print("AdamW: " + "   ".join(f"{name} {1000 * taken:.1f} ms" for name, taken in times.items()))


def compare_memory(full: bool) -> None:
    """Prints the peak memory of a process that holds both models and does two steps of one.

    A child's peak counts from the memory of its parent at the start: this comes first, while that is small.
    """
    flags = ["--full"] if full else []
    for name in ("theirs", "ours"):
        cost = cost_of([sys.executable, "-m", "tests.benchmarks.bench_mae", "--steps-of", name, *flags])
        print(
            f"peak memory of steps of {MEMORY_BATCH_SIZE} images, {name}: {cost.memory_mib:.0f} MiB",
            flush=True,
        )


def main() -> None:
    """Prints seconds of one core and ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="ViT-B")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps-of", choices=["ours", "theirs"], help="two steps of one, for its memory")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.steps_of:
        keep_freed_memory()  # as in training; else the peak is that of the allocator's holes, and chance
        peers = Peers(arguments.full, MEMORY_BATCH_SIZE)
        for _ in range(2):
            getattr(peers, f"step_{arguments.steps_of}")()
        return
    compare_memory(arguments.full)
    peers = Peers(arguments.full)
    compare_steps(peers, arguments.repeats)
    compare_masks(peers, arguments.repeats)
    compare_optimizers(peers, arguments.repeats)


if __name__ == "__main__":
    main()
