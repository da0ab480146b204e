"""Shows what a masked autoencoder rebuilds of files: original, what it saw, and what it made of the rest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avtool.core.errors import BadInputError
from avtool.core.files import atomic_file
from avtool.core.reporter import Reporter
from avtool.data.inputs.spec import InputSpec, read_inputs
from avtool.data.items import Item, find_items
from avtool.inference.recipes import ReconstructRecipe
from avtool.inference.windows import spaced_windows
from avtool.tasks.masked.reconstruction import VIEWS, Pixels, Reconstruction, reconstruct_batch

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

_NOISE_STREAM = 2


@dataclass(frozen=True)
class Reconstructed:
    """How well one modality was rebuilt.

    Attributes:
        modality: `audio`, `image` or `video`.
        loss: error of the hidden patches, as training measures it.
        trivial: the same for always predicting 0; None where patches are rebuilt as they are.
        normalised: whether brightness and contrast of hidden patches in the picture are those of the true
            ones, as the model predicts neither.
    """

    modality: str
    loss: float
    trivial: float | None
    normalised: bool


@dataclass(frozen=True)
class ReconstructResult:
    """The picture that was written, the files on it, and how well each modality was rebuilt."""

    out: Path
    files: list[str]
    modalities: list[Reconstructed]


def reconstruct(
    run: Path,
    sources: Sequence[str],
    out: Path,
    recipe: ReconstructRecipe,
    reporter: Reporter,
    *,
    overwrite: bool = False,
) -> ReconstructResult:
    """Rebuilds files and writes the sheet as a PNG.

    Args:
        run: a run of `avtool pretrain`, its model, or a checkpoint.
        sources: files, folders, data sets; the first few are taken.
        out: the PNG to write.
        recipe: the settings.
        reporter: told about decisions.
        overwrite: replace an older picture.

    Raises:
        BadInputError: the model rebuilds nothing, or a file cannot be read.
        CorruptArtifactError: the model is damaged.
    """
    import torch

    from avtool.models.load import load_model
    from avtool.models.runtime import choose_device

    if out.is_dir() or (out.exists() and not overwrite):
        raise BadInputError(f"`{out}` exists", "add --overwrite, or choose another --out")
    loaded = load_model(run)
    kind = loaded.preprocess.get("target")
    if kind is None or not hasattr(loaded.model, "masked_inputs"):
        raise BadInputError(
            f"`{run}`, a `{loaded.description.builder}`, rebuilds no patches",
            "give a run of `avtool pretrain` image-mae, audio-mae, video-mae, or mavil of stage 1",
        )
    device = torch.device(choose_device(recipe.device).value)
    model = loaded.model.to(device)
    if recipe.mask_ratio is not None:
        _mask(model, recipe.mask_ratio)
    inputs = read_inputs(run, loaded.preprocess)
    items = find_items(sources, split=recipe.split, folds=recipe.folds, images="image" in inputs)
    if len(items) > recipe.most:
        reporter.info(f"the first {recipe.most} of {len(items)} files are shown")
    items = items[: recipe.most]
    batch = _batch(items, inputs, model, recipe.seed, device)
    found = reconstruct_batch(model, batch, kind)
    names = [Path(item.name).name for item in items]
    _write_sheet(out, names, found)
    return ReconstructResult(
        out,
        names,
        [Reconstructed(item.modality, item.loss, item.trivial, item.normalised) for item in found],
    )


def _batch(
    items: Sequence[Item], inputs: InputSpec, model: "nn.Module", seed: int, device: "torch.device"
) -> "dict[str, Tensor]":
    """The first window of each file, and the noise of its masks."""
    import torch

    windows = [spaced_windows(item, inputs, 1)[0] for item in items]
    for item, window in zip(items, windows, strict=True):
        if lacking := [one.noun for one in inputs if one.name not in window.values]:
            message = f"`{item.path}` has no {lacking[0]}"
            raise BadInputError(
                message, f"the model reconstructs {' and '.join(inputs.names)}: choose other files"
            )
    batch = inputs.batch(windows, device)
    grids: Any = model.grids
    for name, grid in grids.items():
        for view in ("", "2"):  # the second mask is not decoded, but the joint model wants it
            noise = [
                np.random.default_rng([seed, number, _NOISE_STREAM]).random(grid.num_tokens, np.float32)
                for number in range(len(items))
            ]
            batch[f"{name}_noise{view}"] = torch.from_numpy(np.stack(noise)).to(device)
    return batch


def _mask(model: "nn.Module", ratio: float) -> None:
    """Hides another share of the patches than in training."""
    masked: Any = model
    if hasattr(masked, "maskings"):
        masked.maskings = {name: replace(mask, ratio=ratio) for name, mask in masked.maskings.items()}
    else:
        masked.masking = replace(masked.masking, ratio=ratio)


def _write_sheet(out: Path, names: Sequence[str], found: Sequence[Reconstruction]) -> None:
    """A row for each file and modality, a column for each view; the frames of a video lie side by side."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows: list[tuple[str, tuple[Pixels, Pixels, Pixels]]] = [
        (name, item.rows[number]) for number, name in enumerate(names) for item in found
    ]
    heights = [4.2 * row[0].shape[0] / row[0].shape[1] + 0.25 for _, row in rows]
    figure = Figure(figsize=(13, sum(heights) + 0.9), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(rows), 3, squeeze=False, height_ratios=heights)
    for number, (name, panels) in enumerate(rows):
        for axes, title, pixels in zip(grid[number], VIEWS, panels, strict=True):
            axes.imshow(pixels, interpolation="nearest", aspect="auto")
            axes.set(xticks=[], yticks=[], title=title if number == 0 else "")
        grid[number][0].set_ylabel(name[:24], fontsize=8)
    figure.suptitle(_note(found), fontsize=9, x=0.01, ha="left")
    with atomic_file(out) as partial:
        figure.savefig(partial, format="png")


def _note(found: Sequence[Reconstruction]) -> str:
    words = []
    for item in found:
        level = f", predicting nothing {item.trivial:.3g}" if item.trivial is not None else ""
        words.append(f"{item.modality}: loss {item.loss:.3g}{level}")
    text = "; ".join(words)
    if any(item.normalised for item in found):
        text += "\nmean and contrast of each hidden patch are the true ones: the model predicts the rest"
    return text
