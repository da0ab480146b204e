"""Sounds in capitals without brackets, as British captions write them: "GEESE HONK"."""

import re
from collections.abc import Iterator

from avtool.mining.grammar.canvas import BRACKET_MASK, LABEL_MASK, TAG_MASK, Canvas, FoundTag
from avtool.mining.grammar.cleaning import clean, has_letters, is_capitals
from avtool.mining.grammar.records import TagFunction
from avtool.mining.grammar.vocabulary import is_certain, is_spoken_language, names_event, words

MAX_WORDS = 12
MAX_GUESSED_WORDS = 5  # a longer line needs all its words in the lexicon, or it is a headline
MAX_NAME = 2  # words in capitals that may begin the speech after a sound: "DOOR SLAMS BBC News at ten."
_WORD = re.compile(rf"[^\s{BRACKET_MASK}{LABEL_MASK}{TAG_MASK}]+")
_BEFORE_SENTENCE = re.compile(rf"(?:^|[.!?…:\"”'’)\]♪{BRACKET_MASK}{LABEL_MASK}{TAG_MASK}–—-])[\s\"“'‘]*$")
_AFTER_SOUND = re.compile(rf"\s*(?:$|[\"“'‘¿¡(\[♪{BRACKET_MASK}{TAG_MASK}{LABEL_MASK}–—-]|[^\Wa-zß-ÿ_])")
_TAKEN = frozenset(BRACKET_MASK + LABEL_MASK + TAG_MASK)
_LONE_WORDS = frozenset({"I", "A", "OK", "OK,", "O"})  # capitals that begin the speech after a sound
_BLANK = f" \t{BRACKET_MASK}{LABEL_MASK}{TAG_MASK}"
_SPOKEN_END = re.compile(r"[!?]\W*$")
_SENTENCE_END = re.compile(r"[.!?…:,—–-]\W*$")


def is_caps_effect(line: str, tag: TagFunction) -> bool:
    """Whether a line in capitals reads as a sound: short, spoken by nobody, and in the lexicon."""
    text = clean(line).lower()
    spoken = [word.strip(",.;") for word in text.replace("’", "'").split()]
    if not is_capitals(line) or len(spoken) > MAX_WORDS or _SPOKEN_END.search(line):
        return False
    if not words("spoken_capital").union(words("headline")).isdisjoint(spoken):
        return False
    dated = any(character.isdigit() for character in text)  # "MARCH 1945" is no marching
    if dated or is_spoken_language(text) or text in _signs():
        return False
    if len(spoken) > MAX_GUESSED_WORDS:
        return is_certain(text, tag)
    return names_event(text, tag)


def _signs() -> frozenset[str]:
    return words("sign") | {"fire exit", "breaking news"}


def take_caps_effects(canvas: Canvas, tag: TagFunction) -> None:
    """Takes lines, runs of lines, and sentences beside speech that read as sounds in capitals."""
    for start, end in _capital_runs(canvas, tag):
        if is_caps_effect(canvas.masked[start:end], tag):
            _take(canvas, start, end)
    for start, end in canvas.lines():
        for begin, stop in _sentences_in_capitals(canvas.masked, start, end, tag):
            _take(canvas, begin, stop)


def _take(canvas: Canvas, start: int, end: int) -> None:
    text = clean(canvas.masked[start:end]).lower()
    canvas.add_tag("capital sound", FoundTag(start, end, text, "caps"))


def _sentences_in_capitals(masked: str, start: int, end: int, tag: TagFunction) -> Iterator[tuple[int, int]]:
    """Sounds in capitals that share a line with speech: "HE SIGHS I never liked it.", "Good. SHE LAUGHS"."""
    run: list[re.Match[str]] = []
    for word in [*_WORD.finditer(masked, start, end), None]:
        if word is not None and word[0].upper() == word[0] and has_letters(word[0]):
            run.append(word)
            if not word[0].endswith((".", "!", "?", "…", ":")):
                continue
        if run and (found := _sound_at_front(masked, run, end, tag)):
            yield found
        run = []


def _sound_at_front(
    masked: str, run: list["re.Match[str]"], line_end: int, tag: TagFunction
) -> tuple[int, int] | None:
    """The longest beginning of a run of words in capitals that is a sound, where a sentence may begin."""
    first = run[0].start()
    line_start = masked.rfind("\n", 0, first) + 1
    if not _BEFORE_SENTENCE.search(masked[line_start:first]):
        return None
    whole = masked[first:line_end].rstrip()
    if _ends_in_small_letters(whole, tag):
        return first, first + len(whole)
    speech_follows = has_letters(masked[run[-1].end() : line_end])
    while run and run[-1][0] in _LONE_WORDS:
        run = run[:-1]
    fewest = max(1, len(run) - MAX_NAME) if speech_follows else len(run)
    ends = [word.end() for word in run[:MAX_WORDS]][fewest - 1 :]
    found = [
        end
        for end in reversed(ends)
        if _AFTER_SOUND.match(masked[end:line_end]) and is_caps_effect(masked[first:end], tag)
    ]
    certain = [end for end in found if is_certain(clean(masked[first:end]).lower(), tag)]
    last = next(iter(certain or found), first)
    text = clean(masked[first:last]).lower()
    return (first, last) if " " in text or _is_noun_sound(text, tag) else None


def _ends_in_small_letters(text: str, tag: TagFunction) -> bool:
    """Whether a sound in capitals ends the line in small letters: "SIREN WAILS in the distance"."""
    return is_caps_effect(text.upper(), tag) and is_certain(clean(text).lower(), tag)


def _is_noun_sound(text: str, tag: TagFunction) -> bool:
    """Whether one word is a sound and not an order: LAUGHTER and APPLAUSE, but not SPEAK."""
    found = tag(text)
    return found.is_event and (text not in found.sounds or text in words("noise_noun"))


def take_on_screen_capitals(canvas: Canvas) -> None:
    """Takes a cue that is nothing but capitals without a full stop: a sign or a title, not speech."""
    if is_capitals(canvas.masked) and not _SENTENCE_END.search(canvas.masked) and not canvas.pieces:
        canvas.take("noise", "on-screen text", 0, len(canvas.text))


def _capital_runs(canvas: Canvas, tag: TagFunction) -> list[tuple[int, int]]:
    """Segments of whole lines in capitals; a line that is no sound by itself continues the one before it."""
    runs: list[tuple[int, int]] = []
    for start, end in canvas.lines():
        line = canvas.masked[start:end]
        if not is_capitals(line) or not _TAKEN.isdisjoint(line.strip(_BLANK)):
            continue
        start, end = start + len(line) - len(line.lstrip(_BLANK)), start + len(line.rstrip(_BLANK))
        follows = bool(runs) and not has_letters(canvas.masked[runs[-1][1] : start])
        if follows and not is_caps_effect(line, tag):
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return runs
