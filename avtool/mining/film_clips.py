"""Cuts a film's events out of its decoded sound, and a few of them as small previews for the report."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from avtool.core.files import writing
from avtool.media.audio_cut import write_clip
from avtool.media.audio_decode import AudioTrack
from avtool.media.preview import encode_mp3
from avtool.media.probe import MediaInfo
from avtool.media.video_frames import save_frames
from avtool.mining.events import Event
from avtool.mining.recipe import ClipRecipe

_PREVIEWS = 8
CLIPS, FRAMES, PREVIEWS = "clips", "frames", "previews"


def write_clips(
    events: Sequence[Event], track: AudioTrack, info: MediaInfo, folder: Path, recipe: ClipRecipe
) -> tuple[list[Event], list[str]]:
    """Writes every event's clip, its frames where they are wanted, and previews of some events.

    Returns:
        The events with the exact times of their clips, and the event ids that have a preview.
    """
    samples, rate = track.samples(), track.sample_rate
    cut = []
    for event in events:
        if recipe.format != "none":
            name = f"{CLIPS}/{event.event_id}.{recipe.format}"
            with writing(folder / name):
                start, end = write_clip(samples, rate, event.start, event.end, folder / name)
            event = replace(event, start=start, end=end, clip_path=name)
        if recipe.frames_fps and info.video:
            save_frames(
                info.path, folder / FRAMES / event.event_id, event.start, event.end, recipe.frames_fps
            )
        cut.append(event)
    previewed = _choose(events)
    for event in previewed:
        clip = samples[round(event.start * rate) : round(event.end * rate)]
        path = folder / PREVIEWS / f"{event.event_id}.mp3"
        with writing(path):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(encode_mp3(clip, rate))
    return cut, [event.event_id for event in previewed]


def _choose(events: Sequence[Event]) -> list[Event]:
    """A few events that show as many different sounds as possible, in film order."""
    first_of_sound: dict[tuple[str, ...], Event] = {}
    for event in sorted(events, key=lambda event: (-event.conf, event.start)):
        if event.sounds:
            first_of_sound.setdefault(event.sounds[:1], event)
    chosen = list(first_of_sound.values())[:_PREVIEWS]
    return sorted(chosen, key=lambda event: event.start)
