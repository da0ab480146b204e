"""A masked LM as a classifier of prompts: its LM head at the mask and the label words alone (LM-BFF §4)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call

from avtool.core.errors import MissingError
from avtool.core.foreign import read_by_others
from avtool.models.layers.output import ClassifierOutput
from avtool.models.layers.settings import require

Head = Literal["words", "classifier"]


@dataclass(frozen=True)
class MaskedLMSettings:
    """Settings of a masked LM.

    Attributes:
        architecture: `config.json` of transformers.
        words: the tokens of each class's label words; several are averaged.
        head: `words`, the LM head at the mask; or `classifier`, new layers over CLS (the baseline).
    """

    architecture: Mapping[str, Any] = field(default_factory=dict)
    words: tuple[tuple[int, ...], ...] = ((4,), (5,))
    head: Head = "words"


class MaskedLM(nn.Module):
    """Logits of classes from prompts of shape (B, S, T), averaged over the S sets of demonstrations.

    Args:
        settings: architecture, label words and head.

    Raises:
        BadInputError: the architecture is no masked LM, or a label word is outside of its vocabulary.
        MissingError: transformers is not installed.
    """

    columns: Tensor
    inputs = ("prompt", "prompt_mask", "prompt_place", "prompt_segments")

    def __init__(self, settings: MaskedLMSettings) -> None:
        super().__init__()
        self.settings = settings
        self.host = _host_of(settings.architecture)
        size = int(self.host.config.vocab_size)
        tokens = [token for tokens in settings.words for token in tokens]
        require(
            len(settings.words) >= 2 and bool(tokens) and all(0 <= token < size for token in tokens),
            f"label words {settings.words} are no tokens of a vocabulary of {size}, for two classes or more",
        )
        self.num_segments = int(getattr(self.host.config, "type_vocab_size", 0) or 0)
        self.register_buffer("columns", torch.tensor(tokens), persistent=False)
        if settings.head == "classifier":
            width = int(self.host.config.hidden_size)
            dropout = float(getattr(self.host.config, "hidden_dropout_prob", 0.1))
            self.head: nn.Module | None = nn.Sequential(
                nn.Dropout(dropout), nn.Linear(width, width), nn.Tanh(), nn.Dropout(dropout),
                nn.Linear(width, len(settings.words)),
            )  # fmt: skip
        else:
            self.head = None

    def forward(
        self, prompt: Tensor, prompt_mask: Tensor, prompt_place: Tensor, prompt_segments: Tensor
    ) -> ClassifierOutput:
        """Logits (B, classes).

        Args:
            prompt: (B, S, T) tokens.
            prompt_mask: (B, S, T), True where there is one.
            prompt_place: (B, S) where the mask is; of a classifier, where CLS is.
            prompt_segments: (B, S, T), ignored by hosts without embeddings of segments.
        """
        ids, mask, place, segments = (
            value.flatten(0, 1) for value in (prompt, prompt_mask, prompt_place, prompt_segments)
        )
        if self.head is not None:
            states = self._base()(**self._arguments(ids, mask, segments)).last_hidden_state
            logits = self.head(states[torch.arange(len(states), device=states.device), place])
        else:
            logits = self._mean_words(self.at_mask(ids, mask, place, segments, self.columns))
        return ClassifierOutput(logits.unflatten(0, prompt.shape[:2]).mean(dim=1), {})

    def at_mask(
        self, prompt: Tensor, mask: Tensor, place: Tensor, segments: Tensor, columns: Tensor | None = None
    ) -> Tensor:
        """The LM head's logits (N, columns) at the masks alone; None for the whole vocabulary.

        The head runs on N rows instead of N times T, and its decoder on the given tokens' rows: for a large
        vocabulary that is the largest activation otherwise.

        Args:
            prompt: (N, T) tokens.
            mask: (N, T).
            place: (N,).
            segments: (N, T).
            columns: tokens.
        """
        arguments = self._arguments(prompt, mask, segments)
        kept = self._base().register_forward_hook(_keep_rows(place))
        try:
            decoder = self._decoder() if columns is not None else {}
            chosen = {name: value[columns] for name, value in decoder.items()}
            output = functional_call(self.host, chosen, kwargs=arguments, tie_weights=False)
        finally:
            kept.remove()
        logits: Tensor = output.logits[:, 0]
        return logits if chosen or columns is None else logits[:, columns]

    def _arguments(self, prompt: Tensor, mask: Tensor, segments: Tensor) -> dict[str, Tensor]:
        found = {"input_ids": prompt, "attention_mask": mask.long()}
        return found | ({"token_type_ids": segments} if self.num_segments > 1 else {})

    def _base(self) -> nn.Module:
        base: nn.Module = getattr(self.host, self.host.base_model_prefix)
        return base

    def _decoder(self) -> dict[str, Tensor]:
        """The parameters of the output embeddings by their names, or none where they are no plain layer."""
        layer = self.host.get_output_embeddings()
        if not isinstance(layer, nn.Linear):
            return {}
        prefix = next(name for name, module in self.host.named_modules() if module is layer)
        return {f"{prefix}.{name}": value for name, value in layer.named_parameters()}

    def _mean_words(self, logits: Tensor) -> Tensor:
        sizes = [len(words) for words in self.settings.words]
        if max(sizes) == 1:
            return logits
        return torch.stack([part.mean(dim=1) for part in torch.split(logits, sizes, dim=1)], dim=1)


def _keep_rows(place: Tensor) -> Callable[..., Any]:
    def keep(module: nn.Module, given: Any, output: Any) -> Any:  # noqa: ARG001 - as hooks are called
        states = output.last_hidden_state
        output.last_hidden_state = states[torch.arange(len(states), device=states.device), place][:, None]
        return output

    return keep


def _host_of(architecture: Mapping[str, Any]) -> Any:
    """A masked LM with random weights.

    Raises:
        BadInputError: transformers has no masked LM of this architecture.
        MissingError: transformers is not installed.
    """
    try:
        from transformers import AutoConfig, AutoModelForMaskedLM
    except ImportError as error:
        raise MissingError("masked LMs need transformers", "pip install 'avtool[hub]'") from error
    values = {key: _lists(value) for key, value in architecture.items()}
    kind = values.pop("model_type", "")
    auto: Any = AutoModelForMaskedLM
    hint = "give a folder of AutoModelForMaskedLM"
    with read_by_others(f"`{kind}` is no masked LM of transformers", hint):
        config = AutoConfig.for_model(kind, **values)
        return auto.from_config(config, dtype=torch.float32)


def _lists(value: Any) -> Any:
    """Tuples as the lists that `config.json` has."""
    if isinstance(value, Mapping):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, tuple | list) else value


def settings_for(config: Mapping[str, Any], words: Sequence[Sequence[int]], head: Head) -> dict[str, Any]:
    """The arguments that build a folder's network: its configuration without what concerns files."""
    dropped = {"architectures", "dtype", "torch_dtype", "transformers_version", "_name_or_path"}
    architecture = {key: value for key, value in config.items() if key not in dropped}
    return {"architecture": architecture, "words": [list(tokens) for tokens in words], "head": head}
