"""SubRip, and its many damaged relatives; also SubRip with several languages in each cue."""

import re
from collections import Counter
from itertools import islice

from avtool.media.captions.cue import RawCue
from avtool.media.captions.draft import MAX_CUES, Draft
from avtool.media.captions.formats.blocks import Block, blocks
from avtool.media.captions.markup import plain_subrip
from avtool.media.languages import bcp47, is_language, same_language

_LANGUAGE_LINE = re.compile(r"\s*\[([a-z]{2,4})\][ \t]+(\S.*)")
_AT_TOP = re.compile(r"\{[^{}]*\\an[789]\b")
_MULTILINGUAL_SHARE, _MULTILINGUAL_CUES = 0.8, 3


def read(text: str, draft: Draft) -> None:
    """Reads SubRip: dots for commas, missing indices or blank lines, coordinates, tags, entities."""
    first, *cues = islice(blocks(text), MAX_CUES + 2)
    kept_language = _language_to_keep(cues, draft)
    if any(first.paragraphs) and not kept_language:
        draft.count("text before the first cue skipped")
    for block in cues:
        paragraphs = _own_paragraphs(block, draft)
        if block.time is None or block.time.start_ms is None:
            draft.unreadable(block.line_number, block.line)
            continue
        lines = [line for paragraph in paragraphs for line in paragraph]
        if kept_language:
            lines = _in_language(lines, kept_language, draft)
        plain = plain_subrip("\n".join(lines))
        draft.add(
            RawCue(
                block.time.start_ms,
                block.time.end_ms,
                plain.lines,
                plain.italic,
                plain.voice,
                word_times=plain.word_times,
                top=bool(_AT_TOP.search("\n".join(lines))),
                markup="\n".join(lines),
                settings=block.time.rest,
            )
        )


def _own_paragraphs(block: Block, draft: Draft) -> list[list[str]]:
    """The cue's paragraphs; one that begins with an index is another cue, whose time line is missing."""
    filled = [paragraph for paragraph in block.paragraphs if paragraph]
    for index, paragraph in enumerate(filled):
        if index and len(paragraph) > 1 and paragraph[0].strip().isdecimal():
            draft.unreadable(block.line_number, paragraph[0], "cue without a time skipped")
            filled = filled[:index]
            break
    if len(filled) > 1:
        draft.count("blank line inside a cue")
    return filled


def _language_to_keep(cues: list[Block], draft: Draft) -> str:
    """The code of the language to keep if each line names its language (`[eng] Hello`), else "".

    The codes look like sound cues in brackets. So they count as languages only if nearly all lines have
    one and most cues have several; then the wanted language is kept, or the first if it is not there.
    """
    codes: Counter[str] = Counter()
    num_lines, num_multilingual = 0, 0
    for block in cues:
        lines = [line for paragraph in block.paragraphs for line in paragraph]
        found = [match[1] for line in lines if (match := _LANGUAGE_LINE.match(line))]
        codes.update(found)
        num_lines += len(lines)
        num_multilingual += len(set(found)) > 1
    known = sum(map(is_language, codes))  # [man] and [dad] are no languages that films have captions in
    if len(cues) < _MULTILINGUAL_CUES or num_multilingual < len(cues) / 2 or known < len(codes) / 2:
        return ""
    if codes.total() < _MULTILINGUAL_SHARE * num_lines:
        return ""
    kept = next((code for code in codes if same_language(code, draft.wanted_language)), next(iter(codes), ""))
    draft.format, draft.language = "msrt", bcp47(kept)
    return kept


def _in_language(lines: list[str], kept: str, draft: Draft) -> list[str]:
    """The lines of one language; a line without a code is in the language of the line above."""
    kept_lines, current = [], kept
    for line in lines:
        found = _LANGUAGE_LINE.match(line)
        if found:
            current, line = found[1], found[2]
            draft.count("line in another language skipped", current != kept)
        if current == kept:
            kept_lines.append(line)
    return kept_lines
