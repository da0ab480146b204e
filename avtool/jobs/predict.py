"""A trained classifier applied to files: class scores, or a timeline of events."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avtool.core.artifact import Artifact, Input
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.files import link_tree, sha256_of, write_csv
from avtool.core.learned_clips import Match
from avtool.core.reporter import Reporter
from avtool.core.shard import WHOLE, Shard, write_shard
from avtool.data.items import Item, find_items
from avtool.data.learned_clips import named_items
from avtool.evaluation.players import Place
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.predictions_file import write_places, write_predictions
from avtool.inference.files import FileOutcome, FileScore, load_predictor, score_all
from avtool.inference.frames import find_frames
from avtool.inference.outputs import OutputSpec
from avtool.inference.recipes import PredictRecipe
from avtool.inference.score import Scored
from avtool.inference.timelines import SCORES, write_scores, write_timelines
from avtool.jobs.predict_texts import predict_texts, takes_prompts
from avtool.media.addresses import local_path
from avtool.models.model_files import WEIGHTS, find_learned

_PARTS = "files"
_OF_THE_MACHINE = {"runtime", "batch_size"}


@dataclass(frozen=True)
class PredictResult:
    """The artifact that was written, each file, and the wall time in seconds."""

    out: Path
    files: list[FileOutcome]
    seconds: float

    @property
    def failed(self) -> list[FileOutcome]:
        """The files that could not be predicted."""
        return [file for file in self.files if file.status == "failed"]


def predict(
    sources: Sequence[str],
    model: Path,
    out: Path,
    recipe: PredictRecipe,
    reporter: Reporter,
    *,
    jobs: int = 1,
    overwrite: bool = False,
    fail_fast: bool = False,
    command: str = "predict",
    shard: Shard = WHOLE,
    earlier: Sequence[Path] = (),
) -> PredictResult:
    """Scores every file; those that an earlier run with the same settings finished are kept.

    Args:
        sources: files, folders, and datasets.
        model: a model, a run, or a checkpoint.
        out: the `predictions` artifact to write.
        recipe: the settings.
        reporter: gets progress and the files that fail.
        jobs: processes, each of which loads the model; -1 for one a processor.
        overwrite: score all files again.
        fail_fast: stop at the first file that fails.
        command: the command line, for the card.
        shard: the part of the batch that is done here.
        earlier: shards of this batch, whose results are kept.

    Raises:
        AvtoolError: the model cannot be used, or no file could be predicted (a single file's own error).
    """
    begin = time.perf_counter()
    if takes_prompts(model):
        if not shard.whole:
            raise BadInputError(f"`{model}` predicts texts, which have no shards", "leave --shard out")
        texts = predict_texts(sources, model, out, recipe, reporter, overwrite=overwrite, command=command)
        return PredictResult(texts.out, texts.files, texts.seconds)
    from avtool.models.foreign import locate

    predictor = load_predictor(model, recipe, reporter)
    images = "image" in predictor.inputs
    items = shard.of(find_items(sources, split=recipe.split, folds=recipe.folds, images=images))
    used = Input(str(model), "model", sha256_of(locate(model) / WEIGHTS))
    settings = {
        "command": "predict",
        "model": used.sha256,
        "recipe": recipe.model_dump(mode="json", exclude=_OF_THE_MACHINE),
        **({"class_map": sha256_of(recipe.class_map)} if recipe.class_map else {}),
        **({"phrases": sha256_of(recipe.phrases)} if recipe.phrases else {}),
        **shard.settings(),
    }
    inputs = [model, *(local_path(source) for source in sources)]
    frames = find_frames(items, predictor, recipe, reporter)
    if frames is not None and frames != recipe.frame_features:
        predictor = predictor.with_features(frames)
    read = recipe.model_copy(update={"frame_features": frames})  # worker processes load the model by it
    partial = open_partial(out, settings, kind="predictions", overwrite=overwrite, inputs=inputs)
    parts = partial / _PARTS
    if not overwrite and (out / _PARTS).is_dir() and not parts.exists():
        link_tree(out / _PARTS, parts)
    parts.mkdir(exist_ok=True)
    for folder in earlier:
        link_tree(folder / _PARTS, parts)
    given = {"sources": list(sources), "model": str(model), "recipe": recipe.model_dump(mode="json")}
    write_shard(partial, "predict", shard, given)
    try:
        files = score_all(items, parts, predictor, read, reporter, jobs=jobs, fail_fast=fail_fast)
    except AvtoolError:
        if not any(parts.iterdir()):
            discard_partial(partial)
        raise
    _write(partial, files, predictor.outputs, recipe, _learned(files, model))
    publish(out, Artifact("predictions", command, settings, inputs=[used]), unhashed=[_PARTS])
    outcomes = [file.outcome(predictor.outputs) for file in files]
    return PredictResult(out, outcomes, round(time.perf_counter() - begin, 3))


def _learned(files: Sequence[FileScore], model: Path) -> tuple[frozenset[Match], ...] | None:
    """How the model has used each predicted file in its training; None where it has no record."""
    record = find_learned(model)
    if record is None:
        return None
    items = [file.item for file in files if isinstance(file.found, Scored)]
    matches = record.matches(named_items(items))
    return tuple(matches.get(item.name, frozenset()) for item in items)


def _write(
    partial: Path,
    files: Sequence[FileScore],
    outputs: OutputSpec,
    recipe: PredictRecipe,
    learned: tuple[frozenset[Match], ...] | None,
) -> None:
    """The artifact: scores for programs and for people, failures, and the timeline."""
    done = [(file.item, file.found) for file in files if isinstance(file.found, Scored)]
    predictions = Predictions(
        tuple(item.name for item, _ in done),
        outputs.labels,
        np.array([scored.logits for _, scored in done], np.float32),
        tuple(item.clip.labels if item.clip else () for item, _ in done),
        tuple(item.clip.group if item.clip else "" for item, _ in done),
        tuple(item.clip.fold if item.clip else None for item, _ in done),
        outputs.sizes,
        learned,
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
    kept = {f"{item.stem}.json" for item, _ in done}
    for path in (partial / _PARTS).iterdir():
        if path.name not in kept:
            path.unlink()


def _place(item: Item) -> Place:
    """Where a file, or a clip of one, is."""
    media = item.path.resolve()
    return Place(media, item.clip.start, item.clip.duration) if item.clip else Place(media)
