"""A trained classifier applied to files: class scores, or a timeline of events."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.artifact import Artifact, Input
from avtool.core.artifact_folder import open_partial, publish
from avtool.core.batch import keep_parts, open_parts
from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of
from avtool.core.reporter import Reporter
from avtool.core.shard import WHOLE, Shard, write_shard
from avtool.data.items import find_items
from avtool.inference.files import FileOutcome, load_predictor, score_all
from avtool.inference.frames import find_frames
from avtool.inference.recipes import PredictRecipe
from avtool.jobs.predict_texts import predict_texts, takes_prompts
from avtool.jobs.predicted_files import write_predicted
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
    items = find_items(sources, split=recipe.split, folds=recipe.folds, images=images, shard=shard)
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
    given = {"sources": list(sources), "model": str(model), "recipe": recipe.model_dump(mode="json")}
    write_shard(partial, "predict", shard, given)
    with open_parts(partial, out, _PARTS, overwrite=overwrite, earlier=earlier) as parts:
        files = score_all(items, parts, predictor, read, reporter, jobs=jobs, fail_fast=fail_fast)
        keep_parts(parts, {f"{file.item.stem}.json" for file in files if file.error is None})
    write_predicted(partial, files, predictor.outputs, recipe, find_learned(model))
    publish(out, Artifact("predictions", command, settings, inputs=[used]), unhashed=[_PARTS])
    outcomes = [file.outcome(predictor.outputs) for file in files]
    return PredictResult(out, outcomes, round(time.perf_counter() - begin, 3))
