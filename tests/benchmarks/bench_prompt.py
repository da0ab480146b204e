"""A CoOp step for 10, 100 and 1000 classes: ours beside a plain one, trimmed and full texts, cached features.

The plain step is CoOp written with transformers alone: all texts of the full context length at once, and the
image tower in every step. Processor time of one thread, the least of some turns; memory is the peak above
what was resident before the step.
"""

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from transformers.masking_utils import create_causal_mask

from avtool.models.clip.prompted_clip import PromptedClip
from avtool.models.registry import create
from avtool.objectives.prompt_tuning import PromptTuning

CONTEXT, LENGTH, FULL, BATCH = 16, 21, 77, 32
TEXT = {"hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 512}
VISION = {"hidden_size": 192, "num_hidden_layers": 6, "num_attention_heads": 3, "intermediate_size": 768}
HOST = {
    "kind": "clip", "projection_dim": 128,
    "text_config": {**TEXT, "eos_token_id": 49407}, "vision_config": {**VISION, "patch_size": 32},
}  # fmt: skip
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def model_of(classes: int, length: int) -> PromptedClip:
    """CoOp of a quarter-size CLIP over names of one or two words, whose texts are as long as `length`."""
    row = (49406, *(343,) * CONTEXT, 1000, 269, *(49407,) * (length - CONTEXT - 3))
    texts = {
        "tokens": (row,) * classes,
        "lengths": (length,) * classes,
        "places": (tuple(range(1, 1 + CONTEXT)),) * classes,
        "zero_shot_tokens": ((49406, 1000, 269, 49407),) * classes,
        "zero_shot_lengths": (4,) * classes,
    }
    made = create("clip_prompts", host=HOST, method="coop", **texts)
    assert isinstance(made, PromptedClip)
    made.host.requires_grad_(False)
    return made.train()


def ours(model: PromptedClip, batch: dict[str, torch.Tensor]) -> Callable[[], None]:
    """A step through our objective."""
    objective = PromptTuning()

    def step() -> None:
        model.zero_grad()
        objective(model, batch)["loss"].backward()

    return step


def plain(model: PromptedClip, batch: dict[str, torch.Tensor]) -> Callable[[], None]:
    """A step as CoOp's trainer makes it."""
    clip: Any = model.host.clip
    text = clip.text_model
    tokens = model.texts("prompted").tokens
    assert model.text is not None
    vectors = model.text.vectors
    with torch.no_grad():
        embedded = text.embeddings.token_embedding(tokens)
    ends = tokens.argmax(dim=1)

    def step() -> None:
        model.zero_grad()
        context = vectors.expand(len(tokens), -1, -1)
        states = torch.cat([embedded[:, :1], context, embedded[:, 1 + CONTEXT :]], dim=1)
        states = states + text.embeddings.position_embedding.weight[: states.shape[1]]
        mask = create_causal_mask(
            text.config, inputs_embeds=states, attention_mask=None, past_key_values=None
        )
        states = text.encoder(inputs_embeds=states, attention_mask=mask, is_causal=True).last_hidden_state
        pooled = text.final_layer_norm(states)[torch.arange(len(tokens)), ends]
        texts = F.normalize(clip.text_projection(pooled), dim=1)
        images = F.normalize(clip.get_image_features(pixel_values=batch["image"]).pooler_output, dim=1)
        F.cross_entropy(clip.logit_scale.exp() * images @ texts.T, batch["label"]).backward()

    return step


def measure(step: Callable[[], None], turns: int) -> tuple[float, float]:
    """Processor seconds of a step, and the MiB that it takes at its peak."""
    CLEAR.write_text("5")  # resets the peak
    before, taken = _kib("VmRSS"), []
    step()
    for _ in range(turns):
        begin = time.process_time()
        step()
        taken.append(time.process_time() - begin)
    return min(taken), (_kib("VmHWM") - before) / 1024


def _kib(name: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])


VARIANTS: dict[str, tuple[Callable[..., Callable[[], None]], int, bool]] = {
    "plain CoOp, 77 tokens": (plain, FULL, False),
    "ours, 77 tokens": (ours, FULL, False),
    "ours, trimmed": (ours, LENGTH, False),
    "ours, trimmed, cached": (ours, LENGTH, True),
}
"""The step, the length of texts, and whether image features are known."""


def run(name: str, classes: int) -> tuple[float, float]:
    """Measures a variant."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    make, length, known = VARIANTS[name]
    images = torch.randn(BATCH, 3, 224, 224)
    model = model_of(classes, length)
    batch = {"label": torch.zeros(BATCH, dtype=torch.int64)}
    batch |= {"feature": model.image_features(images)} if known else {"image": images}
    return measure(make(model, batch), 5 if classes < 1000 else 2)


def main() -> None:
    """Prints a row a variant, each measured in a process of its own: freed memory stays with a process."""
    for classes in (10, 100, 1000):
        first = 0.0
        for name in VARIANTS:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                seconds, memory = pool.submit(run, name, classes).result()
            first = first or seconds
            print(
                f"{classes:5} classes  {name:22} {1 / seconds:7.2f} steps/s  {memory:7.0f} MiB   "
                f"{first / seconds:5.2f} x plain",
                flush=True,
            )


if __name__ == "__main__":
    main()
