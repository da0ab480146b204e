"""Timing of rows of the zoo on this machine: latency, throughput and peak memory, as a table."""

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.errors import AvtoolError, BadInputError, MissingError
from avtool.core.files import write_csv
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.jobs.zoo.outputs import check_table
from avtool.jobs.zoo.recipes import BenchRecipe
from avtool.models.zoo.catalogue import macs_of, params_of
from avtool.models.zoo.row import Row

if TYPE_CHECKING:
    import torch
    from torch import nn

COLUMNS = (
    "name", "key", "task", "device", "precision", "compiled", "batch", "height", "width", "latency_ms_p50",
    "latency_ms_p90", "images_per_s", "peak_mib", "params_m", "macs_g", "score", "metric", "note", "machine",
)  # fmt: skip
LESS_IS_BETTER = ("latency_ms_p50", "latency_ms_p90", "peak_mib", "params_m", "macs_g")
NUMBERS = (*LESS_IS_BETTER, "images_per_s", "score", "batch", "height", "width")


@dataclass(frozen=True)
class Timing:
    """A row at one batch size and precision.

    Attributes:
        row: of the catalogue.
        device: `cpu`, or the name of the GPU.
        precision: fp32, bf16 or fp16.
        compiled: by torch.compile.
        batch: images of a pass; where memory did not suffice, the largest that fitted.
        height, width: of an image.
        p50_ms, p90_ms: latency of a pass, milliseconds.
        peak_mib: peak memory.
        note: what was out of memory.
        machine: processor, threads and versions.
    """

    row: Row
    device: str
    precision: str
    compiled: bool
    batch: int
    height: int
    width: int
    p50_ms: float
    p90_ms: float
    peak_mib: float | None
    note: str
    machine: str

    @property
    def images_per_s(self) -> float:
        """Throughput at the median latency."""
        return 1000 * self.batch / self.p50_ms

    def cells(self) -> tuple[object, ...]:
        """The cells of `COLUMNS`."""
        row = self.row
        return (
            row.name, row.key, row.task, self.device, self.precision, self.compiled, self.batch, self.height,
            self.width, round(self.p50_ms, 3), round(self.p90_ms, 3), round(self.images_per_s, 3),
            "" if self.peak_mib is None else round(self.peak_mib, 1), params_of(row) or "",
            macs_of(row) or "", row.score.value if row.score else "", row.metric, self.note, self.machine,
        )  # fmt: skip


@dataclass(frozen=True)
class BenchResult:
    """Timings, and the errors of rows that could not be timed."""

    timings: Sequence[Timing]
    failed: Sequence[tuple[Row, AvtoolError]]


def bench(
    rows: Sequence[Row],
    recipe: BenchRecipe,
    reporter: Reporter,
    *,
    out: Path | None = None,
    overwrite: bool = False,
) -> BenchResult:
    """Times rows with random weights, one after another; out of memory, smaller batches are tried.

    Args:
        rows: with builders.
        recipe: what is timed.
        reporter: gets progress and the rows that fail.
        out: a CSV file for the timings.
        overwrite: replace older timings.

    Raises:
        MissingError: the device is not there.
        BadInputError: a precision does not fit the device; or the only row fails; or the file may not
            be written.
    """
    check_table(out, COLUMNS, overwrite=overwrite)
    import torch

    from avtool.models.runtime import choose_device

    choice = choose_device(recipe.device)
    reporter.info(f"device: {choice}")
    device = torch.device(choice.value)
    if device.type == "cpu" and "fp16" in recipe.precisions:
        raise BadInputError("fp16 needs a CUDA device", "use --precision bf16 or fp32")
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    timings: list[Timing] = []
    failed: list[tuple[Row, AvtoolError]] = []
    with reporter.progress("timing", len(rows)) as bar:
        for row in rows:
            try:
                timings += _times_of(row, recipe, device)
            except (BadInputError, MissingError) as error:
                if len(rows) == 1:
                    raise
                reporter.warn(f"{row.name}: {error.message}")
                failed.append((row, error))
            for one in timings:
                if one.row is row and one.note:
                    reporter.warn(f"{row.name}: {one.note}")
            if out is not None:
                write_csv(out, COLUMNS, [one.cells() for one in timings])
            bar.advance(note=row.key)
    return BenchResult(timings, failed)


def _times_of(row: Row, recipe: BenchRecipe, device: "torch.device") -> Iterator[Timing]:
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
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return Timing(
        row, name, precision, recipe.compiled, batch, *size, found.median_ms, found.p90_ms, found.peak_mib,
        note, _machine(),
    )  # fmt: skip


def _machine() -> str:
    import torch

    processor = platform.processor() or platform.machine()
    return f"{processor}, {torch.get_num_threads()} threads, torch {torch.__version__}"
