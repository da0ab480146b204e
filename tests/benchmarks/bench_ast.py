"""How fast a training step of AST is, beside transformers' with the same attention kernel."""

import time
from collections.abc import Callable

import torch
from transformers import ASTConfig, ASTForAudioClassification

from avtool.core.registry import create

BATCH_SIZE, NUM_FRAMES, REPEATS = 2, 512, 3


def seconds(work: Callable[[], object]) -> float:
    """The least processor time of a few runs, after one to warm up."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Prints seconds of one core and the ratio, for inference and for a training step."""
    torch.set_num_threads(1)
    sizes = {"hidden_size": 192, "num_attention_heads": 3, "intermediate_size": 768}
    theirs = ASTForAudioClassification(
        ASTConfig(**sizes, max_length=NUM_FRAMES, num_labels=50, attn_implementation="sdpa")
    )
    ours = create("ast_deit_tiny", num_frames=NUM_FRAMES, num_classes=50)
    audio = torch.randn(BATCH_SIZE, NUM_FRAMES, 128)

    def infer(model: torch.nn.Module) -> None:
        with torch.inference_mode():
            model.eval()(audio)

    def train(model: torch.nn.Module) -> None:
        model.train()(audio).logits.square().sum().backward()

    for name, work in (("inference", infer), ("training step", train)):
        times = [seconds(lambda model=model, work=work: work(model)) for model in (ours, theirs)]
        print(
            f"{name:14} avtool {times[0]:.3f} s   transformers (sdpa) {times[1]:.3f} s   "
            f"ratio {times[0] / times[1]:.2f}"
        )


if __name__ == "__main__":
    main()
