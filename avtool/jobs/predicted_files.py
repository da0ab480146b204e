"""The tables of predicted files: scores, failures, and timelines of events."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avtool.core.files import write_csv
from avtool.core.learned_clips import LearnedClips, Match
from avtool.data.items import Item
from avtool.data.learned_clips import named_items
from avtool.evaluation.players import Place
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.predictions_file import write_places, write_predictions
from avtool.inference.files import FileScore
from avtool.inference.outputs import OutputSpec
from avtool.inference.recipes import PredictRecipe
from avtool.inference.score import Scored
from avtool.inference.timelines import SCORES, write_scores, write_timelines


def write_predicted(
    partial: Path,
    files: Sequence[FileScore],
    outputs: OutputSpec,
    recipe: PredictRecipe,
    learned: LearnedClips | None,
) -> None:
    """Writes scores for programs and for people, failures, and timelines of events.

    Args:
        partial: the artifact that is being made.
        files: their scores, or why they have none.
        outputs: the classes.
        recipe: whether there are timelines, and in which formats.
        learned: the clips of the model's training; None where it has no record.
    """
    done = [(file.item, file.found) for file in files if isinstance(file.found, Scored)]
    predictions = Predictions(
        tuple(item.name for item, _ in done),
        outputs.labels,
        np.array([scored.logits for _, scored in done], np.float32),
        tuple(item.clip.labels if item.clip else () for item, _ in done),
        tuple(item.clip.group if item.clip else "" for item, _ in done),
        tuple(item.clip.fold if item.clip else None for item, _ in done),
        outputs.sizes,
        _uses(learned, [item for item, _ in done]),
    )
    write_predictions(partial, predictions)
    write_places(partial, {item.name: _place(item) for item, _ in done})
    rows = [[item.name, *(f"{value:.6f}" for value in scored.probabilities)] for item, scored in done]
    write_csv(partial / "scores.csv", ["file", *outputs.labels], rows)
    failures = [[file.item.name, str(file.found)] for file in files if not isinstance(file.found, Scored)]
    write_csv(partial / "failures.csv", ["file", "problem"], failures)
    if recipe.events:
        events = {item.name: scored.events for item, scored in done}
        write_timelines(partial, events, {item.name: item.stem for item, _ in done}, recipe.formats)
        if SCORES in recipe.formats:
            (partial / SCORES).mkdir(exist_ok=True)
            for item, scored in done:
                write_scores(partial / SCORES / f"{item.stem}.tsv", outputs.labels, scored.frames)


def _uses(learned: LearnedClips | None, items: Sequence[Item]) -> tuple[frozenset[Match], ...] | None:
    """How the model has used each file in its training."""
    if learned is None:
        return None
    matches = learned.matches(named_items(items))
    return tuple(matches.get(item.name, frozenset()) for item in items)


def _place(item: Item) -> Place:
    """Where a file, or a clip of one, is."""
    media = item.path.resolve()
    return Place(media, item.clip.start, item.clip.duration) if item.clip else Place(media)
