"""Scores of a trained model and of the baselines on labelled examples."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from avtool.data.few_shot.examples import Example
from avtool.data.few_shot.text_task import TextTask
from avtool.data.inputs.prompt import PromptInput
from avtool.evaluation.metrics.text import class_metrics, value_metrics
from avtool.evaluation.report_figures import class_figure
from avtool.evaluation.text_baselines import MAJORITY, TF_IDF, majority, tf_idf, tf_idf_values
from avtool.inference.prompts import score_prompts
from avtool.tasks.lm_bff.samples import metrics_of
from avtool.training.report import Section

if TYPE_CHECKING:
    import torch
    from torch import nn

Metrics = dict[str, float]


def score_examples(
    model: "nn.Module", prompt: PromptInput, examples: Sequence[Example], device: "torch.device"
) -> Metrics:
    """The metrics of a model on labelled examples.

    Args:
        model: in evaluation mode, on the device.
        prompt: makes the prompts.
        examples: to score.
        device: where the model is.
    """
    logits = score_prompts(model, prompt, prompt.prompts([one.texts for one in examples]), device)
    return metrics_of(logits, np.array([one.target for one in examples]), prompt.settings.bounds)


def baseline_metrics(
    train: Sequence[Example], tested: Sequence[Example], task: TextTask
) -> dict[str, Metrics]:
    """The metrics of the majority, and of TF-IDF with a linear model, on the same training examples."""
    texts, other = ([" ".join(one.texts) for one in part] for part in (train, tested))
    targets = np.array([one.target for one in tested])
    if task.bounds is not None:
        values = [one.target for one in train]
        constant = np.full(len(tested), float(np.mean(values)))
        return {
            MAJORITY: value_metrics(constant, targets),
            TF_IDF: value_metrics(tf_idf_values(texts, values, other), targets),
        }
    classes, count = [int(one.target) for one in train], len(task.words)
    return {
        MAJORITY: class_metrics(majority(classes, count, len(tested)), targets),
        TF_IDF: class_metrics(tf_idf(texts, classes, other, count), targets),
    }


def section_of(part: str, key: str, scores: Mapping[str, Metrics]) -> Section:
    """The part of a run's page that compares a model with the baselines."""
    rows = [(name, values[key]) for name, values in scores.items()]
    words = "test" if part == "test" else "validation"
    return Section("Beside the baselines", f"{key} on the {words} examples.", [("", class_figure(rows))])
