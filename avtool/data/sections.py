"""Long clips in sections: a film is then as many clips, each of which is read, cached and drawn by itself."""

from collections.abc import Iterator
from dataclasses import replace

from avtool.data.manifest import Clip, Manifest, make_table


def divide_long(manifest: Manifest, seconds: float) -> Manifest:
    """The same clips, those that are longer than `seconds` in equal sections that are not.

    Sections keep what their clip has: labels, split, fold, and its group, which shows that they belong
    together. A section's id is that of its clip and its number, `film#3`.

    Args:
        manifest: the clips.
        seconds: the greatest length, in seconds.
    """
    assert seconds > 0, seconds
    if not (manifest.durations() > seconds).any():
        return manifest
    sections = [section for clip in manifest for section in _sections(clip, seconds)]
    return Manifest(make_table(sections), manifest.folder, manifest.origin)


def _sections(clip: Clip, seconds: float) -> Iterator[Clip]:
    count = max(1, -(-clip.duration // seconds))
    if count == 1:
        yield clip
        return
    length = clip.duration / count
    film_start = clip.extras.get("film_start")
    for number in range(int(count)):
        begin, end = number * length, (number + 1) * length
        extras = dict(clip.extras)
        if film_start is not None:
            extras |= {"film_start": film_start + begin, "film_end": film_start + end}
        yield replace(
            clip,
            clip_id=f"{clip.clip_id}#{number}",
            start=clip.start + begin,
            end=clip.start + end,
            group=clip.group or clip.media,
            extras=extras,
        )
