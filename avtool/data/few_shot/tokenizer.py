"""Tokenizers of transformers for prompts: their special tokens, and the words that are one token."""

import os
import shutil
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from avtool.core.artifact import settings_hash
from avtool.core.errors import BadInputError, CorruptArtifactError, MissingError
from avtool.core.files import sha256_of, writing
from avtool.core.foreign import check_vocabulary, read_by_others
from avtool.core.paths import cache_folder

_AS_IS = ("<", "[", ".", ",")
"""Label words that begin so are taken without a space before them, as in the published code."""
_MARKS = ("Ġ", "▁")
"""What byte-level and SentencePiece vocabularies write for the space before a word."""


def open_tokenizer(folder: Path) -> Any:
    """A tokenizer of transformers, read from local files; nothing is downloaded and no code is run.

    Raises:
        CorruptArtifactError: the folder holds no tokenizer.
        MissingError: transformers is not installed.
    """
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise MissingError("tokenizers need transformers", "pip install 'avtool[hub]'") from error
    check_vocabulary(folder, CorruptArtifactError)
    hint = "save one there: tokenizer.save_pretrained"
    with read_by_others(f"`{folder}` holds no tokenizer", hint, CorruptArtifactError):
        return AutoTokenizer.from_pretrained(
            str(folder.absolute()), local_files_only=True, trust_remote_code=False
        )


def keep_tokenizer(folder: Path) -> Path:
    """A folder with the files of a tokenizer alone, in the cache, to be copied beside trained weights.

    Args:
        folder: the tokenizer's, which may hold a model too.

    Raises:
        CorruptArtifactError, MissingError: it cannot be read.
    """
    cache = cache_folder() / "tokenizers"
    partial = cache / f".{os.getpid()}.partial"
    with writing(partial):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        open_tokenizer(folder).save_pretrained(str(partial))
        files = sorted(path for path in partial.rglob("*") if path.is_file())
        kept = cache / settings_hash([[path.name, sha256_of(path)] for path in files])
        if kept.exists():
            shutil.rmtree(partial)
        else:
            partial.replace(kept)
    return kept


class PromptTokenizer:
    """Pieces of a prompt as token numbers.

    Args:
        folder: of the tokenizer's files.

    Attributes:
        cls_id, sep_id, mask_id, pad_id: special tokens; cls and sep are the start and the end where a
            vocabulary has no others.

    Raises:
        BadInputError: it has no mask token.
        CorruptArtifactError, MissingError: it cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._tokenizer = open_tokenizer(folder)
        one = self._tokenizer
        if one.mask_token_id is None:
            raise BadInputError(f"the tokenizer of `{folder}` has no mask token", "give a masked LM")
        self.mask_id = int(one.mask_token_id)
        self.pad_id = int(one.pad_token_id if one.pad_token_id is not None else self.mask_id)
        self.cls_id = self._first(one.cls_token_id, one.bos_token_id, folder)
        self.sep_id = self._first(one.sep_token_id, one.eos_token_id, folder)
        self._cache: dict[str, list[int]] = {}

    @staticmethod
    def _first(token: int | None, other: int | None, folder: Path) -> int:
        found = token if token is not None else other
        if found is None:
            raise BadInputError(
                f"the tokenizer of `{folder}` has no start or no end token", "give a masked LM"
            )
        return int(found)

    def ids(self, text: str) -> list[int]:
        """The tokens of a text, without start and end; `[MASK]` written in a text is no mask."""
        found = self._cache.get(text)
        if found is None:
            encoded = self._tokenizer(
                text, add_special_tokens=False, split_special_tokens=True, verbose=False
            )
            found = self._cache[text] = [int(token) for token in encoded["input_ids"]]
        return found

    def word_pieces(self, word: str) -> list[int]:
        """The tokens of a label word, with the space before it that it has in a prompt."""
        if word.startswith(_AS_IS):
            whole = self._tokenizer.convert_tokens_to_ids(word)
            known = whole is not None and whole != self._tokenizer.unk_token_id
            return [int(whole)] if known else self.ids(word)
        return self.ids(f" {word}")

    def is_known(self, token: int) -> bool:
        """Whether a token is not that of unknown words."""
        return bool(token != self._tokenizer.unk_token_id)

    def is_special(self, token: int) -> bool:
        """Whether a token stands for no text: start, end, mask, padding."""
        return token in {self.cls_id, self.sep_id, self.mask_id, self.pad_id}

    def text_of(self, tokens: Sequence[int]) -> str:
        """Tokens as they are read."""
        return str(self._tokenizer.decode(list(tokens)))

    def pieces_of(self, tokens: Sequence[int]) -> list[str]:
        """The vocabulary's own names of tokens."""
        return [str(name) for name in self._tokenizer.convert_ids_to_tokens(list(tokens))]

    @cached_property
    def words(self) -> dict[int, str]:
        """The tokens that are a whole word of letters, or its beginning, by the vocabulary's own rule.

        Byte-level and SentencePiece vocabularies mark the space before a word, WordPiece marks with `##` what
        continues one; a vocabulary with neither has only words.
        """
        names = {int(number): str(name) for name, number in self._tokenizer.get_vocab().items()}
        mark = next((mark for mark in _MARKS if any(name.startswith(mark) for name in names.values())), "")
        special = set(self._tokenizer.all_special_ids)
        return {
            number: name.removeprefix(mark)
            for number, name in sorted(names.items())
            if number not in special and name.startswith(mark) and name.removeprefix(mark).isalpha()
        }
