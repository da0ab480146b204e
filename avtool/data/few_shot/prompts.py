"""Prompts as token numbers: a filled template with its mask, and demonstrations behind it (LM-BFF §6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from avtool.core.errors import BadInputError
from avtool.data.few_shot.template import Template
from avtool.data.few_shot.tokenizer import PromptTokenizer

Texts = Sequence[str]


class Prompt(NamedTuple):
    """A prompt.

    Attributes:
        ids, segments: of each token.
        place: of the mask; of a prompt without one 0, where CLS is.
        is_cut: whether texts were cut, or demonstrations dropped, to fit.
    """

    ids: list[int]
    segments: list[int]
    place: int
    is_cut: bool


@dataclass(frozen=True)
class PromptLimits:
    """Lengths in tokens.

    Attributes:
        whole: of a prompt.
        first: of the first text; None for no limit of its own.
        other: of every other text, those of demonstrations among them; None likewise.
        segments: kinds of segments that the model has embeddings for.
    """

    whole: int
    first: int | None = None
    other: int | None = None
    segments: int = 1


class PromptEncoder:
    """Fills a template.

    Texts are cut at their end until the prompt fits; the template, and so the mask, never is. Of
    demonstrations that do not fit the last ones are dropped.

    Args:
        tokenizer: of the model.
        template: of the prompt.
        words: the token of each class's first label word, for demonstrations.
        limits: lengths.

    Raises:
        BadInputError: the template alone is longer than a prompt may be.
    """

    def __init__(
        self, tokenizer: PromptTokenizer, template: Template, words: Sequence[int], limits: PromptLimits
    ) -> None:
        self.tokenizer = tokenizer
        self.template = template
        self.limits = limits
        self._words = list(words)
        self._demonstration = template.demonstration()
        least = sum(len(piece) for piece in self._pieces(template, (" ", " "), 0, [0, 0]))
        if least >= limits.whole:
            raise BadInputError(
                f"the template alone is {least} tokens, and a prompt has at most {limits.whole}",
                "shorten it, or raise max_tokens of the task",
            )

    def encode(self, texts: Texts, demonstrations: Sequence[tuple[Texts, int]] = ()) -> Prompt:
        """The prompt of one example.

        Args:
            texts: of the example.
            demonstrations: texts and class of each, in the order in which they follow.

        Raises:
            BadInputError: the template with one token of each text is longer than a prompt may be.
        """
        limits = self.limits
        room = [limits.first, limits.other]
        query = self._pieces(self.template, texts, 0, room)
        length = sum(map(len, query))
        is_cut = False
        if length > limits.whole:
            query, is_cut = self._fitted(texts, room), True
            length = sum(map(len, query))
        parts = [(self.template, query)]
        for other, label in demonstrations:
            pieces = self._pieces(self._demonstration, other, label, [limits.other, limits.other])
            length += sum(map(len, pieces))
            if length > limits.whole:
                is_cut = True
                break
            parts.append((self._demonstration, pieces))
        return self._joined(parts, is_cut)

    def _fitted(self, texts: Texts, room: list[int | None]) -> list[list[int]]:
        """The pieces of a query whose texts are cut, the longest first."""
        fixed = sum(map(len, self._pieces(self.template, texts, 0, [0, 0])))
        longest = [0] * len(texts)
        for part in self.template.parts:
            if part.kind == "text":
                longest[part.index] = max(longest[part.index], len(self._text(part.apply(texts[part.index]))))
        sizes = [
            size if limit is None else min(size, limit) for size, limit in zip(longest, room, strict=False)
        ]
        uses = [
            sum(part.kind == "text" and part.index == n for part in self.template.parts)
            for n in range(len(texts))
        ]
        while (
            total := fixed + sum(size * use for size, use in zip(sizes, uses, strict=True))
        ) > self.limits.whole:
            most = max(range(len(sizes)), key=lambda number: sizes[number] * (uses[number] > 0))
            if sizes[most] <= 1:
                message = (
                    f"template + query is {total} tokens > {self.limits.whole}, and its mask would be cut"
                )
                raise BadInputError(message, "raise max_tokens of the task, or use fewer demonstrations")
            sizes[most] -= 1
        return self._pieces(self.template, texts, 0, list(sizes))

    def _text(self, text: str) -> list[int]:
        return self.tokenizer.ids(text)

    def _pieces(
        self, template: Template, texts: Texts, label: int, room: Sequence[int | None]
    ) -> list[list[int]]:
        """The tokens of each part; `room` limits the first text and the second one."""
        one = self.tokenizer
        special = {"cls": one.cls_id, "mask": one.mask_id, "sep": one.sep_id, "sep+": one.sep_id}
        pieces = []
        for part in template.parts:
            if part.kind in special:
                pieces.append([special[part.kind]])
            elif part.kind == "label":
                pieces.append([self._words[label if part.of_demonstration else part.index]])
            elif part.kind == "text":
                pieces.append(self._text(part.apply(texts[part.index]))[: room[part.index]])
            else:
                pieces.append(self._text(part.literal))
        return pieces

    def _joined(self, parts: Sequence[tuple[Template, list[list[int]]]], is_cut: bool) -> Prompt:
        ids: list[int] = []
        segments: list[int] = []
        place, segment = 0, 0
        for number, (template, pieces) in enumerate(parts):
            for part, piece in zip(template.parts, pieces, strict=True):
                if number == 0 and part.kind == "mask":
                    place = len(ids)
                ids += piece
                segments += [min(segment, self.limits.segments - 1)] * len(piece)
                segment += part.kind == "sep+"
        return Prompt(ids, segments, place, is_cut)
