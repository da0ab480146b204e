"""The reading of each bracket of a cue in its place, by the bracket rules."""

import re

from avtool.mining.grammar.bracket_rules import CONTINUES, RUNS_ON, BracketContext, classify
from avtool.mining.grammar.brackets import PAIRS, ROUND, Bracket
from avtool.mining.grammar.canvas import BRACKET_MASK, LABEL_MASK, TAG_MASK, Canvas, FoundTag
from avtool.mining.grammar.cleaning import NOTE_RUN, clean, has_letters
from avtool.mining.grammar.facts import FileFacts
from avtool.mining.grammar.labels import without_medium
from avtool.mining.grammar.music import LYRIC_TEXT, MUSIC_TEXT, described_music
from avtool.mining.grammar.records import TagFunction
from avtool.mining.grammar.vocabulary import is_certain, names_sound, words

_MAX_HALF_BRACKET_WORDS = 6
_ROUND_ENDS = frozenset(PAIRS[opener] for opener in ROUND)
_LEADING_MASKS = re.compile(f"[{BRACKET_MASK}{LABEL_MASK}{TAG_MASK}\\s]+")
_MASKED = re.compile(f"[{BRACKET_MASK}{LABEL_MASK}{TAG_MASK}]+")


def read_brackets(canvas: Canvas, facts: FileFacts, tag: TagFunction) -> None:
    """Takes the brackets that are sounds, speakers or noise; the others go back to dialogue."""
    for bracket in canvas.brackets.closed:
        _read_bracket(canvas, bracket, facts, tag)


def _read_bracket(canvas: Canvas, bracket: Bracket, facts: FileFacts, tag: TagFunction) -> None:
    context = _context(canvas, bracket, facts, tag)
    verdict = classify(context)
    if verdict.kind == "dialogue":
        canvas.unmask(bracket.start, bracket.end)
    elif verdict.kind == "tag":
        canvas.add_tag(verdict.rule, _bracketed_tag(canvas, bracket, context, tag))
    else:
        canvas.take(verdict.kind, verdict.rule, bracket.start, bracket.end)
    if verdict.kind == "label":
        canvas.turns[bracket.start] = context.content.rstrip(":")
    if context.colon and verdict.kind != "dialogue" and canvas.masked[bracket.end : bracket.end + 1] == ":":
        canvas.take("label", "label", bracket.end, bracket.end + 1)


def _bracketed_tag(canvas: Canvas, bracket: Bracket, context: BracketContext, tag: TagFunction) -> FoundTag:
    """The tag in a bracket; notes inside or around make it music, or a lyric if the words are no sound."""
    beside_notes = context.has_notes or any(piece.rule == "notes" for piece in canvas.pieces)
    if beside_notes and (text := described_music(context.text, tag)):
        return FoundTag(bracket.start, bracket.end, text, "bracket")
    if not context.has_notes or context.tag.sounds:
        return FoundTag(bracket.start, bracket.end, context.text, "bracket")
    if has_letters(context.content):
        return FoundTag(bracket.start, bracket.end, LYRIC_TEXT, "lyric", lyrics=True)
    return FoundTag(bracket.start, bracket.end, MUSIC_TEXT, "music")


def _context(canvas: Canvas, bracket: Bracket, facts: FileFacts, tag: TagFunction) -> BracketContext:
    text, masked = canvas.text, canvas.masked
    content = clean(bracket.content)
    line_start = masked.rfind("\n", 0, bracket.start) + 1
    line_end = masked.find("\n", bracket.end)
    turn_end = min((offset for offset in canvas.turns if offset >= bracket.end), default=len(masked))
    rest = masked[bracket.end : turn_end].lstrip(" \n:")
    around = text[max(0, bracket.start - 1) : bracket.start] + text[bracket.end : bracket.end + 1]
    return BracketContext(
        opener=bracket.opener,
        content=content,
        tag=tag(content.lower()),
        sounds_surely=names_sound(without_medium(content.lower()), tag),
        before=_words(masked[line_start : bracket.start]),
        after=_words(masked[bracket.end : line_end if line_end >= 0 else len(masked)]),
        attached=any(character.isascii() and character.isalnum() for character in around),
        colon=masked[bracket.end : bracket.end + 1] == ":" or bracket.content.rstrip().endswith(":"),
        dialogue_follows=has_letters(_words(rest)),
        sound_follows=rest.startswith((BRACKET_MASK, TAG_MASK)),
        has_notes=bool(NOTE_RUN.search(bracket.content)),
        facts=facts,
    )


def _words(masked: str) -> str:
    """The dialogue in a segment of masked text."""
    return _MASKED.sub(" ", masked).strip()


def read_half_brackets(canvas: Canvas, tag: TagFunction) -> None:
    """Reads a line with half a bracket ("[laughs", "door slams]") as a sound if the tagger recognises it."""
    for bracket in (canvas.brackets.open_start, canvas.brackets.open_end):
        if bracket is None:
            continue
        start, end = _on_one_line(canvas.masked, bracket)
        content = clean(canvas.masked[start:end].strip("()[]{}"))
        text = content.lower()
        if _is_aside(canvas.masked, bracket, text):
            continue
        sentence = not content.isupper() and any(word[0].isupper() for word in content.split()[1:])
        taken = _MASKED.search(text) or len(text.split()) > _MAX_HALF_BRACKET_WORDS
        if not sentence and not taken and is_certain(text, tag):
            canvas.add_tag("unclosed bracket", FoundTag(start, end, text, "bracket"))


def _is_aside(masked: str, bracket: Bracket, text: str) -> bool:
    """Whether half a round bracket is part of a sentence: "He left (and laughed", "who shout) were right"."""
    if text.split(" ")[0] in words("aside_opener"):
        return True
    if bracket.opener:
        before = masked[masked.rfind("\n", 0, bracket.start) + 1 : bracket.start]
        return bracket.opener in ROUND and bool(RUNS_ON.search(before))
    after = masked[bracket.end :].partition("\n")[0]
    return masked[bracket.end - 1] in _ROUND_ENDS and bool(CONTINUES.match(after))


def _on_one_line(masked: str, bracket: Bracket) -> tuple[int, int]:
    """The part of a half bracket that shares the line of its one end."""
    if bracket.opener:
        line_end = masked.find("\n", bracket.start)
        return bracket.start, line_end if line_end >= 0 else bracket.end
    start = masked.rfind("\n", 0, bracket.end) + 1
    marks = _LEADING_MASKS.match(masked, start, bracket.end)
    return marks.end() if marks else start, bracket.end
