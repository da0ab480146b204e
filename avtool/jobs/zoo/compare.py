"""The report of rows trained under one configuration: accuracies with intervals, real differences, costs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.files import write_json, write_text
from avtool.core.report.figures import ACCENT, INK, SOFT, WARM, drawing, log_x, svg
from avtool.core.report.page import write_page
from avtool.evaluation.model_comparison import Comparison, Difference, ModelAccuracy
from avtool.jobs.zoo.train_recipe import Entrant, Kind, ZooTrainRecipe

if TYPE_CHECKING:
    from avtool.tasks.classification.task import ClassificationTask

JSON, MARKDOWN, PAGE = "compare.json", "compare.md", "compare.html"
COLUMNS = ("model", "accuracy %", "interval", "seeds", "M params", "M MACs", "s/step")
DIFFERENCES = ("better", "worse", "difference %", "interval", "p", "corrected p", "real")
_TEMPLATE = Path(__file__).with_name("compare.html")


@dataclass(frozen=True)
class Trained:
    """What the trainings of one entrant came to.

    Attributes:
        entrant: what was trained.
        right: (seeds, clips) whether each clip's class is named.
        params: parameters.
        macs: multiply-accumulates of one clip.
        steps: optimiser steps.
        seconds_per_step: wall time, the median over seeds.
    """

    entrant: Entrant
    right: Sequence[Sequence[bool]]
    params: int
    macs: int
    steps: int
    seconds_per_step: float

    @property
    def title(self) -> str:
        """In tables."""
        return self.entrant.title


def table(comparison: Comparison, trained: Sequence[Trained]) -> list[tuple[str, ...]]:
    """The cells of `COLUMNS`, the best model first."""
    costs = {one.title: one for one in trained}
    return [tuple(_cells(model, costs.get(model.name))) for model in comparison.models]


def _cells(model: ModelAccuracy, cost: Trained | None) -> Iterator[str]:
    yield model.name
    yield f"{100 * model.interval.value:.1f}"
    yield f"{100 * model.interval.low:.1f} to {100 * model.interval.high:.1f}"
    yield ", ".join(f"{100 * value:.1f}" for value in model.seeds)
    if cost is None:
        yield from ("", "", "")
        return
    yield f"{cost.params / 1e6:.3g}"
    yield f"{cost.macs / 1e6:.4g}"
    yield f"{cost.seconds_per_step:.3g}"


def difference_cells(one: Difference) -> tuple[str, ...]:
    """The cells of `DIFFERENCES`."""
    return (
        one.better, one.worse, f"{100 * one.interval.value:.1f}",
        f"{100 * one.interval.low:.1f} to {100 * one.interval.high:.1f}", f"{one.p:.4f}",
        f"{one.corrected:.4f}", "yes" if one.is_real else "no",
    )  # fmt: skip


def write_comparison(
    out: Path,
    comparison: Comparison,
    trained: Sequence[Trained],
    recipe: ZooTrainRecipe,
    kind: Kind,
    task: "ClassificationTask",
) -> None:
    """Writes the comparison as JSON, as Markdown and as a page that loads nothing.

    Args:
        out: the folder.
        comparison: of all models.
        trained: their costs, and what they were.
        recipe: the one configuration.
        kind: of inputs.
        task: one of the trainings, for the data.
    """
    facts = _facts(trained, recipe, kind, task)
    overrides = [(one.title, _options(one.entrant)) for one in trained if one.entrant.options]
    write_json(
        out / JSON,
        {
            "schema_version": 1, "facts": dict(facts), "overrides": dict(overrides),
            "models": [asdict(one) for one in comparison.models],
            "differences": [asdict(one) for one in comparison.differences],
            "costs": {
                one.title: {"params": one.params, "macs": one.macs, "seconds_per_step": one.seconds_per_step}
                for one in trained
            },
        },
    )  # fmt: skip
    rows, real = table(comparison, trained), [difference_cells(one) for one in comparison.real]
    write_text(out / MARKDOWN, _markdown(facts, rows, real, overrides, comparison))
    write_page(
        out / PAGE, _TEMPLATE, facts=facts, columns=COLUMNS, rows=rows, difference_columns=DIFFERENCES,
        differences=[difference_cells(one) for one in comparison.differences], real=len(real),
        overrides=overrides, figure=_figure(comparison, trained), level=round(100 * comparison.level),
        draws=comparison.draws,
    )  # fmt: skip


def _facts(
    trained: Sequence[Trained], recipe: ZooTrainRecipe, kind: Kind, task: "ClassificationTask"
) -> list[tuple[str, str]]:
    """Data and configuration: whatever decides the figures beside the rows."""
    clips = task.clips
    side = (
        recipe.data.video.size if kind == "images" else recipe.model.arguments.get("side", "each row's own")
    )
    return [
        ("dataset", task.source.name),
        ("inputs", f"{kind} of {side} pixels"),
        ("clips", f"{len(clips.train)} to train, {len(clips.val or ())} to compare on"),
        ("classes", str(sum(clips.sizes))),
        ("training", "from random weights" if recipe.model.init is None else str(recipe.model.init)),
        ("seeds", _seeds(len(trained[0].right))),
        ("steps", f"{trained[0].steps} of {recipe.loop.batch_size * recipe.loop.accumulate} samples"),
        ("optimizer", f"{recipe.optimizer.name}, rate {recipe.optimizer.base_lr or recipe.optimizer.lr:g}, "
                      f"weight decay {recipe.optimizer.weight_decay:g}, {recipe.schedule.name}"),
    ]  # fmt: skip


def _seeds(count: int) -> str:
    """The number of seeds, and what one of them cannot show."""
    return str(count) if count > 1 else "1, so that differences are of these trainings, not of the rows"


def _options(entrant: Entrant) -> str:
    return ", ".join(f"{name} = {value}" for name, value in entrant.options.items())


def _markdown(
    facts: Sequence[tuple[str, str]],
    rows: Sequence[tuple[str, ...]],
    real: Sequence[tuple[str, ...]],
    overrides: Sequence[tuple[str, str]],
    comparison: Comparison,
) -> str:
    def lines(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
        return [f"| {' | '.join(row)} |" for row in (columns, ["---"] * len(columns), *cells)]

    found = "; ".join(f"{name}: {value}" for name, value in facts)
    pairs = len(comparison.differences)
    return "\n".join(
        [
            "# Rows of the zoo under one configuration", "", f"{found}.", "", *lines(COLUMNS, rows), "",
            f"Intervals: {comparison.level:.0%}, bootstrap over seeds and clips, {comparison.draws} draws.",
            "",
            f"{len(real)} of {pairs} differences are real after the correction for {pairs} pairs:", "",
            *lines(DIFFERENCES[:-1], [one[:-1] for one in real]), "",
            *([*lines(("row", "changed for the size"), overrides), ""] if overrides else []),
        ]
    )  # fmt: skip


def _figure(comparison: Comparison, trained: Sequence[Trained]) -> Any:
    """Accuracies with intervals, a point a seed, and accuracy over MACs."""
    baselines = {one.title for one in trained if one.entrant.is_baseline}
    costs = {one.title: one for one in trained}
    models = list(reversed(comparison.models))
    with drawing(10, 0.9 + 0.32 * len(models)) as figure:
        left, right = figure.subplots(1, 2)
        for place, model in enumerate(models):
            one, row = model.interval, costs.get(model.name)
            colour = WARM if row is None or model.name in baselines else ACCENT
            left.plot([100 * one.low, 100 * one.high], [place, place], color=SOFT, linewidth=5, zorder=1)
            left.plot([100 * value for value in model.seeds], [place] * len(model.seeds), "|", color=INK)
            left.plot(100 * one.value, place, "o", color=colour)
            if row is not None:
                right.plot(row.macs / 1e6, 100 * one.value, "o", color=colour)
                right.annotate(
                    model.name, (row.macs / 1e6, 100 * one.value), xytext=(4, 3), fontsize=6,
                    textcoords="offset points",
                )  # fmt: skip
        left.set_yticks(range(len(models)), [model.name for model in models])
        left.set_xlabel("accuracy, %")
        right.set_xlabel("M MACs")
        log_x(right)
        right.set_ylabel("accuracy, %")
        return svg(figure)
