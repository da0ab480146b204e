"""`avtool reconstruct`: the reconstructions of a masked autoencoder as images."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.inputs import expand_lists
from avtool.cli.options import Overwrite, output
from avtool.cli.session import Session
from avtool.inference.recipes import ReconstructRecipe

app = verb_app(
    "reconstruct",
    "avtool reconstruct runs/audio-mae dog.wav --out dog.png",
    "avtool reconstruct runs/mavil clip.mp4 --out clip.png",
)


@command(app)
def reconstruct(
    session: Session,
    recipe: ReconstructRecipe,
    run: Annotated[Path, typer.Argument(help="A run of `avtool pretrain`, its model, or a checkpoint.")],
    files: Annotated[list[str], typer.Argument(help="Files, folders, datasets, or - for names on stdin.")],
    out: Annotated[Path, output("The PNG to write.")],
    overwrite: Overwrite = False,
) -> None:
    """Draw files, their masked patches, and a masked autoencoder's reconstruction."""
    from avtool.jobs.reconstruct import reconstruct as job

    result = job(run, expand_lists(files), out, recipe, session.reporter, overwrite=overwrite)
    session.table(
        ["modality", "loss", "trivial loss"],
        [
            (item.modality, round(item.loss, 4), "" if item.trivial is None else round(item.trivial, 4))
            for item in result.modalities
        ],
    )
    if any(item.normalised for item in result.modalities):
        session.reporter.info(
            "mean and contrast of masked patches are the true ones: the model predicts neither"
        )
    session.emit({"result": result}, text=str(result.out))
