"""`avtool generate`: an autoencoder and a diffusion model of videos, and the clips that they draw."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.options import Jobs, Overwrite, output
from avtool.cli.session import Session
from avtool.cli.train import add_task
from avtool.core.errors import ExitCode
from avtool.jobs.generate import GenerateRecipe
from avtool.jobs.generate_cache import GenerateCacheRecipe
from avtool.tasks import TASKS

app = verb_app(
    "generate",
    "avtool generate cache videos/ --size 64 --out cache",
    "avtool generate train-autoencoder cache --size 64 --out runs/autoencoder",
    "avtool generate train videos/ --autoencoder runs/autoencoder --out runs/videos",
    "avtool generate sample runs/videos --count 16 --clips 8 --out samples",
    "avtool generate continue runs/videos clip.mp4 --out more",
)
Model = Annotated[Path, typer.Argument(help="A run of `generate train`, or its model.")]
Count = Annotated[int, typer.Option("--count", "-n", help="Videos to draw.", min=1, max=100_000)]
Clips = Annotated[int, typer.Option(help="Clips of each video, one after the other.", min=1, max=10_000)]
Real = Annotated[
    Path | None,
    typer.Option(help="Training videos: the sheet shows the nearest clip beside each sample."),
]

add_task(app, TASKS.find("video-autoencoder"), "train-autoencoder")
add_task(app, TASKS.find("video-diffusion"), "train")


@command(app, "cache", resumable=True)
def cache(
    session: Session,
    recipe: GenerateCacheRecipe,
    videos: Annotated[
        Path, typer.Argument(help="A film, a folder of films or of folders of frames, or a dataset.")
    ],
    out: Annotated[Path, output("The dataset of frames to write.")],
    jobs: Jobs = 1,
    overwrite: Overwrite = False,
) -> int:
    """Decode videos once at one size, and with an autoencoder encode them once, to train on."""
    from avtool.jobs.generate_cache import generate_cache

    result = generate_cache(
        videos, out, recipe, session.reporter,
        jobs=jobs, overwrite=overwrite, command=session.command_line,
    )  # fmt: skip
    found = result.cache
    rows = [
        ("videos", found.videos),
        ("frames", found.frames),
        ("clips side by side", found.clips),
        ("pairs of latents", result.pairs),
        ("too short", len(found.short)),
        ("unreadable", len(found.failed)),
        ("MiB of frames", round(found.num_bytes / (1 << 20), 1)),
    ]
    session.table(["cache", ""], rows)
    session.emit({"result": result}, text=str(found.out))
    return ExitCode.SOME_FAILED if found.failed else ExitCode.DONE


@command(app, "sample", resumable=True)
def sample(
    session: Session,
    recipe: GenerateRecipe,
    model: Model,
    out: Annotated[Path, output("The folder of videos to write.")],
    count: Count = 8,
    clips: Clips = 1,
    real: Real = None,
    overwrite: Overwrite = False,
) -> None:
    """Draw videos of any length: a first clip, then each next one after the one before."""
    _generate(session, recipe, model, out, count, clips, None, real, overwrite)


@command(app, "continue", resumable=True)
def continue_(
    session: Session,
    recipe: GenerateRecipe,
    model: Model,
    video: Annotated[Path, typer.Argument(help="The video whose last clip is continued.")],
    out: Annotated[Path, output("The folder of videos to write.")],
    count: Count = 1,
    clips: Clips = 1,
    real: Real = None,
    overwrite: Overwrite = False,
) -> None:
    """Continue a video by its next clips."""
    _generate(session, recipe, model, out, count, clips, video, real, overwrite)


def _generate(
    session: Session,
    recipe: GenerateRecipe,
    model: Path,
    out: Path,
    count: int,
    clips: int,
    prefix: Path | None,
    real: Path | None,
    overwrite: bool,
) -> None:
    from avtool.jobs.generate import generate

    result = generate(
        model, out, count, clips, recipe, session.reporter,
        prefix=prefix, real=real, overwrite=overwrite, command=session.command_line,
    )  # fmt: skip
    session.table(
        ["videos", "frames", "seconds a clip"],
        [[len(result.videos), result.frames, round(result.seconds_per_clip, 3)]],
    )
    session.emit({"result": result}, text=str(result.out))
