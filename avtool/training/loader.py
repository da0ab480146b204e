"""Batches as a function of the step: whoever begins at step 500 gets what the undisturbed run got there."""

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from avtool.core.errors import AvtoolError, BadInputError
from avtool.data.samplers import Order
from avtool.models.seeds import derive, seed_everything
from avtool.training.plan import Plan
from avtool.training.task import Batch, Samples, Training

Key = tuple[int, int]
"""A sample's index and the epoch in which it is drawn."""


class StepBatches(Sampler[list[Key]]):
    """The batches of one process from a step to the run's end, epoch after epoch without a pause between.

    Args:
        order: the samples of an epoch.
        plan: the run's numbers.
        process: this process's index.
        first_step: steps done already.
    """

    def __init__(self, order: Order, plan: Plan, process: int, first_step: int) -> None:
        self.order = order
        self.plan = plan
        self.process = process
        self.first_step = first_step

    def __len__(self) -> int:
        return (self.plan.total - self.first_step) * self.plan.accumulate

    def __iter__(self) -> Iterator[list[Key]]:
        plan = self.plan
        together = plan.batch_size * plan.processes
        epoch, within = divmod(self.first_step * plan.accumulate, plan.steps_per_epoch * plan.accumulate)
        order = self.order(epoch)
        for _ in range(len(self)):
            if within * together == len(order):
                epoch, within = epoch + 1, 0
                order = self.order(epoch)
            begin = within * together + self.process * plan.batch_size
            yield [(int(index), epoch) for index in order[begin : begin + plan.batch_size]]
            within += 1


def samples_of_step(order: Order, plan: Plan, step: int) -> list[int]:
    """The samples that all processes together take in a step, counted from 1."""
    epoch, within = divmod(step - 1, plan.steps_per_epoch)
    begin = within * plan.samples_per_step
    return [int(index) for index in order(epoch)[begin : begin + plan.samples_per_step]]


class SeededSamples(Dataset[Any]):
    """Samples whose every random choice follows from (seed, epoch, index), whichever process loads them.

    Args:
        data: samples by index; its `set_epoch`, where it has one, gets the epoch.
        seed: of the run.
    """

    def __init__(self, data: Samples, seed: int) -> None:
        self.data = data
        self.seed = seed
        self.set_data_epoch = _epoch_setter(data)

    def __getitem__(self, key: Key) -> Any:
        index, epoch = key
        seed_everything(derive(self.seed, "clip", epoch, index))
        if self.set_data_epoch:
            self.set_data_epoch(epoch)
        try:
            return self.data[index]
        except AvtoolError as error:
            return error  # raised across processes, it would arrive as the text of a traceback


def _epoch_setter(data: Any) -> Callable[[int], None] | None:
    """The data's `set_epoch`, or that of the data inside a wrapper such as `torch.utils.data.Subset`."""
    while data is not None:
        setter: Callable[[int], None] | None = getattr(data, "set_epoch", None)
        if setter:
            return setter
        data = getattr(data, "dataset", None)
    return None


class _Collate:
    def __init__(self, collate: Callable[[list[Any]], Batch]) -> None:
        self.collate = collate

    def __call__(self, samples: list[Any]) -> Batch | AvtoolError:
        error = next((sample for sample in samples if isinstance(sample, AvtoolError)), None)
        return error or self.collate(samples)


def make_loader(
    training: Training,
    order: Order,
    plan: Plan,
    *,
    seed: int,
    process: int,
    first_step: int,
    workers: int,
    pin_memory: bool,
) -> Generator[Batch]:
    """The batches of one process from `first_step` on.

    One loader serves the whole run, so its worker processes start once and fetch ahead across epochs.
    """
    loader = DataLoader(
        SeededSamples(training.samples, seed),
        batch_sampler=StepBatches(order, plan, process, first_step),
        collate_fn=_Collate(training.collate),
        num_workers=workers,
        pin_memory=pin_memory,
        worker_init_fn=_heed_only_the_parent,
        generator=torch.Generator().manual_seed(derive(seed, "workers")),
    )
    return _batches(iter(loader))


def _batches(loaded: Iterator[Batch | AvtoolError]) -> Generator[Batch]:
    while True:
        try:
            batch = next(loaded)
        except StopIteration:
            return
        except RuntimeError as error:
            if "DataLoader worker" not in str(error) or "Caught" in str(error):
                raise
            message = "a loader process was killed, most likely for lack of memory"
            hint = "lower --workers or --batch-size, and run the same command again to resume"
            raise BadInputError(message, hint) from error
        if isinstance(batch, AvtoolError):
            raise batch
        yield batch


def _heed_only_the_parent(worker: int) -> None:  # noqa: ARG001 - the loader passes it
    """Ctrl-C and a scheduler's SIGTERM reach a whole job, but the parent needs batches to finish its step."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=_exit_at_the_parents_signal, daemon=True).start()


def _exit_at_the_parents_signal() -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
        pass
    os._exit(0)
