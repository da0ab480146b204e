"""The training loop: steps, log, validation, checkpoints, and what ends a run."""

import resource
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch

from avtool.core.errors import BadInputError, SomeFailedError
from avtool.core.files import replace_folder, write_json
from avtool.core.reporter import Progress, Reporter, Silent
from avtool.data.samplers import Order, make_order
from avtool.models.frozen import frozen_parameters
from avtool.models.model_folder import save_model
from avtool.models.runtime import choose_device, default_workers, place
from avtool.training.accelerator import process_settings, start
from avtool.training.cached_gradients import SplitObjective
from avtool.training.loader import make_loader, samples_of_step
from avtool.training.metric_buffer import NotFiniteError, is_loss
from avtool.training.metrics_log import MetricsLog
from avtool.training.plan import refuse_lone_values
from avtool.training.progress import write_run_plan
from avtool.training.recipe import TrainRecipe
from avtool.training.stop_signals import StopSignals
from avtool.training.task import Batch, Training, TrainOutcome
from avtool.training.trainer import Trainer

CRASH = "crash.json"
"""The record of a loss that was not finite: the step, the terms, the samples."""
MODEL = "model"
"""The saved model's folder in a run."""


def fit(
    training: Training, recipe: TrainRecipe, run_folder: Path, reporter: Reporter | None = None
) -> TrainOutcome:
    """Trains, or resumes where an interrupted call with the same arguments stopped.

    A run that is killed at any step and called again writes the same log and the same weights, bit for bit on
    a CPU, as one that was never disturbed. SIGINT and SIGTERM finish the step and write a checkpoint first.

    Args:
        training: what to train.
        recipe: how.
        run_folder: where checkpoints, log and model go; it belongs to this training and recipe alone.
        reporter: receives decisions and progress.

    Raises:
        BadInputError: the settings do not fit the data, or each other.
        MissingError: the device is not there.
        CorruptArtifactError: the checkpoint to resume from is damaged.
        SomeFailedError: the loss became NaN or infinite; the last good checkpoint is kept.
        KeyboardInterrupt: on SIGINT, after the checkpoint.
        SystemExit: on SIGTERM, with 143.
    """
    if len(training.samples) == 0:
        raise BadInputError("nothing to train on: there are no samples")
    reporter = reporter or Silent()
    accelerator = start(recipe.runtime, training.model, reporter, takes_turns=len(training.phases) > 1)
    if not accelerator.is_main_process:
        reporter = Silent()
    with process_settings(recipe.runtime, accelerator.device), StopSignals() as signals:
        trainer = Trainer(training, recipe, run_folder, accelerator)
        reporter.info(str(trainer.plan))
        if recipe.optimizer.base_lr:
            reporter.info(_scaled_rate(trainer))
        if (rise := trainer.rates.longest_warmup) > trainer.plan.total:
            reporter.warn(f"the warm-up of {rise:g} steps outlasts the run: the rate never reaches its peak")
        plan = trainer.plan
        contrasts = plan.accumulate > 1 and getattr(training.objective, "contrasts_clips", False)
        if contrasts and not recipe.loop.cached_gradients:
            more = "set loop.cached_gradients, " * isinstance(training.objective, SplitObjective)
            reporter.warn(
                "loop.accumulate adds no negatives: clips are contrasted with the "
                f"{plan.batch_size * plan.processes} of a batch over all processes; {more}raise "
                "--batch-size, or launch more processes"
            )
        if trainer.resumed_from:
            reporter.info(f"resumed at step {trainer.step} of {trainer.plan.total}")
        loop = _Loop(trainer, run_folder, reporter, signals)
        with _in_one_line(loop):
            loop.run()
        return loop.finish()


def save_untrained(
    training: Training, recipe: TrainRecipe, run_folder: Path, reporter: Reporter
) -> TrainOutcome:
    """Scores and saves a model as it is, in the place of `fit`.

    Args:
        training: with nothing to learn.
        recipe: device and seed.
        run_folder: where the log and the model go.
        reporter: receives the device.

    Raises:
        MissingError: the device is not there.
        SomeFailedError: the model's outputs are not finite.
    """
    begin = time.perf_counter()
    device = choose_device(recipe.runtime.device)
    reporter.info(f"device: {device}; nothing is trained")
    model, place_ = training.model.eval(), torch.device(device.value)
    place(model, recipe.runtime, place_)
    metrics: dict[str, float] = {}
    if training.validate:
        try:
            with torch.no_grad():
                metrics = {name: float(value) for name, value in training.validate(model, place_).items()}
        except FloatingPointError as error:
            raise SomeFailedError(str(error), "get another copy of the weights") from error
    log = MetricsLog(run_folder, 0, tensorboard=recipe.loop.tensorboard)
    log.write(0, 0.0, "val", metrics)
    log.close()
    description = training.description
    elsewhere = {name for name in frozen_parameters(model) if description.is_stored_elsewhere(name)}
    stored = {name: value for name, value in model.state_dict().items() if name not in elsewhere}
    values = recipe.model_dump(mode="json")
    save_model(run_folder / MODEL, stored, description, recipe=values, seed=recipe.seed, metrics=metrics)
    return TrainOutcome(run_folder / MODEL, 0, 0, metrics, seconds=time.perf_counter() - begin)


