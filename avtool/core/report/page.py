"""Renders a report page from a template that extends `page.html`."""

import base64
from pathlib import Path
from typing import Any

from avtool.core.files import write_text
from avtool.core.version import __version__

_TEMPLATES = Path(__file__).parent


def write_page(path: Path, template: Path, **values: Any) -> None:
    """Writes a self-contained HTML page atomically.

    Args:
        path: the HTML file to write.
        template: a Jinja template beside the code that owns it; it extends `page.html` of this folder.
        **values: what the template shows; every text is escaped, figures come as `markupsafe.Markup`.
    """
    import jinja2

    loader = jinja2.FileSystemLoader([template.parent, _TEMPLATES])
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["seconds"] = format_seconds
    write_text(path, environment.get_template(template.name).render(version=__version__, **values))


def data_uri(content: bytes, media_type: str) -> str:
    """Bytes as an address that needs no second file."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def format_seconds(seconds: float) -> str:
    """A time for people: `1:02:03.4`."""
    minutes, rest = divmod(max(0.0, seconds), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"
