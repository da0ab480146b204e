"""The suffixes by which films and audio files are found in folders; what they hold decides later."""

from pathlib import Path

from avtool.core.errors import BadInputError

VIDEO_SUFFIXES = (
    ".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".flv", ".wmv", ".3gp", ".ogv",
)  # fmt: skip
AUDIO_SUFFIXES = (
    ".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus", ".aac", ".oga", ".aif", ".aiff", ".w64", ".au", ".wma",
)  # fmt: skip


def films_in(folder: Path) -> list[Path]:
    """The films under a folder, by path; where there is none, its audio files. Hidden ones do not count.

    Raises:
        BadInputError: there is neither.
    """
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    shown = [p for p in paths if not any(part.startswith(".") for part in p.relative_to(folder).parts)]
    for suffixes in (VIDEO_SUFFIXES, AUDIO_SUFFIXES):
        if found := [path for path in shown if path.suffix.lower() in suffixes]:
            return found
    raise BadInputError(f"`{folder}` holds no film", f"films end in {', '.join(VIDEO_SUFFIXES)}")
