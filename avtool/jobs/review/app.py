"""The web application of the review page: a token in every address; events, their media, nothing else."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from avtool.core.errors import AvtoolError
from avtool.jobs.review.media import MediaCache
from avtool.jobs.review.requests import MAX_BODY, DecideRequest, UndoRequest
from avtool.jobs.review.state import Change, ReviewState
from avtool.mining.review.journal import MovedError

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE = Path(__file__).parent / "page"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_MEDIA_TYPES = {"audio": "audio/wav", "spectrogram": "image/png", "strip": "image/jpeg"}
_Model = TypeVar("_Model", bound=BaseModel)


class Guard:
    """Refuses every request without the token, from another host or from another page.

    The token is the first part of the path, so that addresses inside the page are relative. The `Host`
    header must be this server's own: a foreign name that resolves to the loopback address is refused.

    Args:
        app: what is behind it; its paths begin after the token.
        token: of the address.
        hosts: values of the `Host` header that are this server's.
    """

    def __init__(self, app: "ASGIApp", token: str, hosts: frozenset[str]) -> None:
        self._app, self._token, self._hosts = app, token.encode(), hosts

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """An ASGI application."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        from starlette.responses import PlainTextResponse

        async def guarded(message: "Message") -> None:
            if message["type"] == "http.response.start":
                given = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                if not any(name == b"cache-control" for name, _ in message["headers"]):
                    given.append((b"cache-control", b"no-store"))
                message = {**message, "headers": [*message["headers"], *given]}
            await send(message)

        if scope["type"] != "http" or not self._is_ours(scope):
            if scope["type"] == "http":
                await PlainTextResponse("not found\n", 404)(scope, receive, guarded)
            return
        inner = {**scope, "path": "/" + scope["path"].split("/", 2)[2], "root_path": "", "raw_path": None}
        await self._app(inner, receive, guarded)

    def _is_ours(self, scope: "Scope") -> bool:
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in headers and name in {b"host", b"origin"}:
                return False
            headers[name] = value
        parts = scope["path"].split("/", maxsplit=2)  # "", the token, the rest
        token = parts[1] if parts[2:] else ""
        same = secrets.compare_digest(token.encode("utf-8", "replace"), self._token)
        host = headers.get(b"host", b"").decode("latin-1")
        origin = headers.get(b"origin", b"").decode("latin-1")
        return same and host in self._hosts and origin in {"", f"http://{host}"}


def make_app(
    state: ReviewState, media: MediaCache, facts: dict[str, Any], warn: Callable[[str], None]
) -> "Starlette":
    """The application behind the guard.

    Args:
        state: of the review.
        media: makes what is heard and seen.
        facts: of the page's first request: title, reviewer, taxonomy.
        warn: gets what went wrong in a request by our own fault.
    """
    from starlette.applications import Starlette
    from starlette.routing import Route

    ends = _Endpoints(state, media, facts, warn)
    media_routes = [
        Route(f"/{kind}/{{source}}", _with(ends.span, kind), methods=["GET"]) for kind in _MEDIA_TYPES
    ]
    return Starlette(
        routes=[
            Route("/", ends.page, methods=["GET"]),
            Route("/page/{name}", ends.page, methods=["GET"]),
            Route("/api/events", ends.events, methods=["GET"]),
            Route("/api/changes", ends.changes, methods=["GET"]),
            Route("/api/decide", ends.decide, methods=["POST"]),
            Route("/api/undo", ends.undo, methods=["POST"]),
            Route("/api/redo", ends.redo, methods=["POST"]),
            *media_routes,
        ],
        exception_handlers={Exception: ends.failed},
    )


