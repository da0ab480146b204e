"""Synchronisation of a caption file with a film: `avtool sync`."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.media.audio_decode import decode_audio
from avtool.media.captions.cue import Cue
from avtool.media.captions.writing import render_captions, write_captions
from avtool.media.probe import probe
from avtool.mining.alignment import align, on_film_clock, speech_of
from avtool.mining.caption_language import language_of
from avtool.mining.grammar import parse_cues
from avtool.mining.pairing import FilmPair, caption_file_of, load_film_captions
from avtool.mining.recipe import SyncCaptionsRecipe
from avtool.mining.sync.outcome import SyncResult
from avtool.mining.sync.time_map import TimeMap
from avtool.mining.tagger import Tagger


@dataclass(frozen=True)
class SyncOutcome:
    """What synchronisation found.

    Attributes:
        result: the decision, the time map and its quality.
        cues: the captions in film time.
        dropped: captions that now end before the film begins.
    """

    result: SyncResult
    cues: list[Cue]
    dropped: int


def sync_captions(film: Path, captions: str, recipe: SyncCaptionsRecipe, reporter: Reporter) -> SyncOutcome:
    """Listens to the film and times its captions.

    Args:
        film: the media file.
        captions: a caption file, `stream:N`, or `auto`.
        recipe: the settings.
        reporter: gets progress and decisions.

    Raises:
        BadInputError: film or captions cannot be read, or do not belong together.
    """
    info = probe(film)
    given = on_film_clock(
        load_film_captions(FilmPair(film.stem, film, captions), recipe.language, info.fps), info
    )
    file = caption_file_of(FilmPair(film.stem, film, captions), recipe.language)
    parsed = parse_cues(given.cues, tag=Tagger().tag)
    with tempfile.TemporaryDirectory(prefix="avtool-sync-") as scratch:
        audio = Path(scratch) / "audio.npy"
        track = decode_audio(
            film, audio, stream=recipe.audio_stream, language=language_of(given, file), reporter=reporter
        )
        speech = speech_of(film, track, Path(scratch) / "speech.npy", recipe.sync, reporter)
    result, _ = align(parsed, speech, recipe.sync)
    for warning in track.warnings:
        reporter.warn(warning)
    if result.decision == "refused":
        raise BadInputError(
            f"`{given.source}` and `{film}`: {result.reason}", "look for the right captions, or give --force"
        )
    if result.decision == "skipped" and recipe.sync.mode != "none":
        raise BadInputError(
            f"`{given.source}` and `{film}`: {result.reason}",
            "give --force for the best match, or --sync none to copy the times unchecked",
        )
    (reporter.warn if result.needs_attention else reporter.info)(f"{given.source}: {result.reason}")
    moved = list(move_cues(given.cues, result.map))
    return SyncOutcome(result, moved, len(given.cues) - len(moved))


def move_cues(cues: Iterable[Cue], time_map: TimeMap) -> Iterable[Cue]:
    """The cues in film time, in order; a cue that reaches over a jump keeps its length."""
    moved = []
    for cue in cues:
        start = time_map(cue.start_ms / 1000)
        end = start + time_map.ratio * (cue.end_ms - cue.start_ms) / 1000
        if end > 0:
            begin_ms = max(0, round(1000 * start))
            moved.append(replace(cue, start_ms=begin_ms, end_ms=max(begin_ms + 1, round(1000 * end))))
    return sorted(moved, key=lambda cue: (cue.start_ms, cue.end_ms))


def write_outcome(outcome: SyncOutcome, out: Path | None, recipe: SyncCaptionsRecipe) -> str:
    """Writes the captions to `out`, or returns their text where `out` is None (for stdout)."""
    if out is None:
        return render_captions(outcome.cues, recipe.format or "srt")
    write_captions(outcome.cues, out, format=recipe.format)
    return ""
