"""The timing of a row at one batch size and precision, and its cells in `bench.csv`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from avtool.models.zoo.catalogue import macs_of, params_of
from avtool.models.zoo.row import Row

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

    def values(self) -> dict[str, Any]:
        """Everything but the row, as JSON has it."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "row"}

    @classmethod
    def of_values(cls, row: Row, values: Mapping[str, Any]) -> "Timing":
        """The timing of a row from `values`."""
        return cls(row, **values)
