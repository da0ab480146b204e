"""Notes: music alone, lyrics between notes, and "#" where a file has no notes."""

import re
from collections.abc import Iterator, Sequence

from avtool.mining.grammar.canvas import BRACKET_MASK, LABEL_MASK, Canvas, FoundTag
from avtool.mining.grammar.cleaning import NOTE_RUN, clean, has_letters
from avtool.mining.grammar.records import TagFunction
from avtool.mining.grammar.vocabulary import CERTAIN, is_certain, words

MUSIC_TEXT = "music"
LYRIC_TEXT = "singing"
_HASH = r"^(?P<open>[#¶]{1,2})(?!\d)[^#¶]*?(?P<close>[#¶]{1,2})$"
_HASHED_LINE = re.compile(_HASH.replace("[^#¶]", r"[^#¶\n]"), re.MULTILINE)
_HASHED_TURN = re.compile(rf"\s*{_HASH[1:-1]}\s*")
_PERFORMED = re.compile(
    r"(?: softly| loudly| quietly| faintly)?(?: (?:is )?(?:plays?|playing|performs|continu(?:es?|ing)|begins?"
    r"|beginning|starts?|starting|stops?|stopping|ends?|ending|resum(?:es?|ing)|fad(?:es?|ing)"
    r"(?: in| out| away)?|swells?|swelling|intensif(?:ies|ying)|builds|building"
    r"|thump(?:s|ing)|blar(?:es|ing)|pound(?:s|ing)|softly|loudly|quietly|faintly))+$"
)
_FROM_WHERE = re.compile(
    r" (?:(?:on|over|through|from) (?:the |a )?[\w.-]+(?: [\w.-]+)?|in (?:the )?(?:distance|background))$"
)
_ORDER = re.compile(
    r"^(?:play|sing|dance|stop|listen|come|let|give|turn|make|feel|rock)\b(?! (?:music|song)\b)"
)
MAX_DESCRIPTION_WORDS = 9
_MAX_VOICE_WORDS = 3
_NOT_WORDS = re.compile(f"([{BRACKET_MASK}{LABEL_MASK}]+)")


def find_notes(text: str) -> list[tuple[int, int]]:
    """The offsets of runs of notes; "#" and "¶" count only in pairs at both ends of a line or of the cue."""
    notes = [match.span() for match in NOTE_RUN.finditer(text)]
    hashed = _HASHED_TURN.fullmatch(text)
    for match in [hashed] if hashed else _HASHED_LINE.finditer(text):
        notes += [match.span("open"), match.span("close")]
    return sorted(notes)


def sung_segments(text: str, notes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The segments of words that the notes mark as sung.

    A note that begins a line opens, one that ends a line closes, one inside does what the last did not.
    """
    segments: list[tuple[int, int]] = []
    opened: int | None = None
    last_note = 0
    for start, end in notes:
        begins_line = not has_letters(text[text.rfind("\n", 0, start) + 1 : start])
        line_end = text.find("\n", end)
        ends_line = not has_letters(text[end : line_end if line_end >= 0 else len(text)])
        if opened is not None:
            segments.append((opened, start))
            opened = end if begins_line and not ends_line else None
        elif ends_line and not begins_line:
            segments.append((last_note, start))  # opened in a cue before, or between the last note and this
        elif not ends_line or (start, end) != notes[-1]:  # the last one on a line of its own marks no words
            opened = end
        last_note = end
    if opened is not None:
        segments.append((opened, len(text)))
    return [span for span in segments if has_letters(text[slice(*span)])]


def take_music(canvas: Canvas, tag: TagFunction) -> None:
    """Takes the notes and what is sung between them; notes without words are left to `take_lone_notes`."""
    for turn_start, turn_end in canvas.turn_ranges():
        turn = canvas.masked[turn_start:turn_end]
        notes = find_notes(turn)
        _take_sung(canvas, tag, [(turn_start + a, turn_start + b) for a, b in sung_segments(turn, notes)])
        for start, end in notes:
            canvas.take("noise", "notes", turn_start + start, turn_start + end)


def _take_sung(canvas: Canvas, tag: TagFunction, segments: list[tuple[int, int]]) -> None:
    """Takes the words sung in one turn: one tag, however many lines they fill."""
    lyric: FoundTag | None = None
    for start, end in _without_brackets(canvas.masked, segments):
        plain = clean(canvas.masked[start:end])
        if text := described_music(plain.lower(), tag) or _described_voice(plain, tag):
            canvas.add_tag("music described", FoundTag(start, end, text, "music"))
        elif lyric is None:
            lyric = FoundTag(start, end, LYRIC_TEXT, "lyric", lyrics=True)
            canvas.add_tag("lyric", lyric)
        else:
            canvas.take("tag", "lyric", start, end)


def take_lone_notes(canvas: Canvas) -> None:
    """Makes the notes a sound of their own in a cue without another sound."""
    notes = [piece for piece in canvas.pieces if piece.rule == "notes"]
    if notes and not canvas.tags:
        start, end = notes[0].start, notes[0].end
        canvas.pieces.remove(notes[0])
        canvas.add_tag("lone notes", FoundTag(start, end, MUSIC_TEXT, "music"))


def described_music(text: str, tag: TagFunction) -> str:
    """The tag of words that describe music ("soft jazz", "rock music playing on stereo"); "" for sung words.

    All words must be in the lexicon, the last before its verb must be music or play it, and none may be a
    word of a song: "dance to the music" is sung.
    """
    text = " ".join(text.replace(",", " ").split())
    kernel = _PERFORMED.sub("", _FROM_WHERE.sub("", _PERFORMED.sub("", text)))
    spoken = kernel.split()
    if not spoken or len(spoken) > MAX_DESCRIPTION_WORDS or _ORDER.match(kernel):
        return ""
    if not (words("aside_opener") | words("lyric_word")).isdisjoint(spoken):
        return ""
    named = next((whole for whole in (text, f"{text} playing") if _is_music(whole, tag)), "")
    plays = _is_music(spoken[-1], tag) or _is_music(f"{spoken[-1]} playing", tag)
    return named if plays or _is_qualified(spoken, tag) else ""


def _is_qualified(spoken: Sequence[str], tag: TagFunction) -> bool:
    """Whether music comes first and only qualities follow, as in French and Spanish: "musique douce"."""
    after = tag(" ".join(spoken[1:]))
    silent = not after.sounds and not after.sources
    return _is_music(spoken[0], tag) and len(spoken) <= 3 and bool(after.qualities) and silent


def _described_voice(plain: str, tag: TagFunction) -> str:
    """What a voice does to the music, in one case throughout ("choir vocalizing"); "" for sung words."""
    text = plain.lower()
    of_one_case = plain.islower() or plain.isupper()
    is_short = len(text.split()) <= _MAX_VOICE_WORDS and text.endswith("ing")
    voiced = is_certain(text, tag) and words("tuneful").issuperset(tag(text).sounds)
    return text if of_one_case and is_short and voiced else ""


def _is_music(text: str, tag: TagFunction) -> bool:
    found = tag(text)
    return found.rule == "music" and found.confidence >= CERTAIN


def _without_brackets(masked: str, segments: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The parts of the segments between brackets and labels, trimmed, that still have words."""
    for start, end in segments:
        at = start
        for part in _NOT_WORDS.split(masked[start:end]):
            inner = part.strip()
            if has_letters(inner):
                begin = at + part.index(inner)
                yield begin, begin + len(inner)
            at += len(part)
