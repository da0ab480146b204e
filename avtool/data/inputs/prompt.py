"""Prompts as an input: texts in a template with a mask, with demonstrations behind them, as token numbers."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import Field

from avtool.core.errors import BadInputError
from avtool.core.recipe import Recipe, option, validate
from avtool.data.few_shot.demonstrations import DemoMode, DemonstrationPool, SentenceEmbedder, Vectors
from avtool.data.few_shot.label_words import label_word_ids
from avtool.data.few_shot.prompts import Prompt, PromptEncoder, PromptLimits
from avtool.data.few_shot.template import parse_template
from avtool.data.few_shot.tokenizer import PromptTokenizer
from avtool.data.inputs.text import TOKENIZER, WholeTextInput
from avtool.data.items import Item
from avtool.data.manifest import Manifest

if TYPE_CHECKING:
    import torch
    from torch import Tensor

EMBEDDER = "embedder"
"""The folder of the sentence encoder that filters demonstrations, within the model's."""


class PromptSettings(Recipe):
    """How texts become prompts."""

    texts: tuple[str, ...] = Field(description="Columns of one or two texts.", min_length=1, max_length=2)
    label: str = option("label", "Column of the label.")
    words: dict[str, tuple[str, ...]] = Field(description="Label words of each class.", min_length=2)
    template: str = Field(description="Template of the prompt.")
    mask: bool = option(True, "Whether the template has a mask.")
    max_tokens: int = option(128, "Tokens of a prompt.", ge=8)
    first_limit: int | None = option(None, "Tokens of the first text.", ge=1)
    other_limit: int | None = option(None, "Tokens of every other text.", ge=1)
    segments: int = option(1, "Kinds of segments that the model has embeddings for.", ge=1)
    bounds: tuple[float, float] | None = option(None, "Lowest and highest value of a regression.")
    title: str = option("", "Name of the task.")
    demos: DemoMode = option("none", "Demonstrations behind the query.")
    sets: int = option(1, "Sets of demonstrations whose logits are averaged.", ge=1)
    keep: float = option(0.5, "Share of each class's examples that filtering keeps.", gt=0, le=1)
    pool: tuple[tuple[tuple[str, ...], int], ...] = option(
        (), "Texts and class of the examples that demonstrations are drawn from."
    )


