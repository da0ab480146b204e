"""Maps of an encoder's features for the page of its run, one a modality."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from avtool.core.reporter import Reporter
from avtool.data.manifest import Manifest
from avtool.evaluation.feature_map import map_figure
from avtool.training.report import Section
from avtool.training.task import Samples

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

_MOST_POINTS = 200
_FEWEST_POINTS = 3
_BATCH = 8
_NOTE = (
    "The two main directions (PCA) of the clips' features; colours are labels where the dataset has them, "
    "which the training never used."
)


@dataclass(frozen=True)
class ShownSamples:
    """Samples whose features, or reconstructions, a page shows.

    Attributes:
        samples: without random augmentation; of validation clips where there are any.
        collate: makes a batch of them.
        labels: the first label of each sample, or "".
        inputs: picks the model's inputs out of a batch.
        held_out: whether these are validation clips.
    """

    samples: Samples
    collate: "Callable[[list[Any]], dict[str, Tensor]]"
    labels: Sequence[str]
    inputs: "Callable[[Mapping[str, Tensor]], dict[str, Tensor]]"
    held_out: bool

    def batch(self, first: int, end: int, device: "torch.device") -> "dict[str, Tensor]":
        """Samples `first` to `end`, as far as there are such, on a device."""
        numbers = range(first, min(end, len(self.samples)))
        values = self.collate([self.samples[number] for number in numbers])
        return {name: value.to(device) for name, value in values.items()}


def first_labels(clips: Manifest) -> list[str]:
    """The first label of each clip, or "" where it has none; for a map alone."""
    return [labels[0] if labels else "" for labels in clips.column("labels")]


def feature_section(
    model: "nn.Module", shown: ShownSamples, device: "torch.device", reporter: Reporter
) -> Section:
    """A map of each modality's features, without figures where there are too few samples.

    Raises:
        BadInputError: the model is no encoder.
    """
    import torch

    from avtool.models.encoder import need_encoder

    encoder = need_encoder(model.eval(), "the trained model")
    count = min(_MOST_POINTS, len(shown.samples))
    if count < _FEWEST_POINTS:
        return Section("Feature map", "", ())
    parts: dict[str, list[Tensor]] = {}
    with torch.no_grad(), reporter.progress("features for the report", count) as bar:
        for first in range(0, count, _BATCH):
            batch = shown.batch(first, min(count, first + _BATCH), device)
            for name, feature in encoder.embed(**shown.inputs(batch)).items():
                parts.setdefault(name, []).append(feature.float().cpu())
            bar.advance(len(batch["index"]))
    labels = shown.labels[:count] if any(shown.labels[:count]) else ()
    maps = [(name, map_figure(torch.cat(values).numpy(), labels)) for name, values in parts.items()]
    return Section("Feature map", _NOTE, maps)
