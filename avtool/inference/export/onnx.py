"""ONNX: the traced program as a graph of standard operators, run by onnxruntime."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from avtool.inference.export.format import Format, Runner
from avtool.inference.export.network import Batch, Exportable
from avtool.inference.export.torch_export import TRACED, quiet_internals, traced

FILE = "model.onnx"
_LARGEST_FILE = 1_900_000_000
"""Bytes of weights inside the file: Protobuf ends at 2 GiB, and larger weights lie in a file beside it."""


class Onnx(Format):
    """An ONNX file; its inputs and outputs have names, its batch axis is free."""

    name: ClassVar[str] = "onnx"
    requires: ClassVar[Mapping[str, str]] = {"onnx": "export", "onnxscript": "export", "onnxruntime": ""}

    def write(self, model: Exportable, folder: Path) -> None:
        batch = model.batch(TRACED)
        shapes: dict[str, Any] = {"tensors": tuple({0: "batch"} for _ in batch)}
        weights = sum(value.numel() * value.element_size() for value in model.network.state_dict().values())
        with traced(), torch.no_grad(), quiet_internals():
            program = torch.onnx.export(
                model.network,
                tuple(batch.values()),
                dynamo=True,
                verbose=False,
                dynamic_shapes=shapes,
                input_names=list(model.network.names),
                output_names=list(model.network.outputs),
            )
        assert program is not None, "the exporter by torch.export returns its program"
        program.save(folder / FILE, external_data=weights > _LARGEST_FILE)

    def load(self, model: Exportable, folder: Path) -> Runner:
        import onnxruntime

        session = onnxruntime.InferenceSession(folder / FILE, providers=["CPUExecutionProvider"])
        outputs = list(model.network.outputs)

        def run(batch: Batch) -> dict[str, Tensor]:
            found = session.run(outputs, {name: value.numpy() for name, value in batch.items()})
            return {name: torch.from_numpy(value) for name, value in zip(outputs, found, strict=True)}

        return run

    def usage(self, model: Exportable) -> str:
        outputs = ", ".join(model.network.outputs)
        feed = ", ".join(f'"{name}": {name}' for name in model.network.names)
        return (
            f'import onnxruntime\n\nsession = onnxruntime.InferenceSession("{FILE}")\n'
            f"{outputs}, = session.run(None, {{{feed}}})"
        )
