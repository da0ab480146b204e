"""The brackets of a cue: nested, mismatched, spanning lines, or never closed."""

import re
from dataclasses import dataclass

PAIRS = {
    "(": ")",
    "[": "]",
    "{": "}",
    "（": "）",
    "［": "］",
    "｛": "｝",
    "【": "】",
    "〔": "〕",
    "「": "」",
}
ROUND = frozenset("(（")
CORNER = "「"
STAR = "*"
FULL_WIDTH_STAR = "＊"
MAX_CONTENT = 200  # a longer bracket is an aside, not the caption of a sound
_CLOSERS = {closer: opener for opener, closer in PAIRS.items()}
_EMOTICON_NOSE = re.compile(r"[:;=]['’]?-?$")
_STARRED = re.compile(r"(?<![\w*＊])([*＊]{1,3}) ?(?=[^\s*＊])([^*＊\n]{1,80})(?<=\S) ?\1(?![\w*＊])")
_REVERSED = re.compile(r"^[\W_]*?(?P<whole>[\])}][^\[\](){}\n]{1,80}[\[({])\W*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Bracket:
    """A bracketed segment of a cue's text.

    Attributes:
        start, end: offsets of the opening character, and just after the closing one.
        content: what stands between them.
        opener: the opening character; "" where only the closing one is there.
    """

    start: int
    end: int
    content: str
    opener: str


@dataclass(frozen=True, slots=True)
class Brackets:
    """The brackets of one text.

    Attributes:
        closed: the outermost closed ones, in order, without overlap.
        open_end: one that opens after all of these and never closes: it runs to the end of the text.
        open_start: one that closes before all of these and never opened: it runs from the start.
    """

    closed: tuple[Bracket, ...]
    open_end: Bracket | None
    open_start: Bracket | None


def find_brackets(text: str) -> Brackets:
    """Finds the brackets of `text`, but not emoticons and what is too long to caption a sound.

    A closing bracket of another kind closes too ("[laughs)"), if no right one follows.
    """
    found: list[Bracket] = []
    openers: list[int] = []
    stray_closers: list[int] = []
    for at, character in enumerate(text):
        if character in PAIRS:
            if not _is_emoticon(text, at):
                openers.append(at)
        elif character in _CLOSERS and not _close(text, openers, at, found) and not _is_emoticon(text, at):
            stray_closers.append(at)
    found += _starred(text, found) + _reversed(text)
    found.sort(key=lambda bracket: bracket.start)
    last_end = found[-1].end if found else 0
    first_start = found[0].start if found else len(text)
    inside = [range(bracket.start, bracket.end) for bracket in found]
    openers = [at for at in openers if not any(at in span for span in inside)]
    stray_closers = [at for at in stray_closers if not any(at in span for span in inside)]
    opener = next((at for at in openers if at >= last_end and text[at] != CORNER), None)
    closer = next((at for at in stray_closers if at < first_start and text[at] != PAIRS[CORNER]), None)
    return Brackets(
        closed=tuple(bracket for bracket in found if len(bracket.content) <= MAX_CONTENT),
        open_end=None if opener is None else Bracket(opener, len(text), text[opener + 1 :], text[opener]),
        open_start=None if closer is None else Bracket(0, closer + 1, text[:closer], ""),
    )


def _close(text: str, openers: list[int], at: int, found: list[Bracket]) -> bool:
    """Closes an open bracket at offset `at`; False if there is none that this character may close."""
    matching = next((n for n in reversed(range(len(openers))) if PAIRS[text[openers[n]]] == text[at]), None)
    if matching is None:
        if not openers or text[at] == PAIRS[CORNER] or text.rfind(PAIRS[text[openers[-1]]]) > at:
            return False
        matching = len(openers) - 1
    start = openers[matching]
    del openers[matching:]
    while found and found[-1].start > start:
        found.pop()  # it was inside this one
    found.append(Bracket(start, at + 1, text[start + 1 : at], text[start]))
    return True


def _is_emoticon(text: str, at: int) -> bool:
    """Whether the bracket at offset `at` is the mouth of ":)" or ":-("."""
    return bool(_EMOTICON_NOSE.search(text[max(0, at - 3) : at])) and (
        at + 1 == len(text) or text[at + 1].isspace()
    )


def _starred(text: str, found: list[Bracket]) -> list[Bracket]:
    """Segments between asterisks that lie outside of all other brackets."""
    return [
        Bracket(match.start(), match.end(), match[2], match[1][0])
        for match in _STARRED.finditer(text)
        if not any(bracket.start < match.end() and match.start() < bracket.end for bracket in found)
    ]


def _reversed(text: str) -> list[Bracket]:
    """Lines whose brackets were typed the wrong way round: "]groans["."""
    return [
        Bracket(match.start("whole"), match.end("whole"), match["whole"][1:-1], match["whole"][-1])
        for match in _REVERSED.finditer(text)
        if PAIRS[match["whole"][-1]] == match["whole"][0]
    ]
