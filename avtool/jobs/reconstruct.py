"""Reconstructions of a masked autoencoder, on a sheet: original, visible patches, reconstruction."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.files import check_own_output
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.items import find_items
from avtool.inference.recipes import ReconstructRecipe
from avtool.inference.reconstruction import first_windows, reconstruct_batch, set_mask_ratio
from avtool.inference.reconstruction_sheet import is_sheet, write_sheet
from avtool.media.addresses import local_path


@dataclass(frozen=True)
class Reconstructed:
    """The loss of one modality.

    Attributes:
        modality: `audio`, `image` or `video`.
        loss: of the masked patches, as training computes it.
        trivial: the loss of always predicting 0; None where targets are not normalised.
        normalised: whether targets are normalised patches: on the sheet, their true mean and contrast were
            put back, as the model predicts neither.
    """

    modality: str
    loss: float
    trivial: float | None
    normalised: bool


@dataclass(frozen=True)
class ReconstructResult:
    """The sheet that was written, the files on it, and the loss of each modality."""

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
    """Reconstructs files and writes the sheet as a PNG.

    Args:
        run: a run of `avtool pretrain`, its model, or a checkpoint.
        sources: files, folders, datasets; the first few are taken.
        out: the PNG to write.
        recipe: the settings.
        reporter: gets decisions.
        overwrite: replace an older sheet, and no other file.

    Raises:
        BadInputError: the model reconstructs nothing, or a file cannot be read.
        CorruptArtifactError: the model is damaged.
    """
    from avtool.inference.predictor import Predictor

    check_own_output(out, map(local_path, sources), is_sheet, "is no sheet of avtool", overwrite=overwrite)
    runtime = RuntimeRecipe(device=recipe.device, precision="fp32", channels_last=False)
    predictor = Predictor(run, runtime, reporter)
    kind = predictor.description.preprocess.get("target")
    if kind is None or not hasattr(predictor.model, "masked_inputs"):
        raise BadInputError(
            f"`{run}`, a `{predictor.description.builder}`, reconstructs no patches",
            "give a run of `avtool pretrain` image-mae, audio-mae, video-mae, or mavil of stage 1",
        )
    if recipe.mask_ratio is not None:
        set_mask_ratio(predictor.model, recipe.mask_ratio)
    images = "image" in predictor.inputs
    items = find_items(sources, split=recipe.split, folds=recipe.folds, images=images)
    if len(items) > recipe.most:
        reporter.info(f"the first {recipe.most} of {len(items)} files are shown")
    items = items[: recipe.most]
    batch = first_windows(items, predictor.inputs, predictor.model, recipe.seed, predictor.device)
    found = reconstruct_batch(predictor.model, batch, kind)
    names = [Path(item.name).name for item in items]
    write_sheet(out, names, found)
    return ReconstructResult(
        out,
        names,
        [Reconstructed(item.modality, item.loss, item.trivial, item.normalised) for item in found],
    )
