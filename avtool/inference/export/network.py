"""The exported network: positional tensors in, logits or features out; batches to trace and compare it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from avtool.data.inputs.spec import InputSpec
from avtool.models.encoder import need_encoder

if TYPE_CHECKING:
    from avtool.inference.predictor import Predictor

Batch = dict[str, Tensor]
LOGITS = "logits"


class ExportNetwork(nn.Module):
    """A model as a function of tensors alone, in evaluation mode.

    Args:
        model: a classifier, or an encoder.
        names: the model's arguments, in the order of `forward`.
        outputs: `logits`, or the names of features, in the order of what `forward` returns.
    """

    def __init__(self, model: nn.Module, names: tuple[str, ...], outputs: tuple[str, ...]) -> None:
        super().__init__()
        self.model = model
        self.names = names
        self.outputs = outputs

    def forward(self, *tensors: Tensor) -> Tensor | tuple[Tensor, ...]:
        """(B, classes) logits; or (B, D) features, a tuple of them where there are several."""
        given = dict(zip(self.names, tensors, strict=True))
        if self.outputs == (LOGITS,):
            logits: Tensor = self.model(**given).logits
            return logits
        features = self.model.embed(**given)  # type: ignore[operator]
        found = tuple(features[name] for name in self.outputs)
        return found if len(found) > 1 else found[0]


@dataclass(frozen=True)
class Exportable:
    """What is exported.

    Attributes:
        builder: the registered name of the architecture.
        network: to write.
        inputs: of the model.
        preprocess: the content of `preprocess.json`.
    """

    builder: str
    network: ExportNetwork
    inputs: InputSpec
    preprocess: Mapping[str, Any]

    @classmethod
    def of(cls, predictor: "Predictor") -> "Exportable":
        """A loaded model: its logits, or of an encoder without classes its features.

        Raises:
            BadInputError: it gives neither.
        """
        model, description = predictor.model, predictor.description
        names = tuple(noise_batch(predictor.inputs, 2))
        if "labels" in description.preprocess:
            outputs: tuple[str, ...] = (LOGITS,)
        else:
            with torch.no_grad():
                encoder = need_encoder(model, str(predictor.path))
                outputs = tuple(encoder.embed(**noise_batch(predictor.inputs, 2)))
        network = ExportNetwork(model, names, outputs).eval().requires_grad_(False)
        return cls(description.builder, network, predictor.inputs, description.preprocess)

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes, in the order of the logits; none of an encoder."""
        return tuple(str(label) for label in self.preprocess.get("labels", ()))

    def batch(self, count: int) -> Batch:
        """Seeded noise in the form of the inputs."""
        return noise_batch(self.inputs, count)

    def results(self, batch: Batch) -> dict[str, Tensor]:
        """The outputs of a batch by name."""
        with torch.no_grad():
            found = self.network(*batch.values())
        values = found if isinstance(found, tuple) else (found,)
        return dict(zip(self.network.outputs, values, strict=True))


def noise_batch(inputs: InputSpec, count: int) -> Batch:
    """A batch of `count` samples of noise, by the names of the model's arguments."""
    generator = torch.Generator().manual_seed(count)
    return {name: value for one in inputs for name, value in one.noise(count, generator).items()}
