"""Device, precision and threads of a computation."""

from typing import Literal

from avtool.core.recipe import Recipe, option


class RuntimeRecipe(Recipe):
    """Device, precision and threads."""

    device: str = option(
        "auto",
        "Device: auto, cpu, cuda or cuda:1.",
        flag="--device",
        identity=False,
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = option(
        "auto", "Mixed precision; auto: bf16 where it is fast, else fp32.", flag="--precision"
    )
    compile: bool = option(False, "Compile the model with torch.compile.")
    tf32: bool = option(True, "TF32 matrix products on CUDA.")
    channels_last: bool = option(True, "channels_last memory format of 2-D convolutions.")
    threads: int = option(0, "CPU threads; 0: torch's default.", identity=False, ge=0, le=1024)
    deterministic: bool = option(False, "Deterministic CUDA kernels where there are some; slower.")
    unused_parameters: bool = option(
        False,
        "DDP: allow parameters without a gradient in a step; slower.",
        identity=False,
    )
