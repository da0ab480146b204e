"""Finds the media of the clips that a source lists."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.data.readers.media_index import AmbiguousNameError, MediaIndex
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


@dataclass(frozen=True, slots=True)
class Located:
    """The clips of a source by what was found.

    Attributes:
        found: with their files.
        absent: without a file.
        ambiguous: whose name stands for several files, and which.
    """

    found: list[FoundClip] = field(default_factory=list)
    absent: list[ListedClip] = field(default_factory=list)
    ambiguous: list[tuple[ListedClip, str]] = field(default_factory=list)


def locate(source: Source, folder: Path | None) -> Located:
    """Looks for every clip's file.

    Args:
        source: what is listed.
        folder: where to look; None for the source's own.

    Raises:
        BadInputError: there is no such folder, or not one file is there.
    """
    folder = folder or source.media
    if not folder.is_dir():
        raise BadInputError(f"there is no folder `{folder}`", "name the folder of the media with --media")
    index = MediaIndex(folder)
    clips = Located()
    for clip in source.clips:
        try:
            cut = index.find(source.cut_names(clip))
            media = cut or index.find((clip.media, *source.other_names(clip)))
        except AmbiguousNameError as error:
            clips.ambiguous.append((clip, error.message))
            continue
        if media:
            clips.found.append(FoundClip(clip, media, cut is not None))
        else:
            clips.absent.append(clip)
    if not clips.found and clips.ambiguous:
        clip, message = clips.ambiguous[0]
        raise BadInputError(f"{clip.where}: {message}", "write the folders before the names")
    if not clips.found:
        raise BadInputError(_nothing_found(source, clips.absent, folder), "name their folder with --media")
    return clips


def _nothing_found(source: Source, absent: Sequence[ListedClip], folder: Path) -> str:
    names = [*source.cut_names(absent[0])[:1], absent[0].media]
    looked_for = " or ".join(f"`{name}`" for name in dict.fromkeys(names))
    return f"none of the {len(absent)} clips has its file in `{folder}` (the first: {looked_for})"