@dataclass(frozen=True)
class PromptInput(WholeTextInput):
    """Prompts (S, T) int64: S sets of demonstrations, or 1 without any; T tokens, padded within a batch.

    Beside `<name>` stand `<name>_mask`, True where there is a token, `<name>_segments`, and `<name>_place`
    (S,), where the mask is.

    Attributes:
        settings: template, label words and lengths.
        folder: the tokenizer's files.
        embedder: the sentence encoder that filters demonstrations.
        name: of the model's argument.
    """

    settings: PromptSettings
    folder: Path
    embedder: Path | None = None
    name: str = "prompt"

    @cached_property
    def tokenizer(self) -> PromptTokenizer:
        """The tokenizer, loaded on first use."""
        return PromptTokenizer(self.folder)

    @cached_property
    def encoder(self) -> PromptEncoder:
        """The filled template as tokens.

        Raises:
            BadInputError: template, label words and tokenizer do not fit together.
        """
        settings = self.settings
        template = parse_template(
            settings.template, len(settings.texts), len(settings.words), mask=settings.mask
        )
        first = (
            [ids[0] for ids in label_word_ids(self.tokenizer, settings.words, mean=True)]
            if settings.mask
            else []
        )
        limits = PromptLimits(
            settings.max_tokens, settings.first_limit, settings.other_limit, settings.segments
        )
        return PromptEncoder(self.tokenizer, template, first, limits)

    @cached_property
    def pool(self) -> DemonstrationPool | None:
        """The examples that demonstrations are drawn from; None without any."""
        settings = self.settings
        if settings.demos == "none" or not settings.pool:
            return None
        texts = [texts for texts, _ in settings.pool]
        vectors = self.embed(texts) if settings.demos == "filtered" else None
        classes = [label for _, label in settings.pool]
        return DemonstrationPool(texts, classes, len(settings.words), vectors, settings.keep)

    @cached_property
    def _embed(self) -> SentenceEmbedder:
        assert self.embedder is not None, "filtered demonstrations come with their embedder"
        return SentenceEmbedder(self.embedder)

    def embed(self, texts: Sequence[Sequence[str]]) -> Vectors:
        """(N, D) unit sentence embeddings of examples."""
        return self._embed(texts)

    def draw(
        self, texts: Sequence[str], rng: np.random.Generator, vector: Vectors | None, own: int | None = None
    ) -> Prompt:
        """One prompt with fresh demonstrations; `own` is the place of an example that is in the pool."""
        pool = self.pool
        return self.encoder.encode(texts, pool.draw(rng, vector, own) if pool else ())

    def prompts(self, texts: Sequence[Sequence[str]]) -> list[list[Prompt]]:
        """The prompts of examples to predict: equal texts always get equal demonstrations."""
        pool = self.pool
        if pool is None:
            return [[self.encoder.encode(one)] for one in texts]
        vectors = self.embed(texts) if pool.vectors is not None else [None] * len(texts)
        found = []
        for one, vector in zip(texts, vectors, strict=True):
            rng = np.random.default_rng(zlib.crc32("\0".join(one).encode()))
            found.append([self.draw(one, rng, vector) for _ in range(self.settings.sets)])
        return found

    def sample(
        self,
        clips: Manifest,
        index: int,
        place: float,  # noqa: ARG002 - the whole text
        rng: np.random.Generator | None,  # noqa: ARG002 - texts are not augmented
    ) -> "dict[str, Tensor]":
        """The prompts of a clip's text."""
        return self._alone(self.prompts([(clips[index].text,)]))

    def absent(self) -> "dict[str, Tensor]":
        """The prompt of an empty text."""
        return self._alone(self.prompts([("",) * len(self.settings.texts)]))

    def window(self, item: Item, start: float, end: float) -> list[Prompt]:  # noqa: ARG002
        """The prompts of a whole text.

        Raises:
            BadInputError: the file is no text, or the task has two.
        """
        if len(self.settings.texts) > 1:
            raise BadInputError(f"`{item.path}` is one text, and the model takes two", "give a CSV file")
        text = self.text_of(item)
        return self.prompts([(text if item.clip is not None else text.strip(),)])[0]

    def batch(self, windows: Sequence[Sequence[Prompt]], device: "torch.device") -> "dict[str, Tensor]":
        """(B, S, T) tokens, their mask and segments, and the places (B, S) of the masks."""
        import torch

        length = max(len(prompt.ids) for prompts in windows for prompt in prompts)
        shape = (len(windows), len(windows[0]), length)
        ids = np.full(shape, self.tokenizer.pad_id, np.int64)
        segments, mask = np.zeros(shape, np.int64), np.zeros(shape, bool)
        places = np.zeros(shape[:2], np.int64)
        for row, prompts in enumerate(windows):
            for number, prompt in enumerate(prompts):
                size = len(prompt.ids)
                ids[row, number, :size] = prompt.ids
                segments[row, number, :size] = prompt.segments
                mask[row, number, :size] = True
                places[row, number] = prompt.place
        arrays = {"": ids, "_mask": mask, "_place": places, "_segments": segments}
        return {
            f"{self.name}{suffix}": torch.from_numpy(values).to(device) for suffix, values in arrays.items()
        }

    def _alone(self, prompts: Sequence[Sequence[Prompt]]) -> "dict[str, Tensor]":
        import torch

        return {name: value[0] for name, value in self.batch(prompts, torch.device("cpu")).items()}

    def assets(self) -> dict[str, Path]:
        """The folders that belong beside the weights, by their names there."""
        found = {TOKENIZER: self.folder}
        return found | (
            {EMBEDDER: self.embedder} if self.embedder and self.settings.demos == "filtered" else {}
        )

    def to_json(self) -> dict[str, Any]:
        """Its part of `preprocess.json`."""
        return self.settings.model_dump(mode="json")

    @classmethod
    def from_json(cls, name: str, values: Mapping[str, Any], folder: Path) -> Self:
        """Reads it back; the folder keeps tokenizer and embedder."""
        settings = validate(PromptSettings, values, "prompt")
        embedder = folder / EMBEDDER if settings.demos == "filtered" else None
        return cls(settings, folder / TOKENIZER, embedder, name)
