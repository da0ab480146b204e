"""Finds the media of the clips that a source lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.data.readers.media_index import MediaIndex
from avtool.data.readers.source import ListedClip, Source


@dataclass(frozen=True, slots=True)
class FoundClip:
    """A clip and its file.

    Attributes:
        clip: as it is listed.
        media: an absolute path, or an address.
        is_cut: whether the file holds just the clip, by its name.
    """

    clip: ListedClip
    media: str
    is_cut: bool

    @property
    def span(self) -> tuple[float, float | None]:
        """From where to where the clip is in the file, in seconds; None for the end."""
        return (0.0, None) if self.is_cut else (self.clip.start, self.clip.end)


def locate(source: Source, folder: Path | None) -> tuple[list[FoundClip], list[ListedClip]]:
    """Looks for every clip's file.

    Args:
        source: what is listed.
        folder: where to look; None for the source's own.

    Returns:
        The clips with their files, and those without.

    Raises:
        BadInputError: there is no such folder, or not one file is there.
    """
    folder = folder or source.media
    if not folder.is_dir():
        raise BadInputError(f"there is no folder `{folder}`", "name the folder of the media with --media")
    index = MediaIndex(folder)
    found, absent = [], []
    for clip in source.clips:
        cut = index.find(source.cut_names(clip))
        media = cut or index.find((clip.media, *source.other_names(clip)))
        if media:
            found.append(FoundClip(clip, media, cut is not None))
        else:
            absent.append(clip)
    if not found:
        raise BadInputError(_nothing_found(source, absent, folder), "name their folder with --media")
    return found, absent


def _nothing_found(source: Source, absent: Sequence[ListedClip], folder: Path) -> str:
    names = [*source.cut_names(absent[0])[:1], absent[0].media]
    looked_for = " or ".join(f"`{name}`" for name in dict.fromkeys(names))
    return f"none of the {len(absent)} clips has its file in `{folder}` (the first: {looked_for})"
