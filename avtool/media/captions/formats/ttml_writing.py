"""TTML in the text profile of IMSC 1.1, built and serialised by ttconv."""

import io
import re
from collections.abc import Iterable
from fractions import Fraction

import ttconv.imsc.writer
from ttconv import model
from ttconv.imsc.attributes import TimeExpressionSyntaxEnum
from ttconv.imsc.config import IMSCWriterConfiguration
from ttconv.style_properties import (
    CoordinateType,
    DisplayAlignType,
    ExtentType,
    FontStyleType,
    LengthType,
    StyleProperties,
    TextAlignType,
)

from avtool.core.requirements import quiet
from avtool.media.captions.cue import Cue

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_ttml(cues: Iterable[tuple[Cue, tuple[str, ...]]], language: str = "") -> str:
    """A document with a region at the bottom and one at the top of the frame.

    Args:
        cues: each with its clean lines.
        language: BCP 47, or "".
    """
    with quiet("ttconv"):
        document = model.ContentDocument()
        document.set_lang(language)
        regions = {top: _region(document, top) for top in (False, True)}
        body, block = model.Body(document), model.Div(document)
        for element in (body, block):
            element.set_space(model.WhiteSpaceHandling.PRESERVE)
        document.set_body(body)
        body.push_child(block)
        for cue, lines in cues:
            block.push_child(_paragraph(document, cue, lines, regions[cue.top]))
        clock = IMSCWriterConfiguration(time_format=TimeExpressionSyntaxEnum.clock_time)
        tree = ttconv.imsc.writer.from_model(document, clock)
        buffer = io.BytesIO()
        tree.write(buffer, encoding="utf-8", xml_declaration=True)
    return buffer.getvalue().decode() + "\n"


def _region(document: model.ContentDocument, top: bool) -> model.Region:
    region = model.Region("top" if top else "bottom", document)
    percent = LengthType.Units.pct
    origin = CoordinateType(x=LengthType(10, percent), y=LengthType(10 if top else 70, percent))
    extent = ExtentType(width=LengthType(80, percent), height=LengthType(20, percent))
    region.set_style(StyleProperties.Origin, origin)
    region.set_style(StyleProperties.Extent, extent)
    align = DisplayAlignType.before if top else DisplayAlignType.after
    region.set_style(StyleProperties.DisplayAlign, align)
    region.set_style(StyleProperties.TextAlign, TextAlignType.center)
    document.put_region(region)
    return region


def _paragraph(
    document: model.ContentDocument, cue: Cue, lines: tuple[str, ...], region: model.Region
) -> model.P:
    paragraph = model.P(document)
    paragraph.set_begin(Fraction(cue.start_ms, 1000))
    paragraph.set_end(Fraction(cue.end_ms, 1000))
    paragraph.set_region(region)
    paragraph.set_space(model.WhiteSpaceHandling.PRESERVE)
    for number, line in enumerate(lines):
        if number:
            paragraph.push_child(model.Br(document))
        span = model.Span(document)
        span.set_space(model.WhiteSpaceHandling.PRESERVE)
        if cue.italic:
            span.set_style(StyleProperties.FontStyle, FontStyleType.italic)
        span.push_child(model.Text(document, _NO_XML.sub("", line)))
        paragraph.push_child(span)
    return paragraph
