"""The live objects of a training: its steps, validations and checkpoints."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from accelerate.utils import (  # type: ignore[import-untyped]
    DistributedType,
    broadcast_object_list,
    send_to_device,
)
from torch import Tensor, nn

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.core.files import link_tree
from avtool.models.frozen import content_hash, frozen_parameters
from avtool.models.load import load_model
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.runtime import place
from avtool.models.seeds import derive, seed_everything
from avtool.training.cached_gradients import CachedContrast, need_split
from avtool.training.checkpoints import Best, Checkpoints, Progress
from avtool.training.learning_rates import LearningRates
from avtool.training.metric_buffer import MetricBuffer, NotFiniteError
from avtool.training.net import MODEL, OBJECTIVE, Net, only_model
from avtool.training.optimizers import Optimizers
from avtool.training.plan import Plan, check_plan
from avtool.training.recipe import TrainRecipe
from avtool.training.state import TrainingState
from avtool.training.step_rule import Phase, StepRule
from avtool.training.task import Batch, Training
from avtool.training.update import Updater
from avtool.training.weight_average import WeightAverage, ema_decay


class Trainer:
    """The live objects of a run. Every process has one, and all of them call the same methods together.

    Args:
        training: what is trained.
        recipe: how.
        run: the run's folder; where it holds a checkpoint, the run is resumed.
        accelerator: the processes and their device.

    Attributes:
        plan: the run in numbers.
        step: steps done.
        rates: the learning rate of each optimiser and group.
        buffer: scalars since the last line of the log.
        best: the best validation so far.
        validated: the last validation.
        checkpoints: what is on disk.
    """

    def __init__(self, training: Training, recipe: TrainRecipe, run: Path, accelerator: Accelerator) -> None:
        self.training = training
        self.recipe = recipe
        self.accelerator = accelerator
        self.device: torch.device = accelerator.device
        samples = len(training.samples)
        self.plan = Plan.of(recipe.loop, samples, accelerator.num_processes)
        check_plan(self.plan, recipe, samples, validates=training.validate is not None)
        self.checkpoints = Checkpoints(run)
        self._generator = torch.Generator(self.device)
        self._state = self._build()
        optimizers, groups = self._state.optimizers, training.parameter_groups
        self.rates = LearningRates(optimizers, groups, self.plan, validates=training.validate is not None)
        self._rule = StepRule(training.phases, optimizers)
        self._updater = Updater(accelerator, self.net, optimizers)
        self._cached: CachedContrast | None = None
        if recipe.loop.cached_gradients and self.plan.accumulate > 1:
            assert not training.phases, "a contrast of several batches is of one phase"
            self._cached = CachedContrast(need_split(training.objective), self.net, self._seed)
        progress = self._resume()
        self.step = self.resumed_from = progress.step
        self.best = progress.best
        self.validated = progress.validated
        self.buffer = MetricBuffer(accelerator, progress.step, progress.pending)

    def _build(self) -> TrainingState:
        training, sharded = self.training, self.accelerator.distributed_type == DistributedType.FSDP
        place(training.model, self.recipe.runtime, self.device)
        net = Net(training.model, training.objective).to(self.device)
        optimizers = Optimizers(net, self.recipe.main, training.optimizers, training.parameter_groups)
        frozen = frozen_parameters(net)
        self._frozen_content = content_hash(frozen) if frozen else ""
        if sharded and len(optimizers) > 1:
            raise BadInputError(
                "FSDP trains with one optimiser, and this training has several", "launch DDP instead"
            )
        self.net, *_ = self.accelerator.prepare(net, *optimizers.values())
        self.net.train()
        owner: nn.Module = self.net if sharded else net
        averaged = self.recipe.ema.decay > 0 or self.recipe.average.first_epoch > 0
        average = WeightAverage(owner, exclude=(OBJECTIVE,)) if averaged else None
        return TrainingState(
            owner,
            optimizers,
            average,
            self.accelerator.scaler,
            sharded,
            frozen=frozenset(frozen),
            named=frozenset(
                name for name in frozen if training.description.is_stored_elsewhere(name.removeprefix(MODEL))
            ),
        )

    def _resume(self) -> Progress:
        found = self.checkpoints.read_last()
        if found is None:
            return Progress(step=0)
        progress, tensors = found
        if progress.processes != self.plan.processes:
            raise BadInputError(
                f"the run was begun by {progress.processes} processes, and {self.plan.processes} would take "
                "other batches",
                "launch as many as before, or choose another --out folder",
            )
        if progress.frozen and progress.frozen != self._frozen_content:
            message = "the frozen weights are not those that the run was begun with"
            raise CorruptArtifactError(message, "put those weights back, or choose another --out folder")
        self._state.restore(progress, tensors)
        self.rates.restore(progress.plateaus)
        if self.accelerator.is_main_process:
            self.checkpoints.point(progress)  # a kill between the two pointers leaves one behind
        return progress

    def advance(self, batches: Iterator[Batch]) -> None:
        """Does one step: every phase that is due, on the same batches.

        Raises:
            NotFiniteError: a loss is not finite; on a GPU this shows when the buffer is read.
        """
        self.rates.apply(self.step)
        phases = self._rule.of(self.step)
        prepared: Iterable[Batch] = self._prepared(islice(batches, self.plan.accumulate))
        if len(phases) > 1:
            prepared = list(prepared)
        scalars: dict[str, Tensor] = {}
        for phase in phases:
            scalars |= self._run_phase(phase, prepared)
        self.step += 1
        self._move_average()
        self.buffer.add(scalars)

    def _prepared(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Batches on the device, changed by the task's transform; each leaves the generators seeded."""
        for micro, loaded in enumerate(batches):
            batch: Batch = send_to_device(loaded, self.device, non_blocking=True)
            seed = self._seed(micro)
            transform = self.training.transform
            yield transform(batch, self._generator.manual_seed(seed)) if transform else batch

    def _seed(self, micro: int, *phase: str) -> int:
        seed = derive(self.recipe.seed, "step", self.step, micro, self.accelerator.process_index, *phase)
        seed_everything(seed, self.device)
        return seed

    def _run_phase(self, phase: Phase, batches: Iterable[Batch]) -> dict[str, Tensor]:
        """One update of the phase's optimisers; its scalars by their names in the log."""
        scalars: dict[str, Tensor] = {}
        if self._cached is not None:
            batches = list(batches)
            scalars = self._cached.contrast(batches)
        shared = self.plan.accumulate > 1 and self.plan.processes == 1  # DDP sums gradients batch by batch
        with (
            self._state.optimizers.only(phase.optimizers),
            self.training.shared_graph() if shared else nullcontext(),
        ):
            for micro, batch in enumerate(batches):
                if phase.name:
                    self._seed(micro, phase.name)
                last = micro == self.plan.accumulate - 1
                with nullcontext() if last else self.accelerator.no_sync(self.net):
                    if self._cached is None:
                        parts = self.net(partial(self._score, batch, phase))
                        loss = parts["loss"] / self.plan.accumulate
                    else:
                        parts, pulled = self._cached.rest(micro, batch)
                        loss = parts["loss"] / self.plan.accumulate + pulled
                    self.accelerator.backward(loss)
                for name, value in parts.items():
                    share = value.detach() / self.plan.accumulate
                    scalars[name] = scalars[name] + share if name in scalars else share
        scalars |= self._updater.update(phase.optimizers)
        return {phase.label(name): value for name, value in scalars.items()}

    def _score(self, batch: Batch, phase: Phase, model: nn.Module) -> dict[str, Tensor]:
        named = {"phase": phase.name} if phase.name else {}
        return dict(self.training.objective(model, batch, **named))

    def _move_average(self) -> None:
        ema, average = self.recipe.ema, self.recipe.average
        if ema.decay and not self._updater.skipped:
            self._state.move_average(1 - ema_decay(self._state.updates, ema.decay, ramp=ema.ramp))
        epoch, within = divmod(self.step, self.plan.steps_per_epoch)
        if (
            average.first_epoch
            and within == 0
            and average.first_epoch <= epoch <= (average.last_epoch or epoch)
        ):
            self._state.move_average(1 / (self._state.updates + 1))

    def validate(self) -> bool:
        """Scores the weights to use now; whether they are the best so far.

        Raises:
            NotFiniteError: the model's outputs are not finite.
        """
        self.buffer.read()
        seed_everything(derive(self.recipe.seed, "validate", self.step), self.device)
        self.net.eval()
        with self._state.averaged, torch.no_grad():
            metrics: dict[str, float] = self.net(self._call_validate)
        self.net.train()
        if self.plan.processes > 1:  # processes must not part ways over a rounding
            metrics = broadcast_object_list([metrics])[0]
        self.validated = metrics
        value, sign = metrics[self.training.metric], 1 if self.training.maximise else -1
        better = value == value and (self.best is None or sign * value > sign * self.best.value)
        self.rates.observe(value, maximise=self.training.maximise)
        if better:
            self.best = Best(step=self.step, value=value, metrics=metrics)
        return better

    def _call_validate(self, model: nn.Module) -> dict[str, float]:
        assert self.training.validate is not None, "the task can validate"
        try:
            metrics = self.training.validate(model, self.device)
        except FloatingPointError as error:
            raise NotFiniteError(f"{error} after step {self.step}", self.step) from error
        return {name: float(value) for name, value in metrics.items()}

    def checkpoint(self) -> None:
        """Writes the state after this step.

        Raises:
            NotFiniteError: a loss or a weight is not finite; such a state is never kept.
        """
        pending = self.buffer.read()
        self._state.need_finite(self.step)
        used = self._state.used_weights()
        tensors, numbers = self._state.tensors(used)
        if self.accelerator.is_main_process:
            scaler = self.accelerator.scaler
            progress = Progress(
                step=self.step,
                processes=self.plan.processes,
                updates=self._state.updates,
                best=self.best,
                validated=self.validated,
                pending=pending,
                plateaus=self.rates.state(),
                frozen=self._frozen_content,
                scaler=scaler.state_dict() if scaler else {},
                optimizer=numbers,
            )
            write_model = partial(
                self._write_model, only_model(used), self.training.description, self.validated
            )
            self.checkpoints.write(progress, tensors, write_model, keep=self.recipe.loop.keep)
        self.accelerator.wait_for_everyone()

    def publish(self, checkpoint: Path, metrics: Mapping[str, float], folder: Path) -> None:
        """Puts the model of a checkpoint into a folder, with its frozen weights where the task wants them."""
        source, description = checkpoint / "model", self.training.description
        if self.training.self_contained and description.frozen:
            whole = load_model(source).model.state_dict()
            self._write_model(whole, replace(description, frozen=()), metrics, folder)
        else:
            link_tree(source, folder)

    def _write_model(
        self,
        weights: Mapping[str, Tensor],
        description: ModelDescription,
        metrics: Mapping[str, float],
        folder: Path,
    ) -> None:
        last = self.checkpoints.last()
        kept = {name: last / "model" / name for name in description.assets} if last else {}
        linked = bool(kept) and all(path.exists() for path in kept.values())
        save_model(
            folder,
            weights,
            replace(description, assets=kept) if linked else description,
            recipe=self.recipe.model_dump(mode="json"),
            seed=self.recipe.seed,
            metrics=metrics,
            link_assets=linked,
        )

    @property
    def done(self) -> bool:
        """Whether the run has all its steps, or has waited long enough for a better validation."""
        if self.step >= self.plan.total:
            return True
        patience, every = self.recipe.loop.patience, self.plan.validate_every
        waited = self.step - self.best.step if self.best else 0
        return bool(patience and every) and self.step % every == 0 and waited >= patience * every
