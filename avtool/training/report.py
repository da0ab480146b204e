"""The page of a run, `report.html`: its facts, the sections of its task, its curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.report.figures import ACCENT, INK, WARM, drawing, svg
from avtool.core.report.page import write_page
from avtool.training.metrics_log import METRICS, read_metrics

if TYPE_CHECKING:
    import torch
    from markupsafe import Markup
    from torch import nn

_TEMPLATE = Path(__file__).parent / "report.html"
_NO_TERMS = {"step", "epoch", "split"}
_CHANCE = "_chance"
_FIRST = ("loss",)
_LAST = ("grad_norm", "lr")

Figure = tuple[str, "Markup"]
"""A caption, and an image: an SVG, or an `<img>` with its content inside."""


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        title: its heading.
        note: what is to be known about it.
        figures: shown side by side.
        columns: of figures in a row; 0 fills the width.
    """

    title: str
    note: str
    figures: Sequence[Figure]
    columns: int = 0


def write_report(run: Path, title: str, sections: Sequence[Section] = ()) -> None:
    """Writes the page of a run whose model is there.

    Args:
        run: the run's folder.
        title: what was trained.
        sections: of the task; the curves follow them.
    """
    lines = read_metrics(run / METRICS)
    curves = Section("Curves", "", curve_figures(lines))
    write_page(
        run / "report.html", _TEMPLATE, title=title, facts=_facts(run, lines), sections=[*sections, curves]
    )


def load_trained(run: Path, device: str) -> "tuple[nn.Module, torch.device]":
    """The model of a run in evaluation mode on a device, and the device.

    Args:
        run: its folder.
        device: `auto`, `cpu`, `cuda` or `cuda:1`.
    """
    import torch

    from avtool.models.load import load_model
    from avtool.models.runtime import choose_device

    chosen = torch.device(choose_device(device).value)
    return load_model(run).model.to(chosen).eval(), chosen


def as_trained(model: "nn.Module", precision: str, device: "torch.device") -> "torch.autocast":
    """The precision that a training with this setting has, so that its scores are found again."""
    import torch

    from avtool.models.runtime import choose_precision

    chosen = choose_precision(precision, device.type, model).value
    half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(chosen)
    return torch.autocast(device.type, half, enabled=half is not None)


def curve_figures(lines: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """A figure for each number of the log, the loss first.

    Args:
        lines: of `metrics.jsonl`. A number called `x_chance` is drawn as the level of `x`.
    """
    names = list(dict.fromkeys(name for line in lines for name in line if name not in _NO_TERMS))
    shown = [name for name in names if not name.endswith(_CHANCE)]
    middle = [name for name in shown if name not in (*_FIRST, *_LAST)]
    ordered = [name for name in (*_FIRST, *middle, *_LAST) if name in shown]
    return [(name.replace("_", " "), _curve(lines, name)) for name in ordered]


def _curve(lines: Sequence[Mapping[str, Any]], name: str) -> "Markup":
    from matplotlib.ticker import MaxNLocator

    with drawing(4.3, 2.0) as figure:
        axes = figure.subplots()
        for split, colour in (("train", ACCENT), ("val", WARM)):
            points = [
                (line["step"], line[name])
                for line in lines
                if line["split"] == split and line.get(name) is not None
            ]
            if points:
                marker = "o" if len(points) < 3 else ""
                axes.plot(*zip(*points, strict=True), color=colour, linewidth=1.3, marker=marker, label=split)
        levels = [line[name + _CHANCE] for line in lines if line.get(name + _CHANCE) is not None]
        if levels:
            axes.axhline(levels[-1], color=INK, linewidth=0.8, linestyle=":", label="chance")
        axes.set_xlabel("steps")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if name not in _LAST and axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8, loc="best")
        return svg(figure)


def _facts(run: Path, lines: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """The model and its last losses, by name."""
    from avtool.models.load import load_model

    loaded = load_model(run)
    count = sum(parameter.numel() for parameter in loaded.model.parameters())
    facts = [("model", loaded.description.builder), ("parameters", f"{count / 1e6:.2f} M")]
    for split, words in (("train", "training loss"), ("val", "validation loss")):
        last = next((line for line in reversed(lines) if line["split"] == split), None)
        if last is not None and last.get("loss") is not None:
            facts.append((words, f"{last['loss']:.4g}"))
    return [*facts, ("steps", f"{lines[-1]['step']:,}" if lines else "0")]
