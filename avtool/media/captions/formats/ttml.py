"""TTML, DFXP, SMPTE-TT, EBU-TT and IMSC text: timed paragraphs in XML.

The time expressions (clock times, frames with a multiplier, ticks, drop frames) are read by ttconv. Its
document model is not used: it demands one namespace out of the dozen that are in use, takes a time that it
cannot read as zero, and drops paragraphs without duration, each silently.
"""

import html
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from ttconv.imsc.attributes import (
    DropMode,
    TemporalAttributeParsingContext,
    TimeBase,
    parse_time_expression,
)

from avtool.core.errors import BadInputError
from avtool.core.requirements import quiet
from avtool.media.captions.cue import RawCue
from avtool.media.captions.draft import Draft
from avtool.media.captions.markup import Run, from_runs
from avtool.media.languages import bcp47

_MAX_DEPTH = 64
_MAX_STYLE_CHAIN = 8
_ITALIC = ("italic", "oblique")
_NO_TEXT = {"metadata", "set", "animate", "desc", "title", "copyright", "agent", "image", "information"}
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]{1,30});")
_WHITE_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class _Scope:
    """What an element hands down: its interval in seconds, its style, whether white space is kept."""

    begin: Fraction
    end: Fraction | None
    timed: bool = False
    italic: bool = False
    region: str = ""
    preserve: bool = False
    depth: int = 0


def read(text: str, draft: Draft) -> None:
    """Reads TTML of any namespace.

    Raises:
        BadInputError: the XML is broken, defines entities, or holds images in place of text.
    """
    root = _parse(text, draft)
    body = next((element for element in root if element.tag == "body"), None)
    draft.language = bcp47(root.get("lang", ""))
    reader = _Reader(root, draft)
    with quiet("ttconv"):
        if body is not None:
            reader.container(body, _Scope(Fraction(0), None, preserve=root.get("space") == "preserve"))
    if not draft.cues and any(e.tag == "image" or "backgroundImage" in e.attrib for e in root.iter()):
        raise BadInputError(
            f"{draft.source} holds images of captions (TTML)", "OCR is not offered: give text"
        )


def _parse(text: str, draft: Draft) -> Element:
    """The tree with local names: prefixes and namespaces differ from file to file, meanings do not."""
    builder = TreeBuilder()
    parser = expat.ParserCreate()

    def start(name: str, attributes: dict[str, str]) -> None:
        builder.start(_local(name), {_local(key): value for key, value in attributes.items()})

    def refuse(*_: object) -> None:
        raise BadInputError(f"{draft.source} has a document type definition", "captions need none: remove it")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: builder.end(_local(name))
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse  # entities that grow into gigabytes are defined there
    try:
        parser.Parse(_ENTITY.sub(_as_character, text.strip()), True)
    except expat.ExpatError as error:
        problem = expat.errors.messages[error.code]
        raise BadInputError(
            f"{draft.source} is broken XML ({draft.encoding}): line {error.lineno}: {problem}",
            "repair the file",
        ) from error
    root = builder.close()
    assert isinstance(root, Element), "expat gave a root"
    return root


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _as_character(entity: re.Match[str]) -> str:
    """HTML's named characters are not defined in XML, but people use them."""
    character = html.unescape(entity[0])
    return entity[0].replace("&", "&amp;") if character == entity[0] else character


