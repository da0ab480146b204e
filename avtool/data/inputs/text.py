"""Text as an input: captions and text files as token numbers, with a tokenizer kept in the model's folder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np

from avtool.core.errors import BadInputError
from avtool.core.recipe import validate
from avtool.core.reporter import Reporter
from avtool.data.few_shot.tokenizer import open_tokenizer
from avtool.data.inputs.base import ModelInput, Span
from avtool.data.inputs.settings import TextSettings
from avtool.data.items import Item
from avtool.data.manifest import Clip, Manifest

if TYPE_CHECKING:
    import torch
    from torch import Tensor

TOKENIZER = "tokenizer"
"""The folder of a tokenizer's files within the model's."""
_PAD, _START, _END, _FIRST_BYTE = 0, 1, 2, 3


class Tokenizer(Protocol):
    """Turns texts into token numbers."""

    vocab_size: int
    pad_id: int

    def encode(self, text: str, max_tokens: int) -> list[int]:
        """The tokens of a text with its start and end, at most `max_tokens`."""


class ByteTokenizer:
    """UTF-8 bytes: 0 pads, 1 starts and 2 ends a text, and byte b is b + 3."""

    vocab_size = 256 + _FIRST_BYTE
    pad_id = _PAD

    def encode(self, text: str, max_tokens: int) -> list[int]:
        """The bytes between start and end."""
        values = text.encode()[: max_tokens - 2]
        return [_START, *(value + _FIRST_BYTE for value in values), _END]


class HubTokenizer:
    """A tokenizer of transformers, read from local files; nothing is downloaded and no code is run.

    Args:
        folder: with `tokenizer.json`, or what else the tokenizer is saved as.

    Raises:
        CorruptArtifactError: the folder holds no tokenizer.
        MissingError: transformers is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self._tokenizer = open_tokenizer(folder)
        self.vocab_size = len(self._tokenizer)
        pad_id = self._tokenizer.pad_token_id
        self.pad_id = int(self._tokenizer.eos_token_id or 0) if pad_id is None else int(pad_id)

    def encode(self, text: str, max_tokens: int) -> list[int]:
        """The tokens of a text, with the tokenizer's own start and end."""
        tokens: list[int] = self._tokenizer(text, truncation=True, max_length=max_tokens)["input_ids"]
        return tokens


class WholeTextInput(ModelInput):
    """An input that takes a text as one window: a clip's `text` column, or a file read as UTF-8."""

    noun: ClassVar[str] = "text"

    @property
    def seconds(self) -> float:
        """0: a text has no duration."""
        return 0.0

    def windows(
        self, item: Item, hop: float, reporter: Reporter | None = None
    ) -> "Iterator[tuple[Span, Any]]":
        """A text is one window."""
        del hop, reporter
        yield (0.0, 0.0), self.window(item, 0.0, 0.0)

    def text_of(self, item: Item) -> str:
        """The text of an item.

        Raises:
            BadInputError: the file is no text.
        """
        if item.clip is not None:
            return item.clip.text
        try:
            return item.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInputError(f"`{item.path}` is no UTF-8 text ({error})", "convert it") from error


@dataclass(frozen=True)
class TextInput(WholeTextInput):
    """Token numbers (max_tokens,) int64 with a mask (max_tokens,), True where there is a token.

    Attributes:
        settings: tokenizer and number of tokens.
        name: of the model's argument; that of the mask is `<name>_mask`.
        folder: the tokenizer's files; None for bytes.
    """

    settings: TextSettings = TextSettings()  # noqa: RUF009 - frozen
    name: str = "text"
    folder: Path | None = None

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer, loaded on first use.

        Raises:
            CorruptArtifactError, MissingError: it cannot be loaded.
        """
        if self.settings.tokenizer == "bytes":
            return ByteTokenizer()
        assert self.folder is not None, "a tokenizer of transformers is read from a folder"
        return HubTokenizer(self.folder)

    def is_present(self, clips: Manifest, clip: Clip) -> bool:  # noqa: ARG002
        """Whether a clip has a text."""
        return bool(clip.text)

    def sample(
        self,
        clips: Manifest,
        index: int,
        place: float,  # noqa: ARG002 - the whole text
        rng: np.random.Generator | None,  # noqa: ARG002 - texts are not augmented
    ) -> "dict[str, Tensor]":
        """The tokens of a clip's text."""
        return self.encode(clips[index].text)

    def absent(self) -> "dict[str, Tensor]":
        """Padding that is all masked."""
        return self._padded([])

    def noise(self, count: int, generator: "torch.Generator") -> "dict[str, Tensor]":
        """The tokens of random letters, in texts of several lengths."""
        import torch

        from avtool.data.inputs.collate import collate

        def text(length: int) -> str:
            letters = torch.randint(97, 123, (length,), generator=generator)
            return "".join(map(chr, letters.tolist()))

        return collate([self.encode(text(2 + 3 * number)) for number in range(count)])

    def window(self, item: Item, start: float, end: float) -> "dict[str, Tensor]":  # noqa: ARG002
        """The tokens of the whole text.

        Raises:
            BadInputError: the file is no text.
        """
        return self.encode(self.text_of(item))

    def encode(self, text: str) -> "dict[str, Tensor]":
        """The tokens of a text, and their mask."""
        return self._padded(self.tokenizer.encode(text, self.settings.max_tokens))

    def batch(self, windows: "Sequence[Mapping[str, Tensor]]", device: "torch.device") -> "dict[str, Tensor]":
        """(B, max_tokens) tokens and their mask."""
        from avtool.data.inputs.collate import collate

        return {name: values.to(device) for name, values in collate(windows).items()}

    def assets(self) -> dict[str, Path]:
        """The folders that belong beside the weights, by their names there."""
        return {TOKENIZER: self.folder} if self.folder is not None else {}

    def to_json(self) -> dict[str, Any]:
        """Its part of `preprocess.json`."""
        return self.settings.model_dump(mode="json")

    @classmethod
    def from_json(cls, name: str, values: Mapping[str, Any], folder: Path) -> Self:
        """Reads it back; the folder keeps the tokenizer."""
        settings = validate(TextSettings, values, "text")
        if settings.tokenizer == "bytes":
            return cls(settings, name)
        return cls(settings, name, folder / TOKENIZER)

    def _padded(self, tokens: Sequence[int]) -> "dict[str, Tensor]":
        import torch

        length = self.settings.max_tokens
        values = torch.full((length,), self.tokenizer.pad_id, dtype=torch.int64)
        values[: len(tokens)] = torch.tensor(tokens, dtype=torch.int64)
        return {self.name: values, f"{self.name}_mask": torch.arange(length) < len(tokens)}
