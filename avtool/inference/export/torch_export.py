"""`torch.export`: a traced program with its weights, run without avtool."""

import io
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from avtool.core.foreign import read_by_others
from avtool.core.requirements import quiet
from avtool.inference.export.format import Format, Runner
from avtool.inference.export.network import Batch, Exportable

FILE = "model.pt2"
TRACED = 2
"""Samples of the traced batch: 0 and 1 would be taken for constants."""


class TorchExport(Format):
    """The file of `torch.export.save`."""

    name: ClassVar[str] = "torch-export"

    def write(self, model: Exportable, folder: Path) -> None:
        with quiet_internals():
            torch.export.save(trace(model), folder / FILE)

    def load(self, model: Exportable, folder: Path) -> Runner:
        with quiet_internals():
            program = torch.export.load(folder / FILE).module()

        def run(batch: Batch) -> dict[str, Tensor]:
            with torch.no_grad():
                found = program(*batch.values())
            values = found if isinstance(found, tuple) else (found,)
            return dict(zip(model.network.outputs, values, strict=True))

        return run

    def usage(self, model: Exportable) -> str:
        arguments, outputs = ", ".join(model.network.names), ", ".join(model.network.outputs)
        load = f'network = torch.export.load("{FILE}").module()'
        return f"import torch\n\n{load}\n{outputs} = network({arguments})"


def trace(model: Exportable) -> "torch.export.ExportedProgram":
    """The traced program; its batch axis is free."""
    axis = torch.export.Dim("batch", min=1)
    batch = model.batch(TRACED)
    shapes: dict[str, Any] = {"tensors": tuple({0: axis} for _ in batch)}
    with traced(), torch.no_grad(), quiet_internals():
        return torch.export.export(model.network, tuple(batch.values()), dynamic_shapes=shapes)


def traced() -> AbstractContextManager[None]:
    """Makes one error of what an exporter raises over a network that it cannot trace."""
    return read_by_others("the network cannot be traced", "it runs in avtool alone: `avtool predict`")


@contextmanager
def quiet_internals() -> Iterator[None]:
    """Hides what exporters warn of their own internals, on stderr, stdout and in logs."""
    with (
        warnings.catch_warnings(),
        quiet("torch.onnx"),
        quiet("onnxscript"),
        quiet("torch.export"),
        quiet("torch.fx.experimental.symbolic_shapes"),
        redirect_stdout(io.StringIO()),
        redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield
