"""A small web on this machine, and films made on the spot."""

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import av
import numpy as np

from avtool.core.reporter import Recorder
from avtool.media.fetch.fetch import fetch
from avtool.media.fetch.outcome import FetchResult
from avtool.media.fetch.recipe import FetchRecipe

VTT = "WEBVTT\n\n00:00.500 --> 00:01.500\n[DOOR SLAMS]\n"
SRT = "1\n00:00:00,500 --> 00:00:01,500\n[DOOR SLAMS]\n"
TYPES = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".ts": "video/mp2t",
    ".vtt": "text/vtt",
    ".srt": "application/x-subrip",
    ".html": "text/html",
    ".xml": "application/rss+xml",
}


@dataclass
class Web:
    """Files served over HTTP, and what was asked for.

    Attributes:
        files: path → content; everything else is 404.
        broken: path → how many times it breaks off in the middle.
        asked: every request as (path, value of its Range header or "").
    """

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)

    def put(self, path: str, content: bytes | str) -> str:
        """Serves a file and gives its address."""
        self.files[path] = content.encode() if isinstance(content, str) else content
        return self.address + path

    def ranges(self, path: str) -> list[str]:
        """The Range headers of the requests for a path, without those that asked for its start."""
        return [asked for name, asked in self.asked if name == path and asked and "=0-" not in asked]


@contextmanager
def serving() -> Iterator[Web]:
    """A web server in a thread."""
    web = Web("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            asked = self.headers.get("Range", "")
            web.asked.append((path, asked))
            web.cookies.append(self.headers.get("Cookie", ""))
            if path in web.redirects:
                self.send_response(302)
                self.send_header("Location", web.redirects[path])
                self.end_headers()
                return
            if path not in web.files:
                self.send_error(404)
                return
            body, start = web.files[path], 0
            if span := re.fullmatch(r"bytes=(\d+)-(\d*)", asked):
                start, end = int(span[1]), int(span[2]) if span[2] else len(body) - 1
                self.send_response(206)
                end = min(end, len(body) - 1)
                self.send_header("Content-Range", f"bytes {start}-{end}/{len(body)}")
                body = body[start : end + 1]
            else:
                self.send_response(200)
            self.send_header("Content-Type", TYPES.get(Path(path).suffix, "application/octet-stream"))
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if web.broken.get(path, 0) > 0:
                web.broken[path] -= 1
                body = body[: len(body) // 2]
            with suppress(BrokenPipeError, ConnectionResetError):  # the client has seen enough
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield web
    server.shutdown()
    server.server_close()
    thread.join()


def make_film(
    seconds: float = 1.0,
    *,
    video: bool = True,
    audio: bool = True,
    container: str = "mp4",
    start: float = 0.0,
) -> bytes:
    """A film of noise in MPEG-4 and AAC; `start` is the time of its first frame in seconds."""
    noise = np.random.default_rng(0)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        streams = []
        if video:
            picture = output.add_stream("mpeg4", rate=10)
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
            streams.append(picture)
        if audio:
            sound = output.add_stream("aac", rate=16000, layout="mono")
            streams.append(sound)
        for number in range(round(seconds * 10)) if video else ():
            pixels = noise.integers(0, 255, (48, 64, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = round(start * 10) + number
            output.mux(picture.encode(frame))
        for number in range(round(seconds * 16000 / 1024)) if audio else ():
            samples = noise.normal(0, 0.1, (1, 1024)).astype(np.float32)
            block = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            block.sample_rate, block.pts = 16000, round(start * 16000) + number * 1024
            output.mux(sound.encode(block))
        for stream in streams:
            output.mux(stream.encode(None))
    return buffer.getvalue()


@dataclass
class Run:
    """Fetches into one folder, with settings that do not wait."""

    folder: Path
    reporter: Recorder = field(default_factory=Recorder)

    def __call__(self, *sources: str, **settings: object) -> FetchResult:
        recipe = FetchRecipe.model_validate({"sleep": 0, "retries": 0, "timeout": 10, **settings})
        return fetch(sources, self.folder, recipe, self.reporter)
