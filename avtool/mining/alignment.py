"""The alignment of parsed captions with a film's audio, for mining and the `sync` command."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avtool.core.reporter import Reporter, Silent
from avtool.media.audio_decode import AudioTrack, decode_audio
from avtool.media.captions.cue import Captions
from avtool.media.probe import MediaInfo
from avtool.mining.grammar import ParsedCaptions
from avtool.mining.recipe import SyncRecipe
from avtool.mining.sync.plot_data import alignment_plot
from avtool.mining.sync.synchronise import SyncResult, SyncSettings, synchronise
from avtool.mining.sync.vad import choose_detector, speech_signal

VAD_RATE = 16000
"""Sample rate of the speech detectors in Hz."""


def on_film_clock(captions: Captions, info: MediaInfo) -> Captions:
    """Captions timed on a transport stream's clock, moved to the film's own zero."""
    if captions.mpegts_offset_s is None or not info.start_s:
        return captions
    shift = round(1000 * (captions.mpegts_offset_s - info.start_s))
    moved = (replace(cue, start_ms=cue.start_ms + shift, end_ms=cue.end_ms + shift) for cue in captions.cues)
    return replace(captions, cues=tuple(moved), mpegts_offset_s=None)


def with_detector(recipe: SyncRecipe, reporter: Reporter) -> SyncRecipe:
    """The settings with the speech detector that `auto` stands for on this machine, as records name it."""
    detector = choose_detector(recipe.vad, Silent() if recipe.mode == "none" else reporter)
    return recipe.model_copy(update={"vad": detector})


def speech_of(
    film: Path, track: AudioTrack, scratch: Path, recipe: SyncRecipe, reporter: Reporter
) -> NDArray[np.float32]:
    """The film's speech signal at 100 Hz; audio of another rate than 16 kHz is decoded once more."""
    if recipe.mode == "none":
        return np.zeros(0, np.float32)
    detector = choose_detector(recipe.vad, reporter)
    if track.sample_rate == VAD_RATE:
        return speech_signal(track.open(), VAD_RATE, detector)
    second = decode_audio(film, scratch, sample_rate=VAD_RATE, stream=track.stream, reporter=reporter)
    try:
        return speech_signal(second.open(), VAD_RATE, detector)
    finally:
        second.path.unlink()


def align(
    parsed: ParsedCaptions, speech: NDArray[np.float32], recipe: SyncRecipe
) -> tuple[SyncResult, dict[str, Any]]:
    """The time map of captions, and the numbers of its plot.

    Args:
        parsed: dialogue marks when somebody should speak; tags only follow.
        speech: the film's speech signal at 100 Hz.
        recipe: the settings.
    """
    spans = [(span.start_ms, span.end_ms, 1) for span in parsed.dialogue]
    spans += [(tag.start_ms, tag.end_ms, 0) for tag in parsed.tags]
    times = np.array(sorted(spans), dtype=np.float64).reshape(-1, 3)
    starts, ends, is_dialogue = times[:, 0] / 1000, times[:, 1] / 1000, times[:, 2].astype(bool)
    settings = SyncSettings(
        mode=recipe.mode,
        max_offset_s=recipe.max_offset,
        split_penalty_s=recipe.split_penalty,
        min_z=recipe.min_z,
        force=recipe.force,
    )
    result = synchronise(starts, ends, is_dialogue, speech, settings=settings)
    return result, alignment_plot(starts, ends, is_dialogue, speech, result)
