"""Writes `report.html` into a run: its curves, what its model rebuilds, and a map of its features."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avtool.core.report.page import data_uri, write_page
from avtool.core.reporter import Reporter
from avtool.data.manifest import Manifest
from avtool.evaluation.feature_map import map_figure
from avtool.tasks.curves import curve_figures

if TYPE_CHECKING:
    import torch
    from markupsafe import Markup
    from torch import Tensor, nn
    from torch.utils.data import Dataset


_TEMPLATE = Path(__file__).parent / "pretraining_report.html"
_MOST_REBUILT = 6
_MOST_POINTS = 200
_BATCH = 8
_FEWEST_POINTS = 3


Pixels = NDArray[np.uint8]
"""(H, W, 3) RGB."""


@dataclass(frozen=True)
class Rebuilding:
    """One modality of some clips.

    Attributes:
        modality: `audio`, `image` or `video`.
        rows: for each clip the original, what was seen, and the rebuilt.
        loss: error of the hidden patches, as training measures it.
        trivial: the error of always predicting 0, which a model must stay under; None where patches are
            rebuilt as they are.
        normalised: whether the patches' own mean and contrast were put back, which the model never says.
    """

    modality: str
    rows: list[tuple[Pixels, Pixels, Pixels]]
    loss: float
    trivial: float | None
    normalised: bool


@dataclass(frozen=True)
class Exhibit:
    """What a report shows of a run beside its curves.

    Attributes:
        title: what was done.
        clips: samples that are not changed at random, of clips that were not learned from if there are any.
        collate: makes a batch of them.
        labels: the first label of each sample, or "".
        inputs: picks the model's inputs out of a batch.
        rebuild: reconstructs the masked patches of a batch; None where nothing is reconstructed.
        held_out: whether the clips were not learned from.
        device: to compute on.
    """

    title: str
    clips: "Dataset[Any]"
    collate: "Callable[[list[Any]], dict[str, Tensor]]"
    labels: Sequence[str]
    inputs: "Callable[[Mapping[str, Tensor]], dict[str, Tensor]]"
    rebuild: "Callable[[nn.Module, Mapping[str, Tensor]], list[Rebuilding]] | None"
    held_out: bool
    device: str


def first_labels(clips: Manifest) -> list[str]:
    """What clips are labelled with, or "" where they are not; for a map alone."""
    return [labels[0] if labels else "" for labels in clips.column("labels")]


def write_report(folder: Path, exhibit: Exhibit, reporter: Reporter) -> None:
    """Writes the page of a run whose model is in `folder / "model"`."""
    import torch

    from avtool.models.model_folder import load_model
    from avtool.models.runtime import choose_device
    from avtool.training.loop import MODEL
    from avtool.training.metrics_log import METRICS, read_metrics

    loaded = load_model(folder / MODEL)
    device = torch.device(choose_device(exhibit.device).value)
    model = loaded.model.to(device)
    lines = read_metrics(folder / METRICS)
    rebuilt: list[Rebuilding] = []
    if exhibit.rebuild is not None:
        batch = _batch(exhibit, range(min(_MOST_REBUILT, len(exhibit.clips))), device)  # type: ignore[arg-type]
        rebuilt = exhibit.rebuild(model, batch)
    maps = _maps(model, exhibit, device, reporter)
    write_page(
        folder / "report.html",
        _TEMPLATE,
        title=exhibit.title,
        facts=_facts(lines, loaded.description.builder, model, rebuilt),
        curves=curve_figures(lines),
        rebuilt=[{"of": item, "rows": [[_png(p) for p in row] for row in item.rows]} for item in rebuilt],
        held_out=exhibit.held_out,
        maps=maps,
    )


def _facts(
    lines: Sequence[Mapping[str, Any]], builder: str, model: "nn.Module", rebuilt: Sequence[Rebuilding]
) -> list[tuple[str, str]]:
    count = sum(parameter.numel() for parameter in model.parameters())
    facts = [("model", builder), ("parameters", f"{count / 1e6:.2f} M")]
    for split, words in (("train", "loss of the last steps"), ("val", "loss on other clips")):
        last = next((line for line in reversed(lines) if line["split"] == split), None)
        if last is not None and last.get("loss") is not None:
            facts.append((words, f"{last['loss']:.4g}"))
    facts += [
        (f"loss of rebuilding nothing, {item.modality}", f"{item.trivial:.4g}")
        for item in rebuilt
        if item.trivial is not None
    ]
    return [*facts, ("steps", f"{lines[-1]['step']:,}" if lines else "0")]


def _maps(
    model: "nn.Module", exhibit: Exhibit, device: "torch.device", reporter: Reporter
) -> "list[tuple[str, Markup]]":
    """A map of each modality's features."""
    import torch

    from avtool.models.encoder import need_encoder

    encoder = need_encoder(model.eval(), exhibit.title)
    count = min(_MOST_POINTS, len(exhibit.clips))  # type: ignore[arg-type]
    if count < _FEWEST_POINTS:
        return []
    parts: dict[str, list[Tensor]] = {}
    with torch.no_grad(), reporter.progress("features for the report", count) as bar:
        for first in range(0, count, _BATCH):
            batch = _batch(exhibit, range(first, min(count, first + _BATCH)), device)
            for name, feature in encoder.embed(**exhibit.inputs(batch)).items():
                parts.setdefault(name, []).append(feature.float().cpu())
            bar.advance(len(batch["index"]))
    labels = exhibit.labels[:count] if any(exhibit.labels[:count]) else ()
    return [(name, map_figure(torch.cat(values).numpy(), labels)) for name, values in parts.items()]


def _batch(exhibit: Exhibit, indices: range, device: "torch.device") -> "dict[str, Tensor]":
    samples = exhibit.collate([exhibit.clips[index] for index in indices])
    return {name: value.to(device) for name, value in samples.items()}


def _png(pixels: Pixels) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return data_uri(buffer.getvalue(), "image/png")
