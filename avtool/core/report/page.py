"""Renders a report page from a template that extends `page.html`."""

import base64
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avtool.core.errors import DiskFullError
from avtool.core.files import outside_problem, write_text
from avtool.core.reporter import Reporter
from avtool.core.version import __version__

if TYPE_CHECKING:
    from markupsafe import Markup

_TEMPLATES = Path(__file__).parent
_IN_TIMES = re.compile(r"(?<=\d) (?=– \d|s\b)")


def write_page(path: Path, template: Path, *, script: Path | None = None, **values: Any) -> None:
    """Writes a self-contained HTML page atomically.

    Args:
        path: the HTML file to write.
        template: a Jinja template beside the code that owns it; it extends `page.html` of this folder.
        script: JavaScript of the page; the page allows no other, by its hash.
        **values: what the template shows; every text is escaped, figures come as `markupsafe.Markup`.
    """
    import jinja2
    from markupsafe import Markup

    loader = jinja2.FileSystemLoader([template.parent, _TEMPLATES])
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["seconds"] = format_seconds
    environment.filters["prose"] = prose
    code = script.read_text(encoding="utf-8") if script else ""
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode("ascii")
    page = environment.get_template(template.name).render(
        version=__version__,
        script=Markup(code),  # noqa: S704 - our own file
        script_hash=digest if code else "",
        **values,
    )
    write_text(path, page)


def is_page(path: Path) -> bool:
    """Whether a file is a page of `write_page`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return text.startswith("<!doctype html>") and "<footer>Made by avtool " in text


@contextmanager
def optional_report(reporter: Reporter) -> Iterator[None]:
    """The making of a report, whose failure is a warning: results are worth more than their page.

    Raises:
        DiskFullError: there is no room for the report, nor for what follows it.
    """
    try:
        yield
    except DiskFullError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and (problem := outside_problem(error)):
            raise problem from error
        reason = " ".join(str(error).split())[:200]
        reporter.warn(f"the report cannot be drawn ({type(error).__name__}: {reason}); all else is written")


def prose(text: object) -> "Markup":
    """A text of ours as HTML: what stands between backticks is code; a time keeps its unit."""
    from markupsafe import Markup, escape

    parts = re.split(r"`([^`]*)`", str(text))
    plain = [str(escape(part)) for part in parts]
    times = [_IN_TIMES.sub("\N{NO-BREAK SPACE}", part) for part in plain[::2]]
    code = [f"<code>{part}</code>" for part in plain[1::2]] + [""]
    joined = "".join(f"{one}{other}" for one, other in zip(times, code, strict=True))
    return Markup(joined)  # noqa: S704 - every part is escaped


def data_uri(content: bytes, media_type: str) -> str:
    """Bytes as an address that needs no second file."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def format_seconds(seconds: float) -> str:
    """A time for people: `1:02:03.4`."""
    minutes, tenths = divmod(round(10 * max(0.0, seconds)), 600)  # rounded first: 59.97 is 1:00.0
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{tenths / 10:04.1f}" if hours else f"{minutes}:{tenths / 10:04.1f}"
