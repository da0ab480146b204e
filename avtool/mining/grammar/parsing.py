"""From cues to dialogue and tags: the rules in their order, and the times of what they find."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from avtool.media.captions.cue import Cue
from avtool.mining.grammar.bracket_rules import BracketContext, classify
from avtool.mining.grammar.brackets import Bracket, Brackets, find_brackets
from avtool.mining.grammar.canvas import BRACKET_MASK, TAG_MASK, Canvas, FoundTag
from avtool.mining.grammar.capitals import take_caps_effects, take_on_screen_capitals
from avtool.mining.grammar.certainty import is_certain, names_sound
from avtool.mining.grammar.cleaning import MARKUP, NOTE_RUN, clean, has_letters, is_capitals
from avtool.mining.grammar.facts import FileFacts, gather_facts
from avtool.mining.grammar.labels import take_labels, take_speaker_marks, without_medium
from avtool.mining.grammar.music import LYRIC_TEXT, MUSIC_TEXT, take_lone_notes, take_music
from avtool.mining.grammar.placing import dialogue_spans, raw_tags
from avtool.mining.grammar.records import (
    CapsStyle,
    CaptionStyle,
    DialogueSpan,
    ParsedCaptions,
    RawTag,
    TagFunction,
    TagKind,
)
from avtool.mining.grammar.vocabulary import CREDIT, URL

MAX_CUE_CHARACTERS = 2000  # longer than any caption: a document in disguise, taken as dialogue
MAX_GAP_MS = 2000  # between two cues that share one bracket


def parse_cues(
    cues: Sequence[Cue], *, tag: TagFunction, caps_style: CapsStyle = "auto", keep_lyrics: bool = False
) -> ParsedCaptions:
    """Tells dialogue, sounds, speakers and noise apart in the cues of one film.

    Args:
        cues: in time order.
        tag: the tagger; it decides only where the form alone does not tell.
        caps_style: whether capitals without brackets are sounds; `auto` looks at the whole file.
        keep_lyrics: whether the `raw` of a lyric keeps the words that are sung.
    """
    tag = cache(tag)
    canvases = [Canvas(cue, index) for index, cue in enumerate(cues)]
    for canvas in canvases:
        _take_noise(canvas)
        _hide_brackets(canvas)
    facts = gather_facts(canvases, tag, caps_style)
    _join_across_cues(canvases, tag)
    dialogue: list[DialogueSpan] = []
    tags: list[RawTag] = []
    for canvas in canvases:
        _read(canvas, facts, tag, caps_style)
        dialogue += dialogue_spans(canvas)
        tags += raw_tags(canvas, tag, keep_lyrics)
    pieces = tuple(canvas.finished_pieces() for canvas in canvases)
    return ParsedCaptions(
        dialogue=tuple(dialogue),
        tags=tuple(sorted(tags, key=lambda found: found.start_ms)),
        counts=dict(sorted(Counter(piece.rule for cue_pieces in pieces for piece in cue_pieces).items())),
        style=_style(tags),
        pieces=pieces,
    )


def _take_noise(canvas: Canvas) -> None:
    """Takes credits and markup; an overlong cue becomes dialogue as it is."""
    if CREDIT.match(canvas.text) or URL.fullmatch(canvas.text):
        canvas.take("noise", "credit", 0, len(canvas.text))
        return
    for markup in MARKUP.finditer(canvas.text):
        canvas.take("noise", "markup", *markup.span())


def _hide_brackets(canvas: Canvas) -> None:
    if len(canvas.text) <= MAX_CUE_CHARACTERS:
        canvas.brackets = find_brackets(canvas.masked)
    for bracket in canvas.brackets.closed:
        canvas.mask(bracket.start, bracket.end, BRACKET_MASK)


def _join_across_cues(canvases: list[Canvas], tag: TagFunction) -> None:
    """Reads a bracket that one cue opens and the next closes as one sound, from the first to the last."""
    for first, second in pairwise(canvases):
        opened, closed = first.brackets.open_end, second.brackets.open_start
        near = second.cue.start_ms - first.cue.end_ms <= MAX_GAP_MS
        if not opened or not closed or not near:
            continue
        text = clean(f"{opened.content} {closed.content}").lower()
        if names_sound(text, tag):
            first.end_ms = second.cue.end_ms
            first.add_tag("bracket over two cues", FoundTag(opened.start, opened.end, text, "bracket"))
            second.take("tag", "bracket over two cues", closed.start, closed.end)


def _read(canvas: Canvas, facts: FileFacts, tag: TagFunction, caps_style: CapsStyle) -> None:
    """Lets every rule look at one cue."""
    if len(canvas.text) > MAX_CUE_CHARACTERS:
        return
    take_speaker_marks(canvas)
    take_labels(canvas, facts, tag)
    take_music(canvas, tag)
    if facts.capital_effects:
        take_caps_effects(canvas, tag)
    if caps_style != "off" and not facts.capital_dialogue:
        take_on_screen_capitals(canvas)
    for bracket in canvas.brackets.closed:
        _read_bracket(canvas, bracket, facts, tag)
    _read_unclosed(canvas, tag)
    take_lone_notes(canvas)


def _read_bracket(canvas: Canvas, bracket: Bracket, facts: FileFacts, tag: TagFunction) -> None:
    context = _context(canvas, bracket, facts, tag)
    verdict = classify(context)
    if verdict.kind == "dialogue":
        canvas.unmask(bracket.start, bracket.end)
    elif verdict.kind == "tag":
        canvas.add_tag(verdict.rule, _bracketed_tag(bracket, context))
    else:
        canvas.take(verdict.kind, verdict.rule, bracket.start, bracket.end)
    if verdict.kind == "label":
        canvas.turns[bracket.start] = context.content.rstrip(":")
    if context.colon and verdict.kind != "dialogue" and canvas.masked[bracket.end : bracket.end + 1] == ":":
        canvas.take("label", "label", bracket.end, bracket.end + 1)


def _bracketed_tag(bracket: Bracket, context: BracketContext) -> FoundTag:
    """The tag in a bracket; notes inside make it music, or a lyric if the words are no sound."""
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


_MASKED = re.compile("[\ue000-\ue002]+")


def _words(masked: str) -> str:
    """The dialogue in a stretch of masked text."""
    return _MASKED.sub(" ", masked).strip()


def _read_unclosed(canvas: Canvas, tag: TagFunction) -> None:
    """Reads a line with half a bracket ("[laughs", "door slams]") as a sound if the tagger knows it."""
    brackets: Brackets = canvas.brackets
    for bracket in (brackets.open_start, brackets.open_end):
        if bracket is None:
            continue
        start, end = _on_one_line(canvas.masked, bracket)
        content = clean(canvas.masked[start:end].strip("()[]{}"))
        text = content.lower()
        sentence = not content.isupper() and any(word[0].isupper() for word in content.split()[1:])
        if not sentence and len(text.split()) <= 6 and BRACKET_MASK not in text and is_certain(text, tag):
            canvas.add_tag("unclosed bracket", FoundTag(start, end, text, "bracket"))


def _on_one_line(masked: str, bracket: Bracket) -> tuple[int, int]:
    """The part of a half bracket that shares the line of its one end."""
    if bracket.opener:
        line_end = masked.find("\n", bracket.start)
        return bracket.start, line_end if line_end >= 0 else bracket.end
    return masked.rfind("\n", 0, bracket.end) + 1, bracket.end


def _style(tags: Sequence[RawTag]) -> CaptionStyle:
    """How most of the sounds of a file are written."""
    kinds: Counter[TagKind] = Counter(found.kind for found in tags)
    if not kinds:
        return "plain"
    if kinds["caps"] > kinds["bracket"]:
        return "bbc"
    if not kinds["bracket"]:
        return "music"
    capitals = sum(is_capitals(found.raw) for found in tags if found.kind == "bracket")
    return "caps" if 2 * capitals > kinds["bracket"] else "brackets"
