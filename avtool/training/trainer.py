"""One training: what happens in a step, and what may happen after it."""

from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from accelerate.utils import (  # type: ignore[import-untyped]
    DistributedType,
    broadcast_object_list,
    send_to_device,
)
from torch import Tensor, nn

from avtool.core.errors import BadInputError
from avtool.models.model_folder import save_model
from avtool.models.runtime import place
from avtool.models.seeds import derive, seed_everything
from avtool.training.live_state import LiveState
from avtool.training.metric_buffer import NotFiniteError, Window
from avtool.training.named_tensors import whole
from avtool.training.net import OBJECTIVE, Net, only_model
from avtool.training.optimizers import make_optimizer, set_rate
from avtool.training.plan import Plan, check_plan
from avtool.training.recipe import TrainRecipe
from avtool.training.schedules import make_schedule
from avtool.training.state import Best, Checkpoints, Progress
from avtool.training.task import Batch, Training
from avtool.training.weight_average import WeightAverage, ema_decay


class Trainer:
    """The live objects of a run. Every process has one, and all of them call the same methods together.

    Args:
        task: what is trained.
        recipe: how.
        run: the run's folder; where it holds a checkpoint, the run goes on from there.
        accelerator: the processes and their device.

    Attributes:
        plan: the run in numbers.
        step: steps done.
        window: scalars since the last line of the log.
        best: the best validation so far.
        validated: the last validation.
        checkpoints: what is on disk.
    """

    def __init__(self, task: Training, recipe: TrainRecipe, run: Path, accelerator: Accelerator) -> None:
        self.task = task
        self.recipe = recipe
        self.accelerator = accelerator
        self.device: torch.device = accelerator.device
        self.plan = Plan.of(recipe.loop, len(task.samples), accelerator.num_processes)  # type: ignore[arg-type]
        check_plan(self.plan, recipe, validates=task.validate is not None)
        self.checkpoints = Checkpoints(run)
        self._factor = make_schedule(recipe.schedule, self.plan.total, self.plan.steps_per_epoch)
        self._generator = torch.Generator(self.device)
        self._state = self._build()
        progress = self._resume()
        self.step = self.resumed_from = progress.step
        self.best = progress.best
        self.validated = progress.validated
        self.window = Window(accelerator, progress.step, progress.pending)

    def _build(self) -> LiveState:
        place(self.task.model, self.recipe.runtime, self.device)
        net = Net(self.task.model, self.task.objective).to(self.device)
        self.net, self._optimizer = self.accelerator.prepare(net, make_optimizer(net, self.recipe.optimizer))
        self.net.train()
        sharded = self.accelerator.distributed_type == DistributedType.FSDP
        owner: nn.Module = self.net if sharded else net
        averaged = self.recipe.ema.decay > 0 or self.recipe.average.first_epoch > 0
        average = WeightAverage(owner, leave_out=(OBJECTIVE,)) if averaged else None
        return LiveState(owner, self._optimizer.optimizer, average, self.accelerator.scaler, sharded)

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
        self._state.restore(progress, tensors)
        if self.accelerator.is_main_process:
            self.checkpoints.point(progress)  # a kill between the two pointers leaves one behind
        return progress

    def advance(self, batches: Iterator[Batch]) -> None:
        """Does one optimiser step.

        Raises:
            NotFiniteError: the loss is not finite; on a GPU this shows when somebody looks.
        """
        set_rate(self._state.optimizer, self.rate)
        scalars: dict[str, Tensor] = {}
        for micro in range(self.plan.accumulate):
            batch = self._fetch(batches, micro)
            last = micro == self.plan.accumulate - 1
            with nullcontext() if last else self.accelerator.no_sync(self.net):
                parts = self.net(partial(self._score, batch))
                self.accelerator.backward(parts["loss"] / self.plan.accumulate)
            for name, value in parts.items():
                share = value.detach() / self.plan.accumulate
                scalars[name] = scalars[name] + share if name in scalars else share
        if self.recipe.optimizer.clip_norm:
            scalars["grad_norm"] = self._clip()
        self._update()
        self.step += 1
        self._move_average()
        self.window.add(scalars)

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return self.recipe.optimizer.peak_rate(self.plan.clips_per_step) * self._factor(self.step)

    def _fetch(self, batches: Iterator[Batch], micro: int) -> Batch:
        batch: Batch = send_to_device(next(batches), self.device, non_blocking=True)
        seed = derive(self.recipe.seed, "step", self.step, micro, self.accelerator.process_index)
        seed_everything(seed, self.device)
        return self.task.transform(batch, self._generator.manual_seed(seed)) if self.task.transform else batch

    def _score(self, batch: Batch, model: nn.Module) -> dict[str, Tensor]:
        return dict(self.task.objective(model, batch))

    def _clip(self) -> Tensor:
        norm = self.accelerator.clip_grad_norm_(self.net.parameters(), self.recipe.optimizer.clip_norm)
        return whole(norm)

    def _update(self) -> None:
        # Accelerate's wrapper adds the fp16 loss scale, or else 0.3 ms of looking for optional libraries
        optimizer = self._optimizer if self.accelerator.scaler else self._state.optimizer
        optimizer.step()
        self._state.optimizer.zero_grad()

    def _move_average(self) -> None:
        ema, average = self.recipe.ema, self.recipe.average
        if ema.decay and not self.accelerator.optimizer_step_was_skipped:
            self._state.move_average(1 - ema_decay(self._state.updates, ema.decay, ramp=ema.ramp))
        epoch, within = divmod(self.step, self.plan.steps_per_epoch)
        if (
            average.first_epoch
            and within == 0
            and average.first_epoch <= epoch <= (average.last_epoch or epoch)
        ):
            self._state.move_average(1 / (self._state.updates + 1))

    def validate(self) -> bool:
        """Scores the weights that one would use now; whether they are the best so far.

        Raises:
            NotFiniteError: the model's answers are not finite.
        """
        self.window.look()
        seed_everything(derive(self.recipe.seed, "validate", self.step), self.device)
        self.net.eval()
        with self._state.lent, torch.no_grad():
            metrics: dict[str, float] = self.net(self._call_validate)
        self.net.train()
        if self.plan.processes > 1:  # processes must not part ways over a rounding
            metrics = broadcast_object_list([metrics])[0]
        self.validated = metrics
        value, sign = metrics[self.task.metric], 1 if self.task.maximise else -1
        better = value == value and (self.best is None or sign * value > sign * self.best.value)
        if better:
            self.best = Best(step=self.step, value=value, metrics=metrics)
        return better

    def _call_validate(self, model: nn.Module) -> dict[str, float]:
        assert self.task.validate is not None, "the task can validate"
        try:
            metrics = self.task.validate(model, self.device)
        except FloatingPointError as error:
            raise NotFiniteError(f"{error} after step {self.step}", self.step) from error
        return {name: float(value) for name, value in metrics.items()}

    def checkpoint(self) -> None:
        """Writes the state after this step.

        Raises:
            NotFiniteError: a loss or a weight is not finite; such a state is never kept.
        """
        pending = self.window.look()
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
                scaler=scaler.state_dict() if scaler else {},
                optimizer=numbers,
            )
            write_model = partial(self._write_model, used)
            self.checkpoints.write(progress, tensors, write_model, keep=self.recipe.loop.keep)
        self.accelerator.wait_for_everyone()

    def _write_model(self, used: dict[str, Tensor], folder: Path) -> None:
        save_model(
            folder,
            only_model(used),
            self.task.description,
            recipe=self.recipe.model_dump(mode="json"),
            seed=self.recipe.seed,
            metrics=self.validated,
        )

    @property
    def done(self) -> bool:
        """Whether the run has all its steps, or has waited long enough for a better validation."""
        if self.step >= self.plan.total:
            return True
        patience, every = self.recipe.loop.patience, self.plan.validate_every
        waited = self.step - self.best.step if self.best else 0
        return bool(patience and every) and self.step % every == 0 and waited >= patience * every
