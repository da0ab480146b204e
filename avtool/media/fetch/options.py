"""Options of yt-dlp: bounded, polite, and nothing of the user's own configuration."""

import io
from pathlib import Path
from typing import Any

from avtool.core.errors import BadInputError
from avtool.media.fetch.recipe import FetchRecipe
from avtool.media.fetch.table import ARCHIVE_NAME, read_archive


def yt_dlp_options(folder: Path, recipe: FetchRecipe) -> dict[str, Any]:
    """The parameters of `yt_dlp.YoutubeDL` for fetching into `folder`.

    Raises:
        BadInputError: the cookie file cannot be read.
    """
    return {
        "paths": {"home": str(folder)},
        "outtmpl": {"default": "%(film_stem)s.%(ext)s"},
        "restrictfilenames": True,
        "windowsfilenames": True,
        "format": "bv*+ba/b/b*",
        "format_sort": [f"res:{recipe.max_height}"],
        "writesubtitles": True,
        "subtitleslangs": ["-all"],  # `_choose` picks the track
        "playlist_items": f"1:{recipe.max_films}",
        "lazy_playlist": True,
        "noplaylist": True,  # an address of one film in a playlist means the film
        "extract_flat": "discard",
        "allow_playlist_files": False,
        "download_archive": set() if recipe.overwrite else read_archive(folder / ARCHIVE_NAME),
        "overwrites": True if recipe.overwrite else None,
        "ratelimit": recipe.limit_rate,
        "sleep_interval": recipe.sleep,
        "retries": recipe.retries,
        "fragment_retries": recipe.retries,
        "extractor_retries": recipe.retries,
        "retry_sleep_functions": dict.fromkeys(("http", "fragment", "extractor"), _pause),
        "socket_timeout": recipe.timeout,
        "skip_unavailable_fragments": False,
        "cookiefile": _cookies(recipe.cookies),
        "cachedir": False,
        "ignoreerrors": True,  # a bad film never stops the others: `trouble` keeps account
        "external_downloader": {"default": "native"},
        "ffmpeg_location": str(Path(__file__).parent),  # none is there: PyAV does what is needed
        "fixup": "never",
        "noprogress": True,
        "color": "never",
    }


def _pause(n: int) -> float:
    """Seconds to wait before attempt `n`: each time twice as long."""
    return float(min(0.25 * 2**n, 30.0))


def _cookies(path: Path | None) -> io.StringIO | None:
    """A copy in memory: yt-dlp writes the cookies back at the end, which the user does not want."""
    if path is None:
        return None
    try:
        return io.StringIO(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"cannot read the cookies in `{path}`", "give a Netscape cookie file") from error
