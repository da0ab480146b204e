"""Reconstructions as sections of a run's page."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from avtool.core.report.page import data_uri
from avtool.inference.reconstruction import VIEWS, Pixels, Reconstruction
from avtool.training.report import Section

if TYPE_CHECKING:
    from markupsafe import Markup


def reconstruction_sections(found: Sequence[Reconstruction], *, held_out: bool) -> list[Section]:
    """Reconstructions as sections of a run's page, a row a clip; the frames of a video lie side by side.

    Args:
        found: by modality.
        held_out: whether the clips are validation clips.
    """
    clips = "Validation clips" if held_out else "Training clips"
    sections = []
    for item in found:
        note = f"{clips}; loss of these clips {item.loss:.4g}"
        if item.trivial is not None:
            note += f", trivial loss {item.trivial:.4g}"
        if item.normalised:
            note += (
                ". Targets are normalised patches: for this image each masked patch was given the true mean "
                "and contrast, so only the detail inside it is predicted"
            )
        figures = [
            (view, _image(pixels, view)) for row in item.rows for view, pixels in zip(VIEWS, row, strict=True)
        ]
        columns = 1 if item.modality == "video" else len(VIEWS)
        sections.append(Section(f"Reconstruction: {item.modality}", f"{note}.", figures, columns))
    return sections


def _image(pixels: Pixels, title: str) -> "Markup":
    from markupsafe import Markup
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return Markup('<img src="{}" alt="{}">').format(data_uri(buffer.getvalue(), "image/png"), title)
