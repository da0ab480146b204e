"""Training samples of LM-BFF, with fresh demonstrations at each access, and its validation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from avtool.data.few_shot.examples import Example
from avtool.data.few_shot.prompts import Prompt
from avtool.data.inputs.prompt import PromptInput
from avtool.evaluation.metrics.text import NEVER, class_metrics, precision_threshold, value_metrics
from avtool.inference.prompts import as_values, score_prompts, softmax

Sample = tuple[list[Prompt], float]
CPU = torch.device("cpu")


class PromptSamples(Dataset[Sample]):
    """Prompts of examples with their targets; demonstrations are a function of (seed, epoch, index).

    Args:
        examples: the training examples, in the order of the input's pool.
        prompt: makes the prompts.
        seed: of the run.
    """

    def __init__(self, examples: Sequence[Example], prompt: PromptInput, seed: int) -> None:
        self._examples = examples
        self._prompt = prompt
        self._seed = seed
        self._epoch = 0
        pool = prompt.pool
        self._vectors = None if pool is None else pool.vectors
        self._fixed = prompt.prompts([one.texts for one in examples]) if pool is None else None

    def set_epoch(self, epoch: int) -> None:
        """Lets the next samples have the demonstrations of an epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> Sample:
        example = self._examples[index]
        if self._fixed is not None:
            return self._fixed[index], example.target
        rng = np.random.default_rng([self._seed, self._epoch, index])
        vector = None if self._vectors is None else self._vectors[index]
        return [self._prompt.draw(example.texts, rng, vector, own=index)], example.target


@dataclass(frozen=True)
class CollatePrompts:
    """Samples to a batch: the model's arguments and `target` (B,), padded to the longest prompt."""

    prompt: PromptInput

    def __call__(self, samples: Sequence[Sample]) -> dict[str, Tensor]:
        batch = self.prompt.batch([prompts for prompts, _ in samples], CPU)
        return {**batch, "target": torch.tensor([target for _, target in samples], dtype=torch.float32)}


@dataclass(frozen=True)
class PromptValidation:
    """Scores validation examples; of classes with the threshold of 90 % precision, where one has it.

    Attributes:
        prompt: pads the batches.
        windows: the prompts of each example.
        targets: (N,) of each example.
        loss: of logits and targets.
    """

    prompt: PromptInput
    windows: Sequence[Sequence[Prompt]]
    targets: np.ndarray[Any, Any]
    loss: Callable[[Tensor, Tensor], Tensor]

    def __call__(self, model: nn.Module, device: torch.device) -> Mapping[str, float]:
        logits = score_prompts(model, self.prompt, self.windows, device)
        if not np.isfinite(logits).all():
            raise FloatingPointError("the logits of the validation examples are not finite")
        loss = self.loss(torch.from_numpy(logits), torch.from_numpy(self.targets).float())
        bounds = self.prompt.settings.bounds
        found = {**metrics_of(logits, self.targets, bounds), "loss": float(loss)}
        if bounds is None and (least := precision_threshold(softmax(logits), self.targets)) < NEVER:
            found["threshold"] = least
        return found


def metrics_of(
    logits: np.ndarray[Any, Any], targets: np.ndarray[Any, Any], bounds: tuple[float, float] | None
) -> dict[str, float]:
    """The metrics of logits, of classes or of a regression."""
    if bounds is not None:
        return value_metrics(as_values(logits, bounds), targets)
    return class_metrics(logits, targets)
