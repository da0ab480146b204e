"""One training of `zoo train`: the run, its score on the validation clips, and what the network costs."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from avtool.core.files import write_json, writing
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.items import clip_items
from avtool.jobs.zoo.train_plan import Planned, Score
from avtool.tasks.classification.task import ClassificationTask
from avtool.training.run import train_task


def train_one(planned: Planned, reporter: Reporter) -> None:
    """Trains, and scores the validation clips by the saved model."""
    from avtool.inference.clip_features import score_clips
    from avtool.inference.predictor import Predictor

    task = replace(planned.task, reporter=reporter)
    planned.out.parent.mkdir(parents=True, exist_ok=True)
    outcome = train_task(task, planned.out)
    val = task.clips.val
    assert val is not None, "checked in the plan"
    runtime = RuntimeRecipe(device=task.recipe.runtime.device, precision=task.recipe.runtime.precision)
    predictor = Predictor(planned.out, runtime, reporter)
    scores = score_clips(predictor, clip_items(val), task.recipe.data.windows, reporter)
    index = {name: number for number, name in enumerate(predictor.outputs.labels)}
    right = [
        bool(row.argmax() == index[labels[0]])
        for row, labels in zip(scores, val.column("labels"), strict=True)
    ]
    params, macs = _cost(task)
    done = max(1, outcome.steps - outcome.resumed_from)
    score = Score(
        planned.out.name, task.recipe.seed, right, params, macs, outcome.steps,
        round(outcome.seconds / done, 4),
    )  # fmt: skip
    with writing(planned.scores):
        planned.scores.parent.mkdir(parents=True, exist_ok=True)
    write_json(planned.scores, asdict(score), indent=None)


def _cost(task: ClassificationTask) -> tuple[int, int]:
    """Parameters, and the MACs of one clip, with the last layer."""
    from avtool.models.zoo.count import count_macs, count_parameters

    model, _ = task.build()
    inputs: Mapping[str, Any] = {name: value[:1] for name, value in task.example().items()}
    return count_parameters(model), count_macs(model, lambda: model(**inputs))
