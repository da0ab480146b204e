"""The passes of a row that are timed, at each precision and batch size; out of memory, at smaller ones."""

import platform
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from avtool.core.errors import BadInputError
from avtool.core.runtime import RuntimeRecipe
from avtool.jobs.zoo.recipes import BenchRecipe
from avtool.jobs.zoo.timing import Timing
from avtool.models.zoo.row import Row

if TYPE_CHECKING:
    import torch
    from torch import nn


def device_name(device: "torch.device") -> str:
    """`cpu`, or the name of the GPU."""
    import torch

    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def machine() -> str:
    """Processor, threads and torch's version."""
    import torch

    processor = platform.processor() or platform.machine()
    return f"{processor}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def times_of(row: Row, recipe: BenchRecipe, device: "torch.device") -> Iterator[Timing]:
    """The timings of a row at each precision and batch size.

    Raises:
        BadInputError: not even one image fits into memory.
    """
    from avtool.models.runtime import place
    from avtool.models.zoo.latency import is_out_of_memory, release
    from avtool.models.zoo.measure import size_of, wrong_size
    from avtool.models.zoo.networks import build

    size = recipe.size
    height, width = size or size_of(row)
    network: nn.Module | None = None
    try:
        network = build(row, image_size=(height, width)).eval()
        place(network, RuntimeRecipe(device=recipe.device, compile=recipe.compiled), device)
        for precision in recipe.precisions:
            for batch in recipe.batches:
                yield _largest_that_fits(row, network, recipe, device, precision, batch, (height, width))
    except BadInputError as error:
        raise error if size in (None, row.size) else wrong_size(row, (height, width), error) from error
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise wrong_size(row, (height, width), error) from error
        message = f"`{row.name}` does not fit into memory, not even one image"
        raise BadInputError(message, "choose a smaller row, or another device") from error
    finally:
        network = None
        release(device)


def _largest_that_fits(
    row: Row,
    network: "nn.Module",
    recipe: BenchRecipe,
    device: "torch.device",
    precision: str,
    batch: int,
    size: tuple[int, int],
) -> Timing:
    """The timing of a batch; out of memory, that of half as many images, and so on."""
    import torch

    from avtool.models.zoo.example import example_of
    from avtool.models.zoo.latency import is_out_of_memory, measure, release

    cast = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    wanted = batch
    while True:
        try:
            inputs = example_of(row, size, batch, 3, device)

            def forward(inputs: dict[str, Any] = inputs) -> object:
                with torch.autocast(device.type, cast, enabled=precision != "fp32"):
                    if row.library == "transformers":
                        return network(**inputs)
                    return network(*inputs.values())

            found = measure(forward, device, warmup=recipe.warmup, runs=recipe.runs)
            break
        except (MemoryError, RuntimeError) as error:
            if batch == 1 or not is_out_of_memory(error):
                raise
        batch //= 2
        release(device)
    note = f"out of memory at {wanted} images; {batch} fitted" if batch < wanted else ""
    return Timing(
        row, device_name(device), precision, recipe.compiled, batch, *size, found.median_ms, found.p90_ms,
        found.peak_mib, note, machine(),
    )  # fmt: skip
