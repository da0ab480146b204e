"""One shard: for each clip `KEY.json`, `KEY.flac`, and `KEY.0000.jpg`, `KEY.0001.jpg` and so on."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from avtool.core.errors import AvtoolError, DiskFullError
from avtool.core.files import atomic_file
from avtool.core.requirements import require
from avtool.data.decode_cache.settings import SpanSettings
from avtool.data.decode_cache.source import FilmSource
from avtool.data.manifest import Clip, Manifest
from avtool.data.shards.recipe import ShardRecipe
from avtool.media.audio_cut import encode_audio

_CACHE_MIB = 64  # each clip is read once: no more than what neighbours share


def write_shard(path: Path, clips: Manifest, first: int, settings: ShardRecipe) -> list[tuple[str, str]]:
    """Writes clips into a shard; equal clips and settings give equal bytes.

    Args:
        path: the tar file.
        clips: in the order in which they are to stand.
        first: the number of the first, for its key.
        settings: how.

    Returns:
        The clips that cannot be read: their ids, and why.

    Raises:
        MissingError: `webdataset` is not installed.
    """
    webdataset = require("webdataset", extra="webdataset")
    spans = SpanSettings(fps=settings.fps, short_side=settings.short_side, cache_mib=_CACHE_MIB)
    source = FilmSource(spans, settings.sample_rate)
    skipped = []
    with (
        atomic_file(path) as partial,
        partial.open("wb") as stream,
        webdataset.TarWriter(stream, encoder=False, mtime=0) as tar,
    ):
        for number, clip in enumerate(clips, first):
            try:
                fields = _fields(clips, clip, source, settings)
            except DiskFullError:
                raise
            except AvtoolError as error:
                skipped.append((clip.clip_id, error.message))
                continue
            tar.write({"__key__": f"{number:09d}", **fields})
    return skipped


def _fields(clips: Manifest, clip: Clip, source: FilmSource, settings: ShardRecipe) -> dict[str, bytes]:
    """The files of one clip by what follows its key."""
    fields: dict[str, bytes] = {}
    first_frame, count = 0.0, 0
    if clips.has_audio(clip):
        samples = source.audio(clips, clip, 0, max(1, round(clip.duration * settings.sample_rate)))
        fields["flac"] = encode_audio(samples, settings.sample_rate, "FLAC", "PCM_16")
    if clips.has_video(clip):
        first_frame, count = source.frame_span(clip)
        for number, frame in enumerate(source.frames(clips, clip, np.arange(count)) if count else ()):
            fields[f"{number:04d}.jpg"] = _jpeg(frame, settings.quality)
    fields["json"] = json.dumps(
        {
            "clip_id": clip.clip_id,
            "seconds": clip.duration,
            "split": clip.split,
            "fold": clip.fold,
            "labels": clip.labels,
            "text": clip.text,
            "group": clip.group or clip.media,
            "fps": settings.fps,
            "first_picture": round(first_frame, 9),
        },
        ensure_ascii=False,
        sort_keys=True,
    ).encode()
    return fields


def _jpeg(frame: Any, quality: int) -> bytes:
    stream = BytesIO()
    Image.fromarray(frame).save(stream, "JPEG", quality=quality)
    return stream.getvalue()
