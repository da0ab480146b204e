"""A trained classifier of texts: its prompts, its logits, and the threshold that its validation chose."""

from collections.abc import Sequence
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.files import read_json
from avtool.data.inputs.prompt import PromptInput, PromptSettings
from avtool.inference.prompts import Logits, score_prompts, softmax
from avtool.models.model_files import find_model

OUTCOME, THRESHOLD = "outcome.json", "threshold"
"""The record of a run, and the metric in it: least probability with 90 % precision in validation."""


class TextClassifier:
    """A model of prompts, loaded: texts to logits.

    Args:
        model: a model, or its run.
        device: auto, cpu, cuda or cuda:1.

    Attributes:
        labels: the classes.
        prompt: how texts become prompts.

    Raises:
        BadInputError: the model takes no prompts.
        CorruptArtifactError: it is damaged.
    """

    def __init__(self, model: Path, device: str = "auto") -> None:
        import torch

        from avtool.data.inputs.spec import read_inputs
        from avtool.models.load import load_model
        from avtool.models.runtime import choose_device

        folder = find_model(model)
        loaded = load_model(folder)
        prompt = read_inputs(folder, loaded.preprocess).get(PromptInput)
        if prompt is None:
            raise BadInputError(
                f"`{model}` classifies no texts", "give a model of `avtool prompt-tune lm-bff`"
            )
        self.prompt = prompt
        self.labels: tuple[str, ...] = tuple(loaded.preprocess["labels"])
        self._device = torch.device(choose_device(device).value)
        self._model = loaded.model.to(self._device)

    @property
    def settings(self) -> PromptSettings:
        """Template, label words and columns."""
        return self.prompt.settings

    def __call__(self, texts: Sequence[Sequence[str]]) -> Logits:
        """The logits (N, classes) of texts; equal texts are computed once."""
        unique = list(dict.fromkeys(tuple(one) for one in texts))
        logits = score_prompts(self._model, self.prompt, self.prompt.prompts(unique), self._device)
        places = {one: place for place, one in enumerate(unique)}
        found: Logits = logits[[places[tuple(one)] for one in texts]]
        return found

    def guesses(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """The likeliest class of each text, and its probability.

        Raises:
            BadInputError: the model takes two texts.
        """
        if len(self.settings.texts) > 1:
            raise BadInputError("the model takes two texts, and a cue is one", "give a model of one text")
        shares = softmax(self([(text,) for text in texts]))
        best = shares.argmax(axis=1)
        return [(self.labels[place], float(row[place])) for place, row in zip(best, shares, strict=True)]


def validated_threshold(model: Path) -> float | None:
    """The threshold in the record of a model's run, above 1 where no guess was sure enough in validation.

    None for a model without its run.
    """
    found = find_model(model)
    for folder in (found, found.parent):
        if (folder / OUTCOME).is_file():
            return float(read_json(folder / OUTCOME).get("metrics", {}).get(THRESHOLD, float("inf")))
    return None
