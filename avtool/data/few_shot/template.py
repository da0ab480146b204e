"""Templates of prompts in the language of LM-BFF: `*cls**sent_0*_It_was*mask*.*sep+*`.

Parts stand between stars, `_` outside of them is a space. Published template files are in this language (Gao,
Fisch, Chen: Making Pre-trained Language Models Better Few-shot Learners. ACL 2021).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from avtool.core.errors import BadInputError

PartKind = Literal["cls", "mask", "sep", "sep+", "text", "label", "literal"]
PARTS = "cls, mask, sep, sep+, sent_0, +sent_0, sent-_0, sentl_0, sentu_0, label_0, labelx_0"
"""The parts that a template may have, for messages."""

_TEXT = re.compile(r"(\+?)sent([lu]?)(-?)_(\d+)")
_LABEL = re.compile(r"label(x?)_(\d+)")
_PLAIN: dict[str, PartKind] = {"cls": "cls", "mask": "mask", "sep": "sep", "sep+": "sep+"}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a template.

    Attributes:
        kind: special token, text, label word, or literal characters.
        source: as it is written; of literal characters with `_` for spaces.
        index: of the text, or of the label.
        space: whether a space comes before the text.
        case: "l" or "u": the text's first letter in lower or upper case.
        drop_last: whether the text's last character is dropped.
        of_demonstration: whether `index` is that of a demonstration, whose label is meant (`labelx_0`).
    """

    kind: PartKind
    source: str
    index: int = 0
    space: bool = False
    case: str = ""
    drop_last: bool = False
    of_demonstration: bool = False

    def apply(self, text: str) -> str:
        """A text as this part writes it."""
        text = text[:-1] if self.drop_last else text
        if self.case:
            first = text[:1].lower() if self.case == "l" else text[:1].upper()
            text = first + text[1:]
        return f" {text}" if self.space else text

    @property
    def literal(self) -> str:
        """Literal characters, with spaces."""
        return self.source.replace("_", " ")


@dataclass(frozen=True)
class Template:
    """A parsed template.

    Attributes:
        parts: in their order.
    """

    parts: tuple[Part, ...]

    def __str__(self) -> str:
        return "".join(part.source if part.kind == "literal" else f"*{part.source}*" for part in self.parts)

    def demonstration(self) -> "Template":
        """The same as a demonstration has it: without cls, its label's word in the place of the mask."""
        label = Part("label", "labelx_0", of_demonstration=True)
        kept = (part for part in self.parts if part.kind != "cls")
        return Template(tuple(label if part.kind == "mask" else part for part in kept))

    @property
    def has_mask(self) -> bool:
        """Whether there is a place for the label word."""
        return any(part.kind == "mask" for part in self.parts)


def parse_template(text: str, num_texts: int, num_labels: int, *, mask: bool = True) -> Template:
    """Parses a template.

    Args:
        text: in the template language.
        num_texts: texts of an example, 1 or 2.
        num_labels: label words.
        mask: whether it needs its mask; a classifier over CLS does not.

    Raises:
        BadInputError: a part is unknown or does not exist, or there is not one mask; with the position.
    """
    parts: list[Part] = []
    masks: list[int] = []
    for position, source, kind in _segments(text):
        part = Part("literal", source) if kind == "literal" else _part(source, text, position)
        limit = num_texts if part.kind == "text" else num_labels
        if part.kind in {"text", "label"} and part.index >= limit and not part.of_demonstration:
            noun = "text" if part.kind == "text" else "label"
            have = f"an example has {limit} {noun}{'s' if limit > 1 else ''}, counted from 0"
            raise _problem(text, position, f"`{source}` is no {noun} of the task: {have}")
        if part.kind == "mask":
            masks.append(position)
        parts.append(part)
    if len(masks) > 1:
        raise _problem(text, masks[1], "a second mask: a template has exactly one")
    if mask and not masks:
        raise _problem(text, len(text), "no mask: a template has exactly one")
    if not any(part.kind == "text" for part in parts):
        raise _problem(text, len(text), "no text of the example")
    return Template(tuple(parts))


def _segments(text: str) -> Iterator[tuple[int, str, str]]:
    """Position, characters, and `part` or `literal` of all between the stars.

    As in the published code a part may share a star with the next one: `*cls*sent_0*`.
    """
    position, inside = 0, False
    pieces = text.split("*")
    for number, piece in enumerate(pieces):
        if is_part(piece):
            yield position, piece, "part"
            inside = False
        elif inside and (piece or number == len(pieces) - 1):
            what = f"`{piece}` is no part" if piece else "a star without a part behind it"
            raise _problem(text, position, what)
        else:
            if piece:
                yield position, piece, "literal"
            inside = not inside
        position += len(piece) + 1


def is_part(source: str) -> bool:
    """Whether some characters are a part of the language."""
    return source in _PLAIN or bool(_TEXT.fullmatch(source) or _LABEL.fullmatch(source))


def _part(source: str, text: str, position: int) -> Part:
    if source in _PLAIN:
        return Part(_PLAIN[source], source)
    if found := _TEXT.fullmatch(source):
        space, case, minus, index = found.groups()
        return Part("text", source, int(index), bool(space), case, bool(minus))
    if found := _LABEL.fullmatch(source):
        return Part("label", source, int(found[2]), of_demonstration=bool(found[1]))
    raise _problem(text, position, f"`{source}` is no part")


def _problem(text: str, position: int, what: str) -> BadInputError:
    message = f"template `{text}`, character {min(position + 1, len(text) + 1)}: {what}"
    return BadInputError(message, f"the parts are {PARTS}; `_` stands for a space")


def read_templates(lines: Sequence[str], top: int) -> list[str]:
    """The first templates of a file: one a line, alone or in one of several columns divided by tabs.

    Raises:
        BadInputError: there are none.
    """
    found = []
    for line in lines:
        columns = [column for column in line.rstrip("\n").split("\t") if "*" in column]
        if columns:
            found.append(columns[0])
    if not found:
        raise BadInputError("the file holds no templates", "give one with a template a line")
    return list(dict.fromkeys(found))[:top]
