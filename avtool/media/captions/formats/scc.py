"""SCC (Scenarist): CEA-608 codes in hexadecimal, decoded by ttconv."""

import re

from ttconv import model
from ttconv.scc.reader import to_model
from ttconv.style_properties import FontStyleType, StyleProperties

from avtool.core.errors import BadInputError
from avtool.core.requirements import quiet
from avtool.media.captions.cue import RawCue
from avtool.media.captions.draft import Draft, shorten
from avtool.media.captions.markup import Plain, Run, from_runs

_LINE = re.compile(r"\s*(\d\d[:;.,]\d\d[:;.,]\d\d[:;.,]\d\d)\s+(\S.*)")
_WORD = re.compile(r"[0-9A-Fa-f]{4}")
_PARITY = 0x7F7F
_ROLLING_CODES = {0x1425, 0x1426, 0x1427, 0x1429}  # two, three or four rows rolled up; painted on
_MAX_BYTES = 8 * 1024 * 1024


def read(text: str, draft: Draft) -> None:
    """Reads SCC. A row that stays on screen while another is added is given once, in its first cue."""
    if len(text) > _MAX_BYTES:
        raise BadInputError(
            f"{draft.source} is too long for SCC ({len(text) >> 20} MiB)", "no film needs so much"
        )
    lines, rolls = _clean_lines(text, draft)
    with quiet("ttconv"):
        try:
            document = to_model("\n".join(lines))
        except (ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
            raise BadInputError(
                f"{draft.source} holds CEA-608 codes that cannot be decoded ({shorten(str(error))})",
                "repair or replace the file",
            ) from error
        cues = [
            _cue(element) for element in document.get_body().dfs_iterator() if isinstance(element, model.P)
        ]
    draft.rolls = rolls
    for cue in cues:
        draft.add(cue)


def _clean_lines(text: str, draft: Draft) -> tuple[list[str], bool]:
    """The lines that the decoder can take, and whether any code rolls up or paints on."""
    lines, rolls = [], False
    for line_number, line in enumerate(text.split("\n"), 1):
        found = _LINE.match(line)
        if found is None:
            if line.strip() and "Scenarist_SCC" not in line:
                draft.unreadable(line_number, line, "unreadable line skipped")
            continue
        words = found[2].split()
        good = [word for word in words if _WORD.fullmatch(word)]
        if len(good) < len(words):
            draft.unreadable(line_number, line, "damaged code skipped")
        rolls = rolls or any(int(word, 16) & _PARITY in _ROLLING_CODES for word in good)
        lines.append(f"{found[1]}\t{' '.join(good)}")
    return lines, rolls


def _cue(paragraph: model.P) -> RawCue:
    begin, end = paragraph.get_begin(), paragraph.get_end()
    plain = plain_of(paragraph)
    return RawCue(
        round((begin or 0) * 1000), None if end is None else round(end * 1000), plain.lines, plain.italic
    )


def plain_of(paragraph: model.P) -> Plain:
    """The text of a paragraph of ttconv's document model."""
    runs: list[Run] = []
    for element in paragraph.dfs_iterator():
        if isinstance(element, model.Br):
            runs.append(("\n", False))
        elif isinstance(element, model.Text):
            style = element.parent().get_style(StyleProperties.FontStyle)
            runs.append((element.get_text(), style is FontStyleType.italic))
    return from_runs(runs)
