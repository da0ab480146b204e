"""Pretraining on the mined clips without their labels, and reconstructions of a held-out film."""

from dataclasses import dataclass
from pathlib import Path

from avtool.core.paths import find_recipe
from avtool.core.recipe import load
from avtool.core.reporter import Reporter
from avtool.data.manifest import read_manifest
from avtool.evaluation.report import Table
from avtool.inference.recipes import ReconstructRecipe
from avtool.jobs.demo.recipe import DemoRecipe
from avtool.jobs.reconstruct import Reconstructed, reconstruct
from avtool.jobs.train import train
from avtool.tasks.masked.recipe import MavilRecipe

COMMAND = "avtool demo"
SHEET = "reconstructed.png"
_SHOWN = 4


@dataclass(frozen=True)
class PretrainedFilms:
    """What was learned without labels.

    Attributes:
        run: the pretrained model's run, with a page of its own.
        sheet: an image of clips of the held-out film, and of their reconstructions.
        reconstructed: how well, by modality, on the clips of that image.
        loss: of all clips of the held-out film.
        train_clips: how many it learned from.
        seconds: wall time of the training.
    """

    run: Path
    sheet: Path
    reconstructed: list[Reconstructed]
    loss: float
    train_clips: int
    seconds: float


def pretrain_films(
    mined: Path, out: Path, recipe: DemoRecipe, reporter: Reporter, *, jobs: int = 1
) -> PretrainedFilms:
    """Pretrains a MAViL on the clips of the training films, and reconstructs clips of the held-out ones.

    Args:
        mined: the mined dataset, split by film.
        out: the demonstration's folder, for `pretrained` and the sheet.
        recipe: the settings.
        reporter: gets progress.
        jobs: processes that compute spectrograms.
    """
    settings = load(
        MavilRecipe, recipe=find_recipe(recipe.pretraining), flags={"seed": recipe.seed}, environment={}
    )
    result = train("mavil", mined, settings, reporter, out=out / "pretrained", jobs=jobs, command=COMMAND)
    shown = ReconstructRecipe(most=_SHOWN, split="test", seed=recipe.seed, device=settings.runtime.device)
    sheet = reconstruct(result.out, [str(mined)], out / SHEET, shown, reporter, overwrite=True)
    train_clips = len(read_manifest(mined).select("train"))
    return PretrainedFilms(
        result.out, sheet.out, sheet.modalities, result.metrics["loss"], train_clips, result.seconds
    )


def pretraining_table(pretrained: PretrainedFilms) -> Table:
    """Reconstruction error of masked patches of the held-out film, beside a baseline without learning."""
    rows = [
        (
            "audio" if item.modality == "audio" else "video",
            round(item.loss, 4),
            round(item.trivial or 0.0, 4),
        )
        for item in pretrained.reconstructed
    ]
    title = "error of masked patches of a held-out film, pretrained without labels"
    return Table(title, ["", "loss", "trivial loss"], rows)
