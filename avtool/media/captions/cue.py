"""The result of every caption reader: cues in time order, and the repairs that they needed."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption as shown on screen.

    Attributes:
        start_ms, end_ms: when it is shown, in milliseconds of film time; end_ms > start_ms.
        lines: the text without markup, one entry a line, none empty.
        italic: whether all of the text is italic.
        voice: the speaker that the format itself names (WebVTT `<v Bob>`, ASS Name field), or "".
        style: the format's style name or region, or "".
        word_times: (offset in `text`, milliseconds) of words that the file itself times, in order.
        top: whether it is placed at the top of the frame.
        markup: the text as a SubRip or WebVTT file has it, with its tags; "" in other formats.
        settings: what follows the times there (WebVTT cue settings), or "".
    """

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    italic: bool = False
    voice: str = ""
    style: str = ""
    word_times: tuple[tuple[int, int], ...] = ()
    top: bool = False
    markup: str = field(default="", compare=False)
    settings: str = field(default="", compare=False)

    @property
    def text(self) -> str:
        """The lines joined by line feeds."""
        return "\n".join(self.lines)


@dataclass(slots=True)
class RawCue:
    """One cue as a format's reader found it; `end_ms` is None where the file gives no end.

    `word_times` holds (offset in the lines joined by line feeds, milliseconds) where the file times words.
    """

    start_ms: int
    end_ms: int | None
    lines: tuple[str, ...]
    italic: bool = False
    voice: str = ""
    style: str = ""
    word_times: tuple[tuple[int, int], ...] = ()
    top: bool = False
    markup: str = ""
    settings: str = ""


@dataclass(frozen=True, slots=True)
class Captions:
    """A caption file or stream, read.

    Attributes:
        cues: in time order.
        format: `srt`, `vtt`, `ass`, `ttml`, `scc`, `stl`, `sami`, `microdvd`, `mpl2`, `sbv`, …
        encoding: the encoding the text was read with, and how it was found ("utf-8 (BOM)").
        source: the file, or the file and stream, for messages.
        language: that of the file's header (BCP 47), or "".
        repairs: what was mended → how many times (`{"end before start": 2}`).
        mpegts_offset_s: seconds to add to a cue's time to get the transport stream's clock
            (WebVTT `X-TIMESTAMP-MAP`), None when the times are film times already.
        header: style sheets and regions of a WebVTT file, which its cues refer to, as it has them; or "".
    """

    cues: tuple[Cue, ...]
    format: str
    encoding: str
    source: str
    language: str = ""
    repairs: dict[str, int] = field(default_factory=dict)
    mpegts_offset_s: float | None = None
    header: str = ""
