"""SCC (Scenarist): CEA-608 codes in hexadecimal, decoded by ttconv."""

import re
from dataclasses import dataclass

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
_CLEARING_CODES = {0x142C, 0x142D, 0x142E, 0x142F}  # erase or roll the screen, erase or show the memory
_FIRST_CHARACTER = 0x2000
_PADDING = "8080"
_PAIRS_IN_ROW, _CODES_ON_SCREEN = 24, 400  # twice as many as fit: codes may come doubled
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
    lines, rolls, row = [], False, _Row()
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
        codes = [int(word, 16) & _PARITY for word in good]
        rolls = rolls or not _ROLLING_CODES.isdisjoint(codes)
        good = [word if row.takes(code) else _PADDING for word, code in zip(good, codes, strict=True)]
        lines.append(f"{found[1]}\t{' '.join(good)}")
    draft.count("characters beyond the screen skipped", row.num_skipped)
    return lines, rolls


@dataclass
class _Row:
    """Room on the screen: 32 columns a row, 15 rows until it is erased; a decoder shows no more."""

    in_row: int = 0
    on_screen: int = 0
    num_skipped: int = 0

    def takes(self, code: int) -> bool:
        """Whether a code without its parity fits; one that moves the cursor begins a row."""
        if code in _CLEARING_CODES:
            self.in_row = self.on_screen = 0
            return True
        if code == 0:
            return True
        if code < _FIRST_CHARACTER and not _is_character(code):
            self.in_row = 0
        else:
            self.in_row += 1
        self.on_screen += 1
        fits = self.in_row <= _PAIRS_IN_ROW and self.on_screen <= _CODES_ON_SCREEN
        self.num_skipped += not fits
        return fits


def _is_character(code: int) -> bool:
    """Whether a control code stands for a character (special and extended ones) or a tab."""
    high, low = code >> 8 & 0x77, code & 0x7F
    return (high == 0x11 and 0x30 <= low <= 0x3F) or (high in (0x12, 0x13) and 0x20 <= low <= 0x3F)


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
