"""The shooting of a script: audio is mixed, frames are painted, and both are written block by block."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from avtool.core.reporter import Reporter
from avtool.media.caption_track import CaptionTrack
from avtool.media.captions.cue import Cue
from avtool.media.encode import FilmSettings, film_writer
from avtool.synthetic.mixing import mix, parts_of
from avtool.synthetic.painter import Painter, PainterSettings
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
    video: PainterSettings,
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
        video: what to paint.
        captions: cues for a stream of the film itself, or None for no such stream.
        rng: draws the noise of the room.
        reporter: shows the progress.
    """
    painter = None if video.kind == "none" else Painter(script, video)
    settings = FilmSettings(
        fps=video.frame_rate,
        size=video.size if painter else None,
        sample_rate=sounds.sample_rate,
        gop=2 * video.frame_rate,
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
            writer.audio(block.samples)
            if painter is not None:
                for owner, samples in block.begun:
                    painter.add_loudness(owner, samples, sounds.sample_rate)
                while frame < writer.audio_time * video.frame_rate:
                    writer.frame(painter.frame(frame))
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
