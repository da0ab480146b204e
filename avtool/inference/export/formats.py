"""The export formats by name."""

from avtool.inference.export.format import Format
from avtool.inference.export.hub import Timm, Transformers
from avtool.inference.export.onnx import Onnx
from avtool.inference.export.torch_export import TorchExport

FORMATS: dict[str, type[Format]] = {kind.name: kind for kind in (Onnx, TorchExport, Timm, Transformers)}
