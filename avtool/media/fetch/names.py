"""Names of a fetched film: its id, the stem of its files, and where its captions may be."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit, urlunsplit

_WITHOUT_IDS = {
    "Generic",
    "HTML5MediaEmbed",
    "QuotedHTML",
    "CamtasiaEmbed",
    "WordpressPlaylistEmbed",
    "WordpressMiniAudioPlayerEmbed",
}
"""yt-dlp's readers of any site whatever: different sites give them the same ids."""
_MAX_ID = 60
_MAX_TITLE = 60
_CONTROL = re.compile(r"[\x00-\x20\x7f-\xa0\u2028-\u202e\u2066-\u2069]+")


def unique_id(info: Mapping[str, Any]) -> str:
    """The film's id; made unique, by the address, where it is only the name of a file or a page."""
    identifier = str(info["id"])
    if info["extractor_key"] not in _WITHOUT_IDS and len(identifier) <= _MAX_ID:
        return identifier
    address = info.get("original_url") or info.get("webpage_url") or ""
    digest = hashlib.sha256(f"{address} {identifier}".encode()).hexdigest()[:8]
    readable = re.sub(r"[^\w.-]+", "-", identifier)[: _MAX_ID - 9].strip("-.") or "film"
    return f"{readable}-{digest}"


def film_stem(info: Mapping[str, Any]) -> str:
    """The name of the film's files, which yt-dlp makes safe: title and id, or the id that holds the title."""
    title = one_line(info.get("title")).lstrip("._- /\\")[:_MAX_TITLE] or "film"
    identifier = str(info["id"])
    return identifier if identifier.startswith(title) else f"{title}-{identifier}"


def beside(media_url: str, suffix: str) -> str:
    """The address of the file next to a media file: same folder, stem and query, another suffix."""
    parts = urlsplit(media_url)
    path = PurePosixPath(parts.path).with_suffix("")
    return urlunsplit(parts._replace(path=f"{path}{suffix}", fragment=""))


def one_line(text: object) -> str:
    """A title or a message from the web as one line of bounded length, without control characters."""
    readable = str(text or "").encode("utf-8", "replace").decode("utf-8")  # a site may send half a character
    return _CONTROL.sub(" ", readable).strip()[:300]
