"""The suffixes by which films, audio and images are found in folders; what they hold decides later."""

from pathlib import Path

from avtool.core.errors import BadInputError

VIDEO_SUFFIXES = (
    ".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".flv", ".wmv", ".3gp", ".ogv",
)  # fmt: skip
AUDIO_SUFFIXES = (
    ".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus", ".aac", ".oga", ".aif", ".aiff", ".w64", ".au", ".wma",
)  # fmt: skip
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm", ".tif", ".tiff")


def films_in(folder: Path) -> list[Path]:
    """The films under a folder, by path; where there is none, its audio files. Hidden ones do not count.

    Raises:
        BadInputError: there is neither.
    """
    for suffixes in (VIDEO_SUFFIXES, AUDIO_SUFFIXES):
        if found := _shown(folder, suffixes):
            return found
    raise BadInputError(f"`{folder}` holds no film", f"films end in {', '.join(VIDEO_SUFFIXES)}")


def audio_beside_films_in(folder: Path) -> list[Path]:
    """The audio files under a folder that `films_in` skips, as there are films."""
    return _shown(folder, AUDIO_SUFFIXES) if _shown(folder, VIDEO_SUFFIXES) else []


def _shown(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The files under a folder with some suffixes, by path, but for hidden ones."""
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in suffixes and path.is_file()]
    return [p for p in paths if not any(part.startswith(".") for part in p.relative_to(folder).parts)]