class _Reader:
    """Walks the body and adds a cue for each interval of each paragraph."""

    def __init__(self, root: Element, draft: Draft) -> None:
        self.draft = draft
        self.clock = clock_of(root)
        self.italic_styles = _italic_styles(root)
        self.top_regions = {region.get("id", "") for region in root.iter("region") if _is_at_top(region)}

    def container(self, element: Element, outer: _Scope) -> Fraction | None:
        """Reads body, div or p, and returns when it ends."""
        scope = self._scope(element, outer)
        if element.tag == "p":
            self._paragraph(element, scope)
            return scope.end
        inner = scope
        for child in element:
            if child.tag in ("div", "p"):
                end = self.container(child, inner)
                if element.get("timeContainer") == "seq" and end is not None:
                    inner = replace(scope, begin=end)
        return scope.end

    def _paragraph(self, element: Element, scope: _Scope) -> None:
        intervals: dict[tuple[bool, Fraction, Fraction | None], list[Run]] = {}
        for run, owner in self._inline(element, scope):
            intervals.setdefault((owner.timed, owner.begin, owner.end), []).append(run)
        texts = [(times, from_runs(runs)) for times, runs in intervals.items()]
        texts = [text for text in texts if text[1].lines] or texts[:1]
        for (timed, begin, end), plain in texts:
            lines = plain.lines if scope.preserve else tuple(_collapsed(line) for line in plain.lines)
            if lines and not timed:
                self.draft.unreadable(0, " ".join(lines), "text without a time skipped")
                continue
            end_ms = None if end is None else round(end * 1000)
            top = scope.region in self.top_regions
            self.draft.add(
                RawCue(round(begin * 1000), end_ms, lines, plain.italic, style=scope.region, top=top)
            )

    def _inline(self, element: Element, scope: _Scope) -> list[tuple[Run, _Scope]]:
        """The paragraph's text in pieces, each with the interval it is shown in."""
        pieces = [(_run(element.text, scope), scope)]
        for child in element:
            if child.tag == "br":
                pieces.append((("\n", scope.italic), scope))
            elif child.tag not in _NO_TEXT and child.get("ruby") != "delimiter":
                pieces += self._inline(child, self._scope(child, scope))
            pieces.append((_run(child.tail, scope), scope))
        return pieces

    def _scope(self, element: Element, outer: _Scope) -> _Scope:
        if outer.depth >= _MAX_DEPTH:
            raise BadInputError(
                f"{self.draft.source} nests elements over {_MAX_DEPTH} deep", "it is no caption file"
            )
        begin, end, timed = self._interval(element, outer)
        stated = [
            self.italic_styles[name]
            for name in element.get("style", "").split()
            if name in self.italic_styles
        ]
        if style := element.get("fontStyle"):
            stated.append(style in _ITALIC)
        return _Scope(
            begin,
            end,
            timed,
            italic=stated[-1] if stated else outer.italic,
            region=element.get("region", outer.region),
            preserve=element.get("space") == "preserve" if "space" in element.attrib else outer.preserve,
            depth=outer.depth + 1,
        )

    def _interval(self, element: Element, outer: _Scope) -> tuple[Fraction, Fraction | None, bool]:
        """The element's begin and end, and whether it has any times.

        Times are relative to the element around it (TTML2, 12.2). Some writers give absolute times
        everywhere; such an interval begins after the outer one has ended.
        """
        begin, end, duration = (self._seconds(element, name) for name in ("begin", "end", "dur"))
        if "begin" in element.attrib and begin is None:
            return outer.begin, outer.end, False
        base, limit = outer.begin, outer.end
        if begin is not None and limit is not None and base + begin >= limit:
            self.draft.count("time outside of its parent, taken as absolute")
            base, limit = Fraction(0), None
        start = base + (begin or 0)
        stops = [base + end] if end is not None else []
        stops += [start + duration] if duration is not None else []
        stops += [limit] if limit is not None else []
        timed = outer.timed or begin is not None or bool(stops)
        return start, min(stops, default=None), timed

    def _seconds(self, element: Element, name: str) -> Fraction | None:
        expression = element.get(name)
        if expression is None:
            return None
        try:
            return Fraction(parse_time_expression(self.clock, _usual(expression), strict=False))
        except (ValueError, ZeroDivisionError):
            self.draft.count("unreadable time")
            return None


def _run(text: str | None, scope: _Scope) -> Run:
    return (text or "") if scope.preserve else _collapsed(text or ""), scope.italic


def _collapsed(text: str) -> str:
    return _WHITE_SPACE.sub(" ", text)


def _is_at_top(region: Element) -> bool:
    """Whether a region that is filled from above lies in the upper half of the frame."""
    _, _, from_top = region.get("origin", "").strip().partition(" ")
    is_upper = from_top.endswith("%") and from_top[:1] in "01234" and len(from_top.partition(".")[0]) <= 3
    return is_upper and region.get("displayAlign") == "before"


def clock_of(root: Element) -> TemporalAttributeParsingContext:
    """How the document counts frames and ticks."""
    frame_rate = Fraction(_positive(root.get("frameRate")) or 30)
    factors = [_positive(number) for number in re.split(r"[\s:]+", root.get("frameRateMultiplier", ""))]
    drop = root.get("dropMode", DropMode.nonDrop.value)
    if len(factors) == 2 and all(factors):
        frame_rate *= Fraction(*factors)
    elif drop == DropMode.dropNTSC.value:
        frame_rate *= Fraction(1000, 1001)  # the mode means nothing at another rate
    default_tick_rate = frame_rate if "frameRate" in root.attrib else 1
    is_smpte = root.get("timeBase") == TimeBase.smpte.value
    return TemporalAttributeParsingContext(
        frame_rate=frame_rate,
        tick_rate=_positive(root.get("tickRate")) or default_tick_rate,
        time_base=TimeBase.smpte if is_smpte else TimeBase.media,
        drop_mode=DropMode(drop) if drop in {mode.value for mode in DropMode} else DropMode.nonDrop,
    )


def _positive(number: str | None) -> int:
    return int(number) if number and re.fullmatch(r"\s*\d{1,12}\s*", number) else 0


def _usual(expression: str) -> str:
    """A time expression as the standard writes it: `0:00:01,5` → `00:00:01.5`, `12.5` → `12.5s`."""
    expression = expression.strip().replace(",", ".").replace(";", ":")
    parts = expression.split(":")
    if len(parts) == 1:
        return f"{expression}s" if expression[-1:].isdigit() else expression
    whole, dot, fraction = parts[-1].partition(".")
    parts = ["00"] * (3 - len(parts)) + [part.zfill(2) for part in parts[:-1]] + [whole.zfill(2)]
    return ":".join(parts) + (dot + fraction if len(parts) == 3 else "")  # sub-frames are too short to see


def _italic_styles(root: Element) -> dict[str, bool]:
    """The styles whose text is italic, also by way of the styles they refer to."""
    styles = {style.get("id", ""): style for style in root.iter("style")}
    italic = {
        name: style.get("fontStyle") in _ITALIC
        for name, style in styles.items()
        if "fontStyle" in style.attrib
    }
    for _ in range(_MAX_STYLE_CHAIN):
        for name, style in styles.items():
            stated = [italic[other] for other in style.get("style", "").split() if other in italic]
            if stated:
                italic.setdefault(name, stated[-1])
    return italic