class _Loop:
    """What surrounds the steps of a trainer: the log, the bar, the clock, and what is due."""

    def __init__(self, trainer: Trainer, run: Path, reporter: Reporter, signals: StopSignals) -> None:
        self.trainer = trainer
        self.plan = trainer.plan
        self.run_folder = run
        self.reporter = reporter
        self.signals = signals
        self.main: bool = trainer.accelerator.is_main_process
        self.log: MetricsLog | None = None
        self.begin = time.perf_counter()
        self._logged = (self.begin, trainer.step)
        self._note = ""
        self._epoch: dict[str, list[float]] = {}  # losses of its steps so far
        self._counted = 0  # of the steps since the last line of the log

    def run(self) -> None:
        trainer = self.trainer
        if trainer.done:
            return
        batches = self._batches()  # worker processes fork before the bar's and TensorBoard's threads start
        if self.main:
            tensorboard = trainer.recipe.loop.tensorboard
            self.log = MetricsLog(self.run_folder, trainer.step, tensorboard=tensorboard)
            write_run_plan(self.run_folder, self.plan, trainer.training)
        try:
            with self.reporter.progress("training", self.plan.total) as bar:
                bar.advance(trainer.step)
                while not trainer.done:
                    self._step(batches, bar)
        finally:
            batches.close()
            if self.log:
                self.log.close()

    def _order(self) -> Order:
        training, recipe, plan = self.trainer.training, self.trainer.recipe, self.plan
        return make_order(
            recipe.sampler.name,
            len(training.samples),
            plan.samples_per_epoch,
            plan.batch_size * plan.processes,
            recipe.seed,
            labels=training.labels,
            groups=training.groups,
            replacement=recipe.sampler.replacement,
        )

    def _batches(self) -> Generator[Batch]:
        recipe = self.trainer.recipe
        return make_loader(
            self.trainer.training,
            self._order(),
            self.plan,
            seed=recipe.seed,
            process=self.trainer.accelerator.process_index,
            first_step=self.trainer.step,
            workers=default_workers() if recipe.loop.workers is None else recipe.loop.workers,
            pin_memory=self.trainer.device.type == "cuda",
        )

    def _step(self, batches: Iterator[Batch], bar: Progress) -> None:
        trainer, plan = self.trainer, self.plan
        rates = trainer.rates.at(trainer.step)
        trainer.advance(batches)
        step = trainer.step
        logging = plan.due(step, plan.log_every)
        if logging:
            self._write_line(rates)
        validated = trainer.training.validate is not None and plan.due(step, plan.validate_every)
        better = validated and self._validate()
        if plan.ends_epoch(step):
            self._report_epoch(validated=validated, better=better)
        stopping = self._must_stop(logging)
        if better or stopping or trainer.done or plan.due(step, plan.checkpoint_every):
            if self.log:
                self.log.sync()
            trainer.checkpoint()
        bar.advance(1, self._note)
        if stopping:
            stopped = f"stopped at step {step}: the same command resumes from there"
            self.reporter.warn(stopped)
            self.signals.leave(stopped)

    def _write_line(self, rates: Mapping[str, float]) -> None:
        buffer = self.trainer.buffer
        self._count_losses()
        means = {name: sum(values) / len(values) for name, values in buffer.read().items()}
        buffer.clear()
        self._counted = 0
        self._write("train", {**rates, **means})
        now, step = time.perf_counter(), self.trainer.step
        samples = (step - self._logged[1]) * self.plan.samples_per_step
        speed = samples / max(1e-9, now - self._logged[0])
        self._logged = (now, step)
        losses = _words({name: mean for name, mean in means.items() if is_loss(name)})
        self._note = f"{losses}, {speed:.3g} samples/s, {_memory(self.trainer.device)}"

    def _validate(self) -> bool:
        better = self.trainer.validate()
        self._write("val", self.trainer.validated)
        words = _words(self.trainer.validated)
        self.reporter.detail(f"step {self.trainer.step}: {words}{' (best)' if better else ''}")
        return better

    def _count_losses(self) -> None:
        """Adds the steps since the last line of the log to the losses of the epoch, each once."""
        taken = self._counted
        for name, values in self.trainer.buffer.read().items():
            if is_loss(name):
                self._epoch.setdefault(name, []).extend(values[taken:])
            self._counted = max(self._counted, len(values))

    def _report_epoch(self, *, validated: bool, better: bool) -> None:
        """A line for an epoch: its mean losses, and a validation at its end."""
        self._count_losses()
        parts = [_words({name: sum(values) / len(values) for name, values in self._epoch.items() if values})]
        if validated:
            scores = f"{self.trainer.training.validated_on} {_words(self.trainer.validated)}"
            parts.append(f"{scores}{' (best)' if better else ''}")
        self._epoch.clear()
        step, plan = self.trainer.step, self.plan
        done = f"epoch {plan.epochs_at(step):g} of {plan.epochs_at(plan.total):g}"
        self.reporter.info("; ".join([f"{done}: step {step}", *filter(None, parts)]))

    def _write(self, split: str, values: Mapping[str, float]) -> None:
        if self.log:
            step = self.trainer.step
            self.log.write(step, self.plan.epochs_at(step), split, values)

    def _must_stop(self, logging: bool) -> bool:
        """Whether a signal came; several processes receive it at different times, and agree at a log line."""
        if self.plan.processes == 1:
            return bool(self.signals.received)
        if not logging:
            return False
        accelerator = self.trainer.accelerator
        received = torch.tensor([self.signals.received], device=self.trainer.device)
        self.signals.received = int(accelerator.gather(received).max())
        return bool(self.signals.received)

    def record_crash(self, error: NotFiniteError) -> None:
        """Records which samples gave a loss that is not finite."""
        if not self.main:
            return
        indices = samples_of_step(self._order(), self.plan, error.step)
        names = self.trainer.training.sample_ids
        record = {
            "step": error.step,
            "terms": error.terms,
            "samples": [names[index] for index in indices] if names else indices,
        }
        write_json(self.run_folder / CRASH, record)

    def finish(self) -> TrainOutcome:
        """Makes the chosen checkpoint's model that of the run."""
        trainer, best = self.trainer, self.trainer.best
        chosen = trainer.checkpoints.folder(trainer.step)
        metrics = trainer.validated
        if trainer.recipe.loop.final == "best" and best:
            chosen, metrics = trainer.checkpoints.folder(best.step), best.metrics
        model = self.run_folder / MODEL
        if self.main:
            partial = self.run_folder / f".{MODEL}.partial"
            trainer.publish(chosen, metrics, partial)
            replace_folder(partial, model)
        trainer.accelerator.wait_for_everyone()
        if trainer.device.type == "cuda":
            trainer.accelerator.free_memory()  # another fold may follow in this process
        seconds = time.perf_counter() - self.begin
        samples = (trainer.step - trainer.resumed_from) * self.plan.samples_per_step
        return TrainOutcome(
            model,
            trainer.step,
            trainer.resumed_from,
            metrics,
            best.step if best else None,
            seconds,
            samples / seconds,
        )


@contextmanager
def _in_one_line(loop: _Loop) -> Iterator[None]:
    trainer = loop.trainer
    try:
        with refuse_lone_values():
            yield
    except torch.OutOfMemoryError as error:
        message = f"out of GPU memory with batches of {trainer.plan.batch_size} samples"
        raise BadInputError(message, "halve --batch-size and double loop.accumulate") from error
    except NotFiniteError as error:
        loop.record_crash(error)
        last = trainer.checkpoints.last()
        kept = f"the last good state is `{last}`" if last else "no checkpoint had been written"
        record = f"`{loop.run_folder / CRASH}` names the samples"
        hint = f"{kept}, {record}; lower --lr, set optimizer.clip_norm, or try --precision fp32"
        raise SomeFailedError(str(error), hint) from error


def _words(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items())


def _scaled_rate(trainer: Trainer) -> str:
    base, samples = trainer.recipe.optimizer.base_lr, trainer.plan.samples_per_step
    peak = trainer.recipe.optimizer.peak_rate(samples)
    return f"learning rate {peak:.4g}: base_lr {base:g} x {samples} samples / 256"


def _memory(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{torch.cuda.max_memory_allocated(device) / 2**30:.1f} GiB on the GPU"
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB"
