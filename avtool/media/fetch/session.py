"""yt-dlp as avtool uses it: bounded, without programs, plugins or settings of the user's, and accounted for.

yt-dlp finds the film behind an address, picks a stream and downloads it. What is added here: which captions
to take, merging by PyAV, the table of films, and a record of what became of each film.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from av.error import FFmpegError
from yt_dlp import YoutubeDL
from yt_dlp.cookies import CookieLoadError
from yt_dlp.globals import plugin_dirs
from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import HTTPError, IncompleteRead, RequestError, SSLError, TransportError
from yt_dlp.postprocessor.common import PostProcessor
from yt_dlp.utils import YoutubeDLError, make_archive_id

from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.reporter import Reporter
from avtool.media.fetch.captions import CAPTION_FORMATS, UNDETERMINED, CaptionTrack, choose_captions
from avtool.media.fetch.media import duration_of, join_streams
from avtool.media.fetch.names import beside, film_stem, one_line, unique_id
from avtool.media.fetch.options import yt_dlp_options
from avtool.media.fetch.outcome import NotFetched, Outcome
from avtool.media.fetch.recipe import FetchRecipe
from avtool.media.fetch.table import (
    ARCHIVE_NAME,
    TABLE_NAME,
    FilmRow,
    add_film,
    add_to_archive,
)
from avtool.media.fetch.talk import MEGABYTE, TransferBar, YtDlpLog, reason_of

_MAX_CAPTION_BYTES = 32_000_000


class FilmSkippedError(YoutubeDLError):  # type: ignore[misc]  # yt-dlp ships no types
    """The film is skipped on purpose."""


class FilmFailedError(YoutubeDLError):  # type: ignore[misc]
    """The film cannot be had."""


class FilmSession(YoutubeDL):  # type: ignore[misc]
    """One run of yt-dlp over some addresses, into one folder."""

    def __init__(self, folder: Path, recipe: FetchRecipe, reporter: Reporter) -> None:
        self.folder, self.recipe, self.reporter = folder.resolve(), recipe, reporter
        self.outcome = Outcome()
        self._address = ""
        self._film_number = 0
        self._reported: set[tuple[str, int]] = set()
        self._transfer = TransferBar(reporter)
        plugin_dirs.value = []  # plugins are code from the user's yt-dlp folders
        options = yt_dlp_options(self.folder, recipe)
        super().__init__(options | {"logger": YtDlpLog(reporter), "progress_hooks": [self._on_transfer]})
        try:
            _ = self.cookiejar
        except CookieLoadError as error:
            hint = "export it again in the Netscape format"
            raise BadInputError(f"cannot read the cookies in `{recipe.cookies}`", hint) from error
        self.add_post_processor(_Step(self._choose), when="pre_process")
        self.add_post_processor(_Step(self._require_captions), when="before_dl")
        self.add_post_processor(_Step(self._join), when="post_process")
        self.add_post_processor(_Step(self._record), when="after_move")

    def fetch(self, url: str) -> None:
        """Fetches the films of one address; whatever happens is in `outcome`."""
        before = self.outcome.count
        try:
            self.extract_info(url)
        except (AvtoolError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - a reader of yt-dlp stumbled: that is one address, not all
            self.fail(NotFetched(url, one_line(f"{type(error).__name__}: {error}")))
        finally:
            self._transfer.close()
        if self.outcome.count == before:
            self.fail(NotFetched(url, "nothing to fetch at this address"))

    # What yt-dlp calls: each of these replaces or extends a public method of YoutubeDL.

    def extract_info(self, url: str, *args: Any, **kwargs: Any) -> Any:
        self._address = url
        return super().extract_info(url, *args, **kwargs)

    def process_video_result(self, info_dict: dict[str, Any], download: bool = True) -> Any:
        before = self.outcome.count
        self._film_number += 1
        result = super().process_video_result(info_dict, download)
        if self.outcome.count == before:
            self.fail(NotFetched(self._address, "nothing was downloaded"))
        return result

    def in_download_archive(self, info_dict: dict[str, Any]) -> bool:
        archived = bool(super().in_download_archive(info_dict))
        self.outcome.archived += archived
        return archived

    def trouble(self, message: str | None = None, tb: str | None = None, is_error: bool = True) -> None:
        """Every error of yt-dlp's comes here, inside the handler of its exception."""
        if not is_error:
            self.reporter.detail(one_line(message))
            return
        error = sys.exception()
        outcome = NotFetched(self._address, reason_of(message or error))
        if isinstance(error, FilmSkippedError):
            self.outcome.skipped.append(outcome)
            self.reporter.info(f"skipped {outcome.url}: {outcome.reason}")
            return
        if tb and not isinstance(error, YoutubeDLError):  # nobody foresaw it
            self.reporter.detail(tb)
        self.fail(outcome, unreachable=_is_unreachable(error))

    def fail(self, failure: NotFetched, *, unreachable: bool = False) -> None:
        """Keeps account of an address that gave no film; of several errors about a film the first counts."""
        key = failure.url, self._film_number
        if key in self._reported:
            self.reporter.detail(failure.reason)
            return
        self._reported.add(key)
        self.outcome.failed.append(failure)
        self.outcome.unreachable += unreachable
        self.reporter.warn(f"{failure.url}: {failure.reason}")

    # The steps of one film, in order.

    def _choose(self, info: dict[str, Any]) -> list[str]:
        """Names the film, and picks its captions or refuses it."""
        info["id"] = unique_id(info)
        info["film_stem"] = film_stem(info)
        if make_archive_id(info["extractor_key"], info["id"]) in self.archive:
            return []
        if info.get("live_status") in {"is_live", "is_upcoming", "post_live"}:
            raise FilmSkippedError("it is a live broadcast: fetch the recording when there is one")
        streams = [stream for stream in info.get("formats") or [info] if _is_web(stream.get("url"))]
        if not streams:
            raise FilmFailedError("no stream of it comes by http or https")
        if info.get("formats"):
            info["formats"] = streams
        track = self._captions_of(info, streams[0]["url"])
        info["captions"] = track
        info["requested_subtitles"] = {track.language: {**track.source, "ext": track.ext}} if track else None
        return []

    def _captions_of(self, info: dict[str, Any], media_url: str) -> CaptionTrack | None:
        wanted = self.recipe.captions
        if wanted == "none":
            return None
        track = choose_captions(info, self.recipe.language, allow_automatic=wanted == "any")
        if track is None and info.get("direct"):
            track = self._captions_beside(media_url)
        if track is None:
            automatic = choose_captions(info, self.recipe.language, allow_automatic=True)
            hint = " (it has automatic ones: --captions any)" if automatic else ""
            by = "" if wanted == "any" else " by people"
            raise FilmSkippedError(f"no captions{by} in `{self.recipe.language}`{hint}")
        return track

    def _captions_beside(self, media_url: str) -> CaptionTrack | None:
        """The caption file next to a media file on a plain web server, looked for by a few short requests."""
        for language in (self.recipe.language, UNDETERMINED):
            for ext in ("vtt", "srt"):
                suffix = f".{ext}" if language == UNDETERMINED else f".{language}.{ext}"
                url = beside(media_url, suffix)
                if self._starts_like_captions(url, ext):
                    return CaptionTrack("human", language, ext, {"url": url})
        return None

    def _starts_like_captions(self, url: str, ext: str) -> bool:
        try:
            with self.urlopen(Request(url, headers={"Range": "bytes=0-4095"})) as response:
                start = response.read(4096).decode("utf-8", "replace")
        except (RequestError, OSError) as error:
            self.reporter.detail(f"{url}: {error}")
            if isinstance(error, HTTPError):
                error.close()
            return False
        return start.lstrip("\ufeff \r\n").startswith("WEBVTT") if ext == "vtt" else "-->" in start

    def _require_captions(self, info: dict[str, Any]) -> list[str]:
        """Refuses a film whose captions did not come, before the film itself is downloaded."""
        for track in (info.get("requested_subtitles") or {}).values():
            path = Path(track.get("filepath") or "")
            if not path.is_file() or path.stat().st_size == 0:
                raise FilmFailedError("its captions could not be downloaded")
        return []

    def _join(self, info: dict[str, Any]) -> list[str]:
        """Merges audio and video that came in two files; the parts may go then."""
        film = Path(info["filepath"])
        if film.exists() or not info.get("requested_formats"):
            return []
        parts = [part["filepath"] for part in info["requested_formats"]]
        try:
            join_streams([Path(part) for part in parts], film)
        except (BadInputError, FFmpegError) as error:
            raise FilmFailedError(f"its audio and video cannot be merged: {error}") from error
        return parts

    def _record(self, info: dict[str, Any]) -> list[str]:
        """Checks the film and writes it down."""
        film = Path(info["filepath"])
        captions: CaptionTrack | None = info["captions"]
        caption_file = info["requested_subtitles"][captions.language]["filepath"] if captions else ""
        row = FilmRow(
            film=self._inside(film),
            captions=self._inside(Path(caption_file)) if captions else "",
            url=info.get("webpage_url") or self._address,
            title=one_line(info["title"]),
            id=info["id"],
            extractor=info["extractor_key"].lower(),
            duration=round(_measured(film) or info.get("duration") or 0.0, 3),
            license=one_line(info.get("license")),
            caption_kind=captions.kind if captions else "none",
            language=captions.language if captions else "",
        )
        add_film(self.folder / TABLE_NAME, row)
        add_to_archive(self.folder / ARCHIVE_NAME, make_archive_id(row.extractor, row.id))
        self.outcome.rows.append(row)
        found = f"{row.caption_kind} captions in `{row.language}`" if captions else "no captions"
        self.reporter.info(f"{row.film}: {row.duration:.0f} s, {found}")
        return []

    def _inside(self, path: Path) -> str:
        resolved = path.resolve()
        if not resolved.is_relative_to(self.folder):
            raise FilmFailedError(f"`{path}` is outside of `{self.folder}`")
        return resolved.relative_to(self.folder).as_posix()

    def _on_transfer(self, status: dict[str, Any]) -> None:
        is_captions = status.get("info_dict", {}).get("ext") in CAPTION_FORMATS
        limit = _MAX_CAPTION_BYTES if is_captions else self.recipe.max_size
        size = max(status.get("downloaded_bytes") or 0, status.get("total_bytes") or 0)
        if size > limit:
            name = "captions may be" if is_captions else "--max-size"
            raise FilmFailedError(f"larger than {name} ({limit / MEGABYTE:.4g} MB)")
        self._transfer.update(status)


class _Step(PostProcessor):  # type: ignore[misc]
    """A function as one of yt-dlp's steps; it gives the files that may be deleted."""

    def __init__(self, action: Callable[[dict[str, Any]], list[str]]) -> None:
        super().__init__()
        self._action = action

    def run(self, information: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
        return self._action(information), information


def _measured(film: Path) -> float:
    try:
        return duration_of(film)
    except BadInputError as error:
        film.unlink(missing_ok=True)  # so that a later run does not take it for done
        raise FilmFailedError("what came is not a film") from error


def _is_web(url: object) -> bool:
    return str(url).lower().startswith(("http://", "https://"))


def _is_unreachable(error: BaseException | None) -> bool:
    """Whether the network, and not the server, is the cause of an error."""
    while error is not None:
        if isinstance(error, TransportError):
            return not isinstance(error, SSLError | IncompleteRead)
        cause = getattr(error, "cause", None)
        error = cause if isinstance(cause, BaseException) else error.__context__
    return False