class _Endpoints:
    """What each address gives."""

    def __init__(
        self, state: ReviewState, media: MediaCache, facts: dict[str, Any], warn: Callable[[str], None]
    ) -> None:
        self._state, self._media, self._facts, self._warn = state, media, facts, warn
        self._is_moved = False

    def page(self, request: "Request") -> "Response":
        """A file of the page."""
        from starlette.responses import Response

        name = request.path_params.get("name") or "index.html"
        path = PAGE / name
        if Path(name).name != name or path.suffix not in _TYPES or not path.is_file():
            return Response("not found\n", 404)
        return Response(path.read_bytes(), media_type=_TYPES[path.suffix])

    def events(self, request: "Request") -> "Response":
        """All events, and what the reviewer sees of the decisions."""
        from starlette.responses import JSONResponse

        state, reviewer = self._state, request.query_params.get("reviewer", "")[:60]
        revision = state.revision  # before the decisions: what comes between is sent twice, not lost
        found = {"revision": revision, "events": state.events(), "decided": state.decided(reviewer)}
        return JSONResponse({**self._facts, **found})

    def changes(self, request: "Request") -> "Response":
        """What was decided since the journal had `since` rows."""
        from starlette.responses import JSONResponse

        reviewer = request.query_params.get("reviewer", "")[:60]
        since = request.query_params.get("since", "")
        if not _is_number(since):
            return _refused("`since` is no number of rows", 400)
        try:
            self._state.need_place()
        except AvtoolError as error:
            return self._refuse(error)
        return JSONResponse(_plain(self._state.since(int(since), reviewer)))

    def span(self, request: "Request") -> "Response":
        """Audio, spectrogram or frames of a span; nothing where a file has no frames."""
        from starlette.responses import FileResponse, Response

        kind, params = request.path_params["kind"], request.query_params
        source = request.path_params["source"]
        if not _is_number(source):
            return _refused("a file has a number", 404)
        try:
            start, end = float(params["start"]), float(params["end"])
            path = getattr(self._media, kind)(int(source), start, end)
        except (KeyError, ValueError):
            return _refused("a span has the times `start` and `end`", 400)
        except AvtoolError as error:
            return Response(status_code=204) if kind == "strip" else _refused(str(error), 404)
        kept = {"cache-control": "private, max-age=600"}
        return FileResponse(path, media_type=_MEDIA_TYPES[kind], headers=kept)

    async def decide(self, request: "Request") -> "Response":
        """Writes a decision."""
        return await _respond(request, DecideRequest, self._state.decide, self._refuse)

    async def undo(self, request: "Request") -> "Response":
        """Takes back the reviewer's last operation."""
        return await self._take_back(request, redo=False)

    async def redo(self, request: "Request") -> "Response":
        """Takes back the reviewer's last undo."""
        return await self._take_back(request, redo=True)

    async def _take_back(self, request: "Request", *, redo: bool) -> "Response":
        def undo(given: UndoRequest) -> Change:
            return self._state.undo(given.reviewer, redo=redo)

        return await _respond(request, UndoRequest, undo, self._refuse)

    def _refuse(self, error: AvtoolError) -> "Response":
        """What the page shows; a dataset that is no longer there is a warning on the terminal too, once."""
        if isinstance(error, MovedError) and not self._is_moved:
            self._is_moved = True
            self._warn(f"{error}: {error.hint}")
        return _refused(f"{error} ({error.hint})" if error.hint else str(error), 409)

    def failed(self, request: "Request", error: Exception) -> "Response":
        """Our own fault."""
        self._warn(f"internal error: {type(error).__name__}: {error}, at `{request.url.path}`")
        return _refused("internal error of the server: see its messages", 500)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 9


def _with(endpoint: "Callable[[Request], Response]", kind: str) -> "Callable[[Request], Response]":
    def of_kind(request: "Request") -> "Response":
        request.path_params["kind"] = kind
        return endpoint(request)

    return of_kind


async def _respond(
    request: "Request",
    model: type[_Model],
    work: Callable[[_Model], Change],
    refuse: "Callable[[AvtoolError], Response]",
) -> "Response":
    """Reads a bounded body, works in a thread, and gives what changed."""
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse

    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return _refused("the body must be JSON", 415)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            return _refused(f"the body is larger than {MAX_BODY} bytes", 413)
    try:
        given = model.model_validate_json(bytes(body))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        return _refused(f"{where}: {first['msg']}" if where else str(first["msg"]), 422)
    try:
        return JSONResponse(_plain(await run_in_threadpool(work, given)))
    except AvtoolError as error:
        return refuse(error)


def _plain(change: Change) -> dict[str, Any]:
    return {"first": change.first, "revision": change.revision, "events": change.events}


def _refused(message: str, status: int) -> "Response":
    from starlette.responses import JSONResponse

    return JSONResponse({"error": message}, status)
