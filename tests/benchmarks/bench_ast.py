"""How fast a training step of AST is, beside transformers' with the same attention kernel.

The two take turns, and the ratio is the median of the turns': what else the machine does meets both alike.
"""

import statistics
import time

import torch
from transformers import ASTConfig, ASTForAudioClassification

from avtool.models.registry import create

BATCH_SIZE, NUM_FRAMES, TURNS = 2, 512, 8


def infer(model: torch.nn.Module, audio: torch.Tensor) -> None:
    with torch.inference_mode():
        model.eval()(audio)


def train(model: torch.nn.Module, audio: torch.Tensor) -> None:
    model.train()(audio).logits.square().sum().backward()


def main() -> None:
    """Prints the least seconds of one core and the ratio, for inference and for a training step."""
    torch.set_num_threads(1)
    sizes = {"hidden_size": 192, "num_attention_heads": 3, "intermediate_size": 768}
    theirs = ASTForAudioClassification(
        ASTConfig(**sizes, max_length=NUM_FRAMES, num_labels=50, attn_implementation="sdpa")
    )
    ours = create("ast_deit_tiny", num_frames=NUM_FRAMES, num_classes=50)
    audio = torch.randn(BATCH_SIZE, NUM_FRAMES, 128)
    for name, work in (("inference", infer), ("training step", train)):
        times: dict[torch.nn.Module, list[float]] = {ours: [], theirs: []}
        for turn in range(TURNS + 1):
            for model in (ours, theirs) if turn % 2 else (theirs, ours):
                start = time.process_time()
                work(model, audio)
                times[model].append(time.process_time() - start)
        pairs = list(zip(times[ours], times[theirs], strict=True))[1:]  # the first turn warms up
        ratio = statistics.median(mine / other for mine, other in pairs)
        print(
            f"{name:14} avtool {min(times[ours]):.3f} s   transformers (sdpa) {min(times[theirs]):.3f} s   "
            f"ratio {ratio:.2f} (at most 1.00)"
        )


if __name__ == "__main__":
    main()
