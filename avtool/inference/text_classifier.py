"""A trained classifier of texts: its prompts, its logits, and the threshold that its validation chose."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from avtool.core.errors import BadInputError
from avtool.core.files import read_json
from avtool.data.inputs.prompt import PromptInput, PromptSettings
from avtool.inference.prompts import Logits, score_prompts, softmax
from avtool.models.model_files import find_model

OUTCOME, THRESHOLD = "outcome.json", "threshold"
"""The record of a run, and the metric in it: least probability with 90 % precision in validation."""


class TextPrediction(NamedTuple):
    """The likeliest class of a text, and its probability."""

    label: str
    probability: float


class TextClassifier:
    """A model of `prompt-tune lm-bff` applied to texts: what `avtool.load_text_model` returns.

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

    def predict(self, texts: Sequence[str | Sequence[str]]) -> list[TextPrediction]:
        """The likeliest class of each text; of pairs, where the model takes two texts.

        Raises:
            BadInputError: the model takes another number of texts.
        """
        rows = [(text,) if isinstance(text, str) else tuple(text) for text in texts]
        count = len(self.settings.texts)
        if wrong := next((row for row in rows if len(row) != count), None):
            raise BadInputError(
                f"the model takes {count} texts, and {wrong!r:.60} are {len(wrong)}", "give a text, or a pair"
            )
        if not rows:
            return []
        shares = softmax(self(rows))
        return [TextPrediction(self.labels[row.argmax()], float(row.max())) for row in shares]


def validated_threshold(model: Path) -> float | None:
    """The threshold in the record of a model's run, above 1 where no guess was sure enough in validation.

    None for a model without its run.
    """
    found = find_model(model)
    for folder in (found, found.parent):
        if (folder / OUTCOME).is_file():
            return float(read_json(folder / OUTCOME).get("metrics", {}).get(THRESHOLD, float("inf")))
    return None
