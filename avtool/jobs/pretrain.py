"""Pretrains an encoder on clips without labels: a run that can be killed and resumed, model and report."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avtool.core.artifact import Input, settings_hash
from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of
from avtool.core.reporter import Reporter
from avtool.data.image_folder import image_folder
from avtool.data.manifest import MANIFEST, read_manifest
from avtool.tasks.compose import PretrainRecipe, make_experiment
from avtool.tasks.masked.recipe import MavilRecipe
from avtool.tasks.methods import METHODS
from avtool.tasks.pretraining_clips import is_image_dataset, shard_files
from avtool.tasks.temporal.recipe import AvtRecipe
from avtool.tasks.temporal.task import TemporalExperiment
from avtool.training.run import default_run, input_hashes, run_settings, train_run, weights_input

_BYTES_A_PARAMETER = 16
"""In a checkpoint: the weights twice, as they are trained and as one would use them, and two moments."""


@dataclass(frozen=True)
class PretrainResult:
    """What a pretraining came to.

    Attributes:
        out: the run.
        model: its model, which `finetune --init`, `embed` and `reconstruct` take.
        method: how it was learned.
        metrics: the loss on clips that were not learned from, and its terms; empty without such clips.
        steps: done in all.
        resumed_from: the step at which the run's last call took over, 0 for one undisturbed run.
        seconds: wall time of that call's training.
        clips_per_second: its rate.
    """

    out: Path
    model: Path
    method: str
    metrics: Mapping[str, float]
    steps: int
    resumed_from: int
    seconds: float
    clips_per_second: float


@dataclass(frozen=True)
class PretrainPlan:
    """What a pretraining would be.

    Attributes:
        out: the run it would write.
        model: the registered name of its model.
        parameters: trained values.
        train_clips, val_clips, skipped_clips: how many there are.
        steps: in all.
        clips_per_step: of all processes of this one launch.
        learning_rate: at the schedule's peak.
        checkpoint_mib: disk that one checkpoint takes.
    """

    out: Path
    model: str
    parameters: int
    train_clips: int
    val_clips: int
    skipped_clips: int
    steps: int
    clips_per_step: int
    learning_rate: float
    checkpoint_mib: float

    def rows(self) -> Iterator[tuple[str, str]]:
        """What a person wants to know, by name."""
        yield "run", str(self.out)
        yield "model", f"{self.model}, {self.parameters / 1e6:.2f} M parameters"
        yield "clips", f"{self.train_clips} to learn from, {self.val_clips} to measure on"
        if self.skipped_clips:
            yield "left out", f"{self.skipped_clips} clips"
        yield "steps", f"{self.steps} of {self.clips_per_step} clips"
        yield "learning rate", f"{self.learning_rate:.4g} at its peak"
        yield "disk", f"{self.checkpoint_mib:.1f} MiB a checkpoint"


@dataclass(frozen=True)
class PreviewResult:
    """The picture that was written, and the pairs on it."""

    out: Path
    pairs: int


def pretrain(
    method: str,
    dataset: Path,
    recipe: PretrainRecipe,
    reporter: Reporter,
    *,
    out: Path | None = None,
    jobs: int = 1,
    overwrite: bool = False,
    command: str = "pretrain",
) -> PretrainResult:
    """Pretrains on a data set, or goes on where an interrupted call with the same arguments stopped.

    Args:
        method: one of `METHODS`.
        dataset: a `dataset` artifact.
        recipe: the settings of this method.
        reporter: told about decisions and progress.
        out: the run's folder; by default in `runs/`, named by method and settings.
        jobs: processes that compute spectrograms; -1 for one a processor.
        overwrite: begin anew.
        command: the command line, for the cards.

    Raises:
        AvtoolError: data, model and settings do not fit together, or the training failed.
    """
    inputs = _inputs(dataset, recipe)
    settings = _settings(method, recipe, inputs)
    folder = out or _default_out(method, recipe, settings)
    experiment = make_experiment(
        METHODS[method], dataset, recipe, reporter, jobs=jobs, command=command, inputs=inputs
    )
    outcome = train_run(
        experiment.compose,
        recipe,
        settings,
        folder,
        reporter,
        command=command,
        inputs=inputs,
        overwrite=overwrite,
    )
    return PretrainResult(
        folder,
        outcome.model,
        method,
        outcome.metrics,
        outcome.steps,
        outcome.resumed_from,
        round(outcome.seconds, 3),
        round(outcome.clips_per_second, 2),
    )


def plan_pretraining(
    method: str, dataset: Path, recipe: PretrainRecipe, reporter: Reporter, *, out: Path | None = None
) -> PretrainPlan:
    """What `pretrain` would do with the same arguments; nothing is computed or written.

    Raises:
        AvtoolError: data, model and settings do not fit together.
    """
    import torch

    from avtool.models.runtime import launched_processes
    from avtool.training.plan import Plan, check_plan

    settings = _settings(method, recipe, _inputs(dataset, recipe))
    experiment = make_experiment(METHODS[method], dataset, recipe, reporter)
    clips = experiment.clips
    with torch.device("meta"):
        model, _ = experiment.build()
    plan = Plan.of(recipe.loop, experiment.samples_an_epoch(), launched_processes())
    check_plan(plan, recipe, validates=clips.val is not None)
    parameters = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    return PretrainPlan(
        out or _default_out(method, recipe, settings),
        experiment.name,
        parameters,
        len(clips.train),
        len(clips.val or ()),
        len(clips.skipped),
        plan.total,
        plan.clips_per_step,
        recipe.optimizer.peak_rate(plan.clips_per_step),
        round(parameters * _BYTES_A_PARAMETER / 2**20, 1),
    )


def preview_pairs(
    dataset: Path,
    recipe: AvtRecipe,
    out: Path,
    reporter: Reporter,
    *,
    count: int = 8,
    overwrite: bool = False,
) -> PreviewResult:
    """Draws pairs of clips as `pretrain avt` sees them, with what it is asked about them.

    Raises:
        AvtoolError: the clips cannot be used, or read.
    """
    if out.is_dir() or (out.exists() and not overwrite):
        raise BadInputError(f"`{out}` exists", "add --overwrite, or choose another --out")
    return PreviewResult(
        out, TemporalExperiment(METHODS["avt"], dataset, recipe, reporter).draw_sheet(count, out)
    )


def _inputs(dataset: Path, recipe: PretrainRecipe) -> list[Input]:
    """The files that decide the result."""
    manifest = dataset / MANIFEST if dataset.is_dir() else dataset
    if manifest.is_file():
        content = sha256_of(manifest)
    elif is_image_dataset(dataset):
        content = settings_hash(image_folder(dataset).column("clip_id"))
    elif shards := shard_files(dataset):
        content = settings_hash([(path.name, path.stat().st_size) for path in shards])
    else:
        read_manifest(dataset)  # which says what is wrong
    found = [Input(str(dataset), "dataset", content)]
    starts = [recipe.model.init]
    if isinstance(recipe, MavilRecipe):
        starts.append(recipe.mavil.teacher)
    return found + [weights_input(start) for start in starts if start is not None]


def _settings(method: str, recipe: PretrainRecipe, inputs: list[Input]) -> dict[str, Any]:
    """What must be equal for a run to go on."""
    return run_settings(recipe, {"command": f"pretrain {method}", "inputs": input_hashes(inputs)})


def _default_out(method: str, recipe: PretrainRecipe, settings: dict[str, Any]) -> Path:
    return default_run(f"pretrain-{method}-{recipe.model.preset}", settings)
