"""The clips of a film's events, cut out of its decoded audio, and a few as small previews for the report."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avtool.core.files import writing
from avtool.media.audio_cut import release_pages, write_clip
from avtool.media.audio_decode import AudioTrack
from avtool.media.preview import encode_mp3
from avtool.media.probe import MediaInfo
from avtool.media.video_frames import save_frames
from avtool.mining.events import Event
from avtool.mining.recipe import ClipRecipe

_PREVIEWS = 8
_FRAMES = "frames"


def clip_name(event: Event, recipe: ClipRecipe) -> str:
    """The file of an event's clip in its film's folder; where no clips are cut, the name it would have."""
    return f"{event.event_id}.{'wav' if recipe.format == 'none' else recipe.format}"


def preview_path(folder: Path, event_id: str) -> Path:
    """Where an event's MP3 preview stands in its film's folder."""
    return folder / "previews" / f"{event_id}.mp3"


def write_clips(
    events: Sequence[Event], track: AudioTrack, info: MediaInfo, folder: Path, recipe: ClipRecipe
) -> tuple[list[Event], list[str]]:
    """Writes every event's clip, its frames where they are wanted, and previews of some events.

    Returns:
        The events with the exact times of their clips, and the event ids that have a preview.
    """
    samples, rate = track.open(), track.sample_rate
    cut = [_cut(event, samples, rate, folder, recipe) for event in events]
    if recipe.frames_fps and info.video:
        for event in cut:
            save_frames(
                info.path, folder / _FRAMES / event.event_id, event.start, event.end, recipe.frames_fps
            )
    previewed = _choose(cut)
    for event in previewed:
        path = preview_path(folder, event.event_id)
        with writing(path):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(encode_mp3(samples[round(event.start * rate) : round(event.end * rate)], rate))
    return cut, [event.event_id for event in previewed]


def _cut(
    event: Event, samples: NDArray[np.int16], sample_rate: int, folder: Path, recipe: ClipRecipe
) -> Event:
    if recipe.format == "none":
        return event
    name = clip_name(event, recipe)
    start, end = write_clip(samples, sample_rate, event.start, event.end, folder / name)
    release_pages(samples)
    return replace(event, start=start, end=end, clip_path=name)


def _choose(events: Sequence[Event]) -> list[Event]:
    """A few events that show as many different sounds as possible, in film order."""
    first_of_sound: dict[str, Event] = {}
    for event in sorted(events, key=lambda event: (-event.conf, event.start)):
        if event.sounds:
            first_of_sound.setdefault(event.sounds[0], event)
    chosen = list(first_of_sound.values())[:_PREVIEWS]
    return sorted(chosen, key=lambda event: event.start)
