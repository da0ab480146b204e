"""Captions as files: for players in four formats, and for the human editor as a table."""

from collections.abc import Sequence
from pathlib import Path

from avtool.captioning.event import CaptionPlan
from avtool.core.errors import BadInputError
from avtool.core.files import write_csv
from avtool.media.captions.cue import Captions
from avtool.media.captions.writing import FORMATS, Rendering, write_captions

CUE_COLUMNS = ("start", "end", "text", "score", "rule", "label", "event_start", "event_end")


def write_plan(
    plan: CaptionPlan,
    stem: Path,
    formats: Sequence[str] = ("vtt",),
    *,
    dialogue: Captions | None = None,
    language: str = "en",
    note: str = "",
    srt_position: bool = False,
    crlf: bool = False,
    bom: bool = False,
) -> list[Path]:
    """Writes the captions, each file whole or not at all; a plan without cues gives valid, empty files.

    Args:
        plan: of `plan_captions`.
        stem: the files' name without its suffix, such as `film.en-sdh`.
        formats: of `vtt`, `srt`, `ttml` and `json`.
        dialogue: that of the plan: its markup is passed on as it is, where the format is the same.
        language: of the captions (BCP 47).
        note: a comment in WebVTT, such as model and threshold.
        srt_position: whether SubRip places cues at the top of the frame; otherwise it leaves those out.
        crlf: whether SubRip has Windows line ends.
        bom: whether SubRip has a byte order mark.

    Returns:
        The files, in the order of the formats.

    Raises:
        BadInputError: a format is unknown, or a file cannot be written.
    """
    if unknown := [name for name in formats if name not in FORMATS]:
        raise BadInputError(
            f"captions cannot be written as `{unknown[0]}`", f"choose of {', '.join(FORMATS)}"
        )
    rendering = Rendering(
        markup_of="vtt" if dialogue and dialogue.format == "vtt" else "srt",
        header=dialogue.header if dialogue else "",
        note=note,
        numbered=True,
        top_in_subrip=srt_position,
        language=language,
        crlf=crlf,
        bom=bom,
    )
    paths = []
    for format_ in formats:
        path = stem.with_name(f"{stem.name}.{format_}")
        cues = plan.cues if format_ != "srt" or srt_position else plan.without_top
        write_captions(cues, path, format=format_, rendering=rendering)
        paths.append(path)
    return paths


def write_cue_table(plan: CaptionPlan, path: Path) -> None:
    """Writes a CSV row an event: when it is shown, or was heard if it is not, its text, score and rules."""
    rows = []
    for decision in plan.decisions:
        event, cue = decision.event, decision.cue
        times = (cue.start_ms / 1000, cue.end_ms / 1000) if cue else (event.start, event.end)
        rules = "; ".join(decision.rules)
        heard = f"{event.start:.3f}", f"{event.end:.3f}"
        start, end = (f"{time:.3f}" for time in times)
        rows.append((start, end, decision.text, f"{event.score:.3f}", rules, event.label or "", *heard))
    write_csv(path, CUE_COLUMNS, rows)
