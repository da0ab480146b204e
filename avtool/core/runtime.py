"""Device, precision and threads of a computation."""

from typing import Literal

from avtool.core.recipe import Recipe, option


class RuntimeRecipe(Recipe):
    """Where and how numbers are computed."""

    device: str = option(
        "auto",
        "auto, cpu, cuda or cuda:1.",
        flag="--device",
        identity=False,
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = option(
        "auto", "Precision of the heavy operations; auto: bf16 where it is fast.", flag="--precision"
    )
    compile: bool = option(False, "Compile the model with torch.compile.", flag="--compile")
    tf32: bool = option(True, "Let CUDA multiply fp32 matrices in TF32.")
    channels_last: bool = option(True, "Store images channel by channel where a model convolves them.")
    threads: int = option(
        0, "Threads of the CPU's operations; 0 for torch's own choice.", identity=False, ge=0, le=1024
    )
    deterministic: bool = option(False, "Prefer deterministic CUDA kernels; slower.")
    unused_parameters: bool = option(
        False,
        "Several processes: let parameters go without a gradient in some steps; slower.",
        identity=False,
    )
