"""The audio of a clip of a manifest."""

import numpy as np

from avtool.core.errors import BadInputError
from avtool.data.manifest import Manifest
from avtool.data.media_files import Media
from avtool.media.waveforms import Waveform, read_waveform

_SILENCE_S = (
    60.0  # that may follow a file which is shorter than its clip; twice the file at most, if it is longer
)


def read_clip_audio(manifest: Manifest, media: Media, *, sample_rate: int = 16000) -> Waveform:
    """Reads the whole of a clip's audio, with silence after the end of a file that is shorter than the clip.

    Returns:
        (round(duration * sample_rate),) float32.

    Raises:
        BadInputError: as `read_waveform`, or the file ends before the clip begins.
    """
    path = manifest.local(media)
    waveform = read_waveform(path, media.start, media.end, sample_rate=sample_rate)
    if not waveform.size:
        raise BadInputError(
            f"`{path}` has no audio from {media.start:g} s on", "check the manifest, or prepare it again"
        )
    wanted = round((media.end - media.start) * sample_rate)
    if wanted - waveform.size > _SILENCE_S * sample_rate + waveform.size:
        message = f"`{path}` ends {(wanted - waveform.size) / sample_rate:.0f} s before its clip"
        raise BadInputError(f"{message} ({media.start:g} to {media.end:g} s)", "check the manifest")
    return np.pad(waveform, (0, wanted - waveform.size))
