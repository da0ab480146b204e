"""A sheet of samples as a network gets them: frames, spectrograms and labels.

Short cuts that reveal a label without time are found best by eye.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from avtool.core.files import atomic_file
from avtool.core.report.figures import plain_text
from avtool.data.manifest import Manifest

if TYPE_CHECKING:
    from torch import Tensor

Inputs = dict[str, NDArray[Any]]
_INPUTS: tuple[str, ...] = ("video", "image", "audio")
_FRAMES, _SEAM = 8, 2
_STRIP, _AUDIO, _ROW = 7.2, 3.0, 1.15  # inches
_DIRECTIONS = ("forwards", "backwards")
_ORDERS = ("overlapping", "the first is earlier", "the first is later")


class Samples(Protocol):
    """A dataset of clips, masked or in pairs."""

    manifest: Manifest

    def __len__(self) -> int: ...

    def __getitem__(self, number: int) -> "Mapping[str, Tensor]": ...


def preview_sheet(samples: Samples, count: int, path: Path, speeds: Sequence[int] = ()) -> None:
    """Draws samples, evenly spaced over the data, as a PNG.

    Args:
        samples: what is drawn.
        count: how many samples at most.
        path: the PNG to write.
        speeds: what the labels of speed stand for.
    """
    numbers = np.unique(np.linspace(0, len(samples) - 1, min(count, len(samples))).round().astype(int))
    rows = [row for number in numbers for row in _rows(samples, int(number), speeds)]
    with atomic_file(path) as partial:
        partial.write_bytes(_draw(rows))


def _rows(samples: Samples, number: int, speeds: Sequence[int]) -> list[tuple[str, Inputs]]:
    """One row a clip of a sample: what stands above it, and its inputs."""
    sample = _read(samples, number)
    clip_id = samples.manifest[int(sample["index"])].clip_id
    inputs: Inputs = {name: sample[name] for name in _INPUTS if name in sample}
    if "video_id" not in sample:
        return [(clip_id, inputs)]
    rows: list[tuple[str, Inputs]] = []
    for clip in (0, 1):
        words = [clip_id if not clip else "", f"clip {clip + 1}"]
        words += [_played(sample, name, clip, speeds) for name in inputs]
        words += [_order(sample, task) for task in ("order_vv", "order_aa", "order_va") if not clip]
        rows.append((" · ".join(filter(None, words)), {name: value[clip] for name, value in inputs.items()}))
    return rows


def _read(samples: Samples, number: int) -> dict[str, NDArray[Any]]:
    """A sample as encoders see it."""
    from avtool.data.inputs.video_augment import as_float

    sample = samples[number]
    return {name: as_float(sample, name).numpy() for name in sample}


def _played(sample: Mapping[str, NDArray[Any]], name: str, clip: int, speeds: Sequence[int]) -> str:
    if not sample[f"{name}_present"]:
        return f"no {name}"
    speed = int(sample[f"{name}_speed"][clip])
    shown = f"×{speeds[speed]}" if speeds else f"speed {speed}"
    direction = _DIRECTIONS[int(sample[f"{name}_direction"][clip])]
    active = [q for q in ("speed", "direction") if sample[f"{name}_{q}_weight"][clip]]
    return f"{name} {shown} {direction}" + (
        "" if len(active) == 2 else f" (tasks: {', '.join(active) or 'none'})"
    )


def _order(sample: Mapping[str, NDArray[Any]], task: str) -> str:
    if task not in sample or not sample[f"{task}_weight"]:
        return ""
    return f"{task.removeprefix('order_')}: {_ORDERS[int(sample[task])]}"


def _draw(rows: Sequence[tuple[str, Inputs]]) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with_video = any("audio" not in inputs or len(inputs) > 1 for _, inputs in rows)
    with_audio = any("audio" in inputs for _, inputs in rows)
    widths = [_STRIP] * with_video + [_AUDIO] * with_audio
    with plain_text():
        figure = Figure(figsize=(sum(widths), _ROW * len(rows)), dpi=100, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(len(rows), len(widths), squeeze=False, width_ratios=widths)
        for places, (title, inputs) in zip(axes, rows, strict=True):
            places[0].set_title(title, fontsize=7, loc="left")
            for place in places:
                place.set_axis_off()
            if with_video:
                places[0].imshow(_strip(inputs.get("video", inputs.get("image"))))
            if with_audio and "audio" in inputs:
                places[-1].imshow(inputs["audio"].T, origin="lower", aspect="auto", cmap="magma")
        stream = BytesIO()
        figure.savefig(stream, format="png", metadata={"Software": None})
        return stream.getvalue()


def _strip(frames: NDArray[Any] | None) -> NDArray[np.uint8]:
    """Frames (3, T, H, W) in [-1, 1] side by side, (H, T · (W + seam), 3); of many some."""
    assert frames is not None, "a row has video or audio"
    if frames.ndim == 3:
        frames = frames[:, None]
    shown = np.unique(np.linspace(0, frames.shape[1] - 1, _FRAMES).round().astype(int))
    levels = ((frames[:, shown] + 1) * 127.5).clip(0, 255).astype(np.uint8)
    parted = np.pad(levels, ((0, 0), (0, 0), (0, 0), (0, _SEAM)), constant_values=255)
    return np.asarray(parted.transpose(2, 1, 3, 0).reshape(parted.shape[2], -1, 3), np.uint8)
