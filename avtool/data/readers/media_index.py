"""Finding the files that a list names: by path, without their suffix, or by the end of their path."""

import filecmp
import os
import posixpath
from collections import defaultdict
from collections.abc import Container, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath

from avtool.core.addresses import is_address
from avtool.core.errors import BadInputError
from avtool.core.files import is_file
from avtool.media.addresses import storable
from avtool.media.suffixes import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from avtool.media.tar_members import split_member

_RANK = {suffix: rank for rank, suffix in enumerate(VIDEO_SUFFIXES + AUDIO_SUFFIXES)}


class AmbiguousNameError(BadInputError):
    """A name that stands for several files: a guess among them would give a clip another one's label."""


class MediaIndex:
    """The media files under a folder.

    Args:
        folder: where to look, with all folders in it. It is walked only if a name is not a path in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, names: tuple[str, ...]) -> str | None:
        """The absolute path, or the address, of the first name that leads to a file; None if none does.

        Raises:
            AmbiguousNameError: a name leads to different files of one kind in several folders.
        """
        return next((found for name in names if (found := self._find(name))), None)

    def _find(self, listed: str) -> str | None:
        if is_address(listed):
            return storable(listed)
        if split_member(Path(listed)):
            return listed
        name = plain_name(listed)
        wanted = stem_of(name)
        is_path = "/" in name or wanted != name  # a bare stem is looked up in memory: lists try many of them
        if is_path or name in self._top:
            for written in (listed, name) if "\\" in listed else (name,):
                if is_file(self.folder / written):
                    return str((self.folder / written).absolute())
        if name.startswith("/"):
            return None
        found = [
            relative
            for relative in self._by_stem.get(wanted.rpartition("/")[2], ())
            if f"/{stem_of(relative)}".endswith(f"/{wanted}")
        ]
        return str((self.folder / self._only(name, found)).absolute()) if found else None

    def _only(self, name: str, found: Sequence[str]) -> str:
        """The file that a name means: that of its suffix, else a film before a sound, which has less in it.

        Raises:
            AmbiguousNameError: it may be any of several, and their contents differ.
        """
        same_suffix = [relative for relative in found if f"/{relative}".endswith(f"/{name}")]
        first, *others = same_suffix or found
        rivals = [other for other in others if _is_film(other) == _is_film(first)]
        if stem_of(first) == stem_of(name) or all(self._are_equal(first, other) for other in rivals):
            return first
        places = " and in ".join(f"`{posixpath.dirname(path) or '.'}/`" for path in (first, *rivals[:2]))
        more = f" and in {len(rivals) - 2} more folders" if len(rivals) > 2 else ""
        raise AmbiguousNameError(f"`{name}` is in {places}{more}", "write the folder before the name")

    def _are_equal(self, one: str, other: str) -> bool:
        return posixpath.dirname(one) == posixpath.dirname(other) or filecmp.cmp(
            self.folder / one, self.folder / other, shallow=False
        )

    @cached_property
    def _top(self) -> frozenset[str]:
        """Names right in the folder: media may have no suffix at all."""
        return frozenset(path.name for path in self.folder.iterdir())

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        found = defaultdict(list)
        for relative in list_media(self.folder):
            found[stem_of(relative).rpartition("/")[2]].append(relative)
        for paths in found.values():  # films before sounds, then what is nearest
            paths.sort(key=lambda path: (_RANK[PurePosixPath(path).suffix.lower()], path.count("/"), path))
        return found


def list_media(folder: Path, suffixes: Container[str] = _RANK) -> list[str]:
    """The media under a folder by suffix, relative to it, sorted, without hidden files.

    Args:
        folder: where to look, with all folders in it.
        suffixes: of media, in small letters: those of films and audio, or of still images.

    Raises:
        BadInputError: there is no such folder.
    """
    if not folder.is_dir():
        raise BadInputError(f"there is no folder `{folder}`", "give the folder of the media with --media")
    found, seen = [], set()
    for place, folders, files in os.walk(folder, followlinks=True, onerror=_refuse):
        real = os.path.realpath(place)
        folders[:] = [] if real in seen else [name for name in folders if not name.startswith(".")]
        if real in seen:  # a link to a folder above it
            continue
        seen.add(real)
        relative = Path(place).relative_to(folder)
        found += [
            (relative / name).as_posix()
            for name in files
            if PurePosixPath(name).suffix.lower() in suffixes and not name.startswith(".")
        ]
    return sorted(found)


def _refuse(error: OSError) -> None:
    """A folder that cannot be read: without it the list would lack its files without a word."""
    raise error


def plain_name(name: str) -> str:
    r"""A listed name as paths are written here: `.\snd\a.wav` and `./snd//a.wav` are `snd/a.wav`."""
    if is_address(name) or not name.strip():
        return name.strip()
    return posixpath.normpath(name.strip().replace("\\", "/"))


def _is_film(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in VIDEO_SUFFIXES


def stem_of(name: str) -> str:
    """A path without the suffix of a medium; other dots belong to the name."""
    stem, _, suffix = name.rpartition(".")
    return stem if f".{suffix.lower()}" in _RANK else name
