"""`avtool review`: the page served on the loopback address until it is interrupted."""

import contextlib
import errno
import secrets
import socket
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.core.requirements import quiet, require
from avtool.jobs.review.app import Guard, make_app
from avtool.jobs.review.doubts import find_doubts
from avtool.jobs.review.events import ReviewData, open_review
from avtool.jobs.review.media import LONGEST_S, MediaCache
from avtool.jobs.review.state import ReviewState
from avtool.mining.review.journal import Journal, review_path

HOST = "127.0.0.1"


@dataclass(frozen=True)
class ReviewOptions:
    """How a review is served.

    Attributes:
        review: the journal; None takes that of the dataset.
        model: a classifier whose doubts order the events, or None.
        reviewer: the name that the page begins with.
        port: of the loopback address; 0 takes a free one.
        blind: whether each reviewer sees only what he decided himself.
        opens: whether a browser is opened.
        jobs: processes of the prediction.
    """

    review: Path | None = None
    model: Path | None = None
    reviewer: str = "reviewer"
    port: int = 0
    blind: bool = False
    opens: bool = True
    jobs: int = 1


@dataclass(frozen=True)
class ReviewAddress:
    """Where the page is, and what it reviews."""

    address: str
    review: Path
    kind: str
    events: int
    decided: int


def serve_review(
    dataset: Path, options: ReviewOptions, reporter: Reporter, ready: Callable[[ReviewAddress], None]
) -> int:
    """Serves the page until the process is interrupted.

    Args:
        dataset: a dataset, or a folder of `avtool caption`.
        options: how.
        reporter: gets the progress of the prediction.
        ready: gets the address, once it responds.

    Returns:
        The rows of the journal.

    Raises:
        BadInputError: the dataset cannot be reviewed, another process reviews it, or the port is taken.
        MissingError: the extra `review` is not installed.
    """
    require("uvicorn", "review")
    require("starlette", "review")
    data = open_review(dataset)
    if options.model is not None and data.kind != "events":
        raise BadInputError("--model predicts the clips of a dataset", "captions have no clips")
    listener = _listen(options.port)
    with contextlib.ExitStack() as stack:
        stack.callback(listener.close)
        journal = Journal(options.review or review_path(dataset))
        stack.callback(journal.close)
        model = options.model
        doubts = find_doubts(dataset, model, reporter, jobs=options.jobs) if model is not None else {}
        state = ReviewState(data, journal, doubts, blind=options.blind)
        stack.callback(state.close)  # behind a decision that is being written
        if state.stale:
            reporter.warn(
                f"{state.stale} decisions of `{journal.path}` are on other events or captions: not shown"
            )
        media = MediaCache(data.sources)
        stack.callback(media.close)
        port = listener.getsockname()[1]
        token = secrets.token_urlsafe(24)
        hosts = frozenset({f"{HOST}:{port}", f"localhost:{port}"})
        server = _server(Guard(make_app(state, media, _facts(data, options), reporter.warn), token, hosts))
        address = f"http://{HOST}:{port}/{token}/"
        decided = len(state.decided(options.reviewer))
        ready(ReviewAddress(address, journal.path, data.kind, len(data.events), decided))
        if options.opens:
            webbrowser.open(address)
        # Ctrl-C is the end of a server, and no failure; requests that it cuts short are none either.
        with contextlib.suppress(KeyboardInterrupt), quiet("uvicorn.error"):
            server.run(sockets=[listener])
        return state.revision


def _facts(data: ReviewData, options: ReviewOptions) -> dict[str, Any]:
    """What the page needs beside the events."""
    return {
        "title": data.path.resolve().name,
        "kind": data.kind,
        "reviewer": options.reviewer,
        "taxonomy": data.taxonomy,
        "blind": options.blind,
        "model": str(options.model) if options.model else "",
        "longest": LONGEST_S,
    }


def _server(app: Guard) -> Any:
    import uvicorn

    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            ws="none",
            timeout_graceful_shutdown=2,
        )
    )


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            message = f"port {port} is taken by another program"
            raise BadInputError(message, "choose another --port; 0 takes a free one") from error
        raise BadInputError(
            f"cannot listen on port {port}: {error.strerror}", "--port 0 takes a free one"
        ) from error
    return listener
