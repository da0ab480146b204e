"""Logits of many texts by a model of prompts, the short ones together."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avtool.data.few_shot.prompts import Prompt
from avtool.data.inputs.prompt import PromptInput
from avtool.inference.predictor import logits_of

if TYPE_CHECKING:
    import torch
    from torch import nn

_PROMPTS = 128
"""Prompts at a time."""
Logits = NDArray[np.float32]


def score_prompts(
    model: "nn.Module", prompt: PromptInput, windows: Sequence[Sequence[Prompt]], device: "torch.device"
) -> Logits:
    """The logits (N, classes) of N examples, each in its sets of demonstrations.

    Args:
        model: in evaluation mode, on the device.
        prompt: pads the batches.
        windows: the prompts of each example.
        device: where the model is.
    """
    import torch

    order = sorted(range(len(windows)), key=lambda place: max(len(one.ids) for one in windows[place]))
    size = max(1, _PROMPTS // max(1, len(windows[0]))) if windows else 1
    found: list[Logits] = []
    with torch.no_grad():
        for first in range(0, len(order), size):
            places = order[first : first + size]
            batch = prompt.batch([windows[place] for place in places], device)
            found.append(logits_of(model, batch).float().cpu().numpy())
    logits = np.empty((len(order), found[0].shape[1] if found else 0), np.float32)
    logits[order] = np.concatenate(found) if found else logits
    return logits


def softmax(logits: Logits) -> NDArray[np.float64]:
    """Logits (N, classes) as probabilities."""
    raised = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return shares


def as_values(logits: Logits, bounds: tuple[float, float]) -> NDArray[np.float64]:
    """The values of a regression (N,): low + (high − low) · p(high)."""
    low, high = bounds
    values: NDArray[np.float64] = low + (high - low) * softmax(logits)[:, 1]
    return values
