"""From cues to dialogue and tags: the rules in their order, and the times of what they find."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from avtool.media.captions.cue import Cue
from avtool.mining.grammar.bracket_reading import read_brackets, read_half_brackets
from avtool.mining.grammar.bracket_rules import CONTINUES, RUNS_ON, SENTENCE_INSIDE
from avtool.mining.grammar.brackets import PAIRS, Bracket, find_brackets
from avtool.mining.grammar.canvas import BRACKET_MASK, Canvas, FoundTag
from avtool.mining.grammar.capitals import take_caps_effects, take_on_screen_capitals
from avtool.mining.grammar.cleaning import MARKUP, clean, is_capitals
from avtool.mining.grammar.doubts import find_doubts
from avtool.mining.grammar.facts import FileFacts, gather_facts
from avtool.mining.grammar.labels import take_labels, take_speaker_marks
from avtool.mining.grammar.music import take_lone_notes, take_music
from avtool.mining.grammar.placing import dialogue_spans, raw_tags
from avtool.mining.grammar.records import (
    CapsStyle,
    CaptionStyle,
    DialogueSpan,
    Doubt,
    ParsedCaptions,
    RawTag,
    TagFunction,
    TagKind,
)
from avtool.mining.grammar.vocabulary import CREDIT, URL, names_sound, words

MAX_SOUND_WORDS = 15  # in one bracket over two cues
_SPEAKER_MARK = re.compile(r"\n\s*[-–—‐>]")
MAX_GAP_MS = 2000  # between two cues that share one bracket


def parse_cues(
    cues: Sequence[Cue], *, tag: TagFunction, caps_style: CapsStyle = "auto", keep_lyrics: bool = True
) -> ParsedCaptions:
    """Separates dialogue, sounds, speakers and noise in the cues of one film.

    Args:
        cues: in time order.
        tag: the tagger; it decides only where the form alone does not.
        caps_style: whether capitals without brackets are sounds; `auto` looks at the whole file.
        keep_lyrics: whether sung words are tags; otherwise they are only counted.
    """
    tag = cache(tag)
    canvases = [Canvas(cue, index) for index, cue in enumerate(cues)]
    for canvas in canvases:
        _take_noise(canvas, tag)
        _hide_brackets(canvas)
    facts = gather_facts(canvases, tag, caps_style)
    _join_across_cues(canvases, tag)
    dialogue: list[DialogueSpan] = []
    tags: list[RawTag] = []
    doubts: list[Doubt] = []
    for canvas in canvases:
        _read(canvas, facts, tag, caps_style)
        dialogue += dialogue_spans(canvas)
        doubts += find_doubts(canvas, tag) if not canvas.is_document else ()
        tags += (found for found in raw_tags(canvas, tag) if keep_lyrics or not found.lyrics)
    pieces = tuple(canvas.finished_pieces() for canvas in canvases)
    return ParsedCaptions(
        dialogue=tuple(dialogue),
        tags=tuple(sorted(tags, key=lambda found: found.start_ms)),
        counts=dict(sorted(Counter(piece.rule for cue_pieces in pieces for piece in cue_pieces).items())),
        style=_style(tags),
        pieces=pieces,
        doubts=tuple(doubts),
    )


def _take_noise(canvas: Canvas, tag: TagFunction) -> None:
    """Takes credits, and markup but for sounds ("<door slams>"); an overlong cue becomes dialogue."""
    if canvas.is_document:
        return
    if CREDIT.match(canvas.text) or URL.fullmatch(canvas.text):
        canvas.take("noise", "credit", 0, len(canvas.text))
        return
    for markup in MARKUP.finditer(canvas.text):
        text = clean(markup[0].strip("<>")).lower()
        if markup[0].startswith("<") and text and names_sound(text, tag):
            canvas.add_tag("angle brackets", FoundTag(*markup.span(), text, "bracket"))
        else:
            canvas.take("noise", "markup", *markup.span())


def _hide_brackets(canvas: Canvas) -> None:
    if not canvas.is_document:
        canvas.brackets = find_brackets(canvas.masked)
    for bracket in canvas.brackets.closed:
        canvas.mask(bracket.start, bracket.end, BRACKET_MASK)


def _join_across_cues(canvases: list[Canvas], tag: TagFunction) -> None:
    """Reads a bracket that one cue opens and the next closes as one sound, from the first to the last.

    Both halves must be of one kind and stand apart from speech: "I told him (and I laughed" is an aside.
    """
    for first, second in pairwise(canvases):
        opened, closed = first.brackets.open_end, second.brackets.open_start
        near = second.cue.start_ms - first.cue.end_ms <= MAX_GAP_MS
        if not opened or not closed or not near or second.text[closed.end - 1] != PAIRS[opened.opener]:
            continue
        if _SPEAKER_MARK.search(opened.content) or _SPEAKER_MARK.search(closed.content):
            continue  # somebody else speaks between the two halves
        text = clean(f"{opened.content} {closed.content}").lower()
        if _stands_apart(first, opened, second, closed) and _is_one_sound(text, tag):
            first.end_ms = second.cue.end_ms
            first.add_tag("bracket over two cues", FoundTag(opened.start, opened.end, text, "bracket"))
            second.take("tag", "bracket over two cues", closed.start, closed.end)


def _stands_apart(first: Canvas, opened: Bracket, second: Canvas, closed: Bracket) -> bool:
    """Whether no sentence runs on before, inside or after a bracket that spans two cues."""
    before = first.masked[first.masked.rfind("\n", 0, opened.start) + 1 : opened.start]
    after = second.masked[closed.end :].partition("\n")[0]
    inside = f"{opened.content} {closed.content}"
    return not (RUNS_ON.search(before) or CONTINUES.match(after) or SENTENCE_INSIDE.search(inside))


def _is_one_sound(text: str, tag: TagFunction) -> bool:
    spoken = text.split()
    remark = spoken[0] in words("aside_opener") or not words("talk").isdisjoint(spoken) if spoken else True
    return not remark and len(spoken) <= MAX_SOUND_WORDS and names_sound(text, tag)


def _read(canvas: Canvas, facts: FileFacts, tag: TagFunction, caps_style: CapsStyle) -> None:
    """Lets every rule look at one cue."""
    if canvas.is_document:
        return
    take_speaker_marks(canvas)
    take_labels(canvas, facts, tag)
    take_music(canvas, tag)
    if facts.capital_effects:
        take_caps_effects(canvas, tag)
    if caps_style != "off" and not facts.capital_dialogue:
        take_on_screen_capitals(canvas)
    read_brackets(canvas, facts, tag)
    read_half_brackets(canvas, tag)
    take_lone_notes(canvas)


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
