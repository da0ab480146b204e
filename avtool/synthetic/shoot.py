"""Shoots a script: sound is mixed, pictures are painted and both are written, some seconds at a time."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from avtool.core.reporter import Reporter
from avtool.media.caption_track import CaptionTrack
from avtool.media.captions.cue import Cue
from avtool.media.encode import FilmSettings, film_writer
from avtool.synthetic.mixing import mix, parts_of
from avtool.synthetic.picture import Painter, PictureSettings
from avtool.synthetic.script import Script
from avtool.synthetic.sounds import SoundBank
from avtool.synthetic.speech import SpeechBank
from avtool.synthetic.synthesis import Rng

_AUDIO_BIT_RATE = 64_000
# The fastest that still keeps the edges of small drawn things.
_H264 = (("preset", "ultrafast"), ("tune", "zerolatency"), ("crf", "24"))


def shoot(
    path: Path,
    script: Script,
    sounds: SoundBank,
    speech: SpeechBank,
    picture: PictureSettings,
    captions: Sequence[Cue] | None,
    rng: Rng,
    reporter: Reporter,
) -> None:
    """Makes the film of a script; it appears at `path` when it is whole.

    Args:
        path: the film; its suffix decides the container.
        script: what happens.
        sounds: the bank that the script was written for.
        speech: the voices that the script was written for.
        picture: what to paint.
        captions: cues for a stream of the film itself, or None for no such stream.
        rng: where the noise of the room comes from.
        reporter: told how far the work is.
    """
    painter = None if picture.kind == "none" else Painter(script, picture)
    settings = FilmSettings(
        fps=picture.frame_rate,
        size=picture.size if painter else None,
        sample_rate=sounds.sample_rate,
        gop=2 * picture.frame_rate,
        video_options=() if path.suffix == ".webm" else _H264,
        audio_bit_rate=_AUDIO_BIT_RATE,
        captions=() if captions is None else (_caption_track(path, captions),),
    )
    frame = 0
    with (
        film_writer(path, settings) as writer,
        reporter.progress(f"making {script.title}", script.seconds) as progress,
    ):
        for block in mix(parts_of(script, sounds, speech), script.seconds, sounds.sample_rate, rng):
            writer.sound(block.samples)
            if painter is not None:
                for owner, samples in block.begun:
                    painter.hear(owner, samples, sounds.sample_rate)
                while frame < writer.sound_time * picture.frame_rate:
                    writer.picture(painter.frame(frame))
                    frame += 1
            progress.advance(len(block.samples) / sounds.sample_rate)


def _caption_track(path: Path, cues: Sequence[Cue]) -> CaptionTrack:
    if path.suffix in (".mp4", ".m4a"):
        cues = _one_at_a_time(cues)
    return CaptionTrack(cues, title="English SDH", hearing_impaired=True)


def _one_at_a_time(cues: Sequence[Cue]) -> list[Cue]:
    """Ends every cue when the next one starts: MP4 cannot show two at once, and would delay the second."""
    return [
        replace(cue, end_ms=max(min(cue.end_ms, following.start_ms), cue.start_ms + 1))
        for cue, following in pairwise(cues)
    ] + list(cues[-1:])
