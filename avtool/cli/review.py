"""`avtool review`: a local page on which people check and correct events or captions."""

import getpass
from pathlib import Path
from typing import Annotated, Literal

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.help import DefaultGroup
from avtool.cli.options import Jobs, Overwrite, output
from avtool.cli.session import Session
from avtool.core.artifact import CARD, read_artifact
from avtool.core.errors import BadInputError

app = verb_app(
    "review",
    "avtool review events",
    "avtool review events --model runs/sounds --reviewer ada",
    "avtool review agreement events",
    "avtool review captions captions --out reviewed",
    cls=DefaultGroup.of("page"),
)
Reviewed = Annotated[Path, typer.Argument(help="A dataset, or a folder that `avtool caption` wrote.")]
ReviewFile = Annotated[
    Path | None, typer.Option("--review", help="The decisions.  [default: review.parquet in the dataset]")
]
Format = Literal["vtt", "srt", "ttml", "json"]


@command(app, "page")
def page(
    session: Session,
    dataset: Reviewed,
    review: ReviewFile = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", "-m", help="A classifier: its doubtful events come first, and its disagreements show."
        ),
    ] = None,
    reviewer: Annotated[
        str | None, typer.Option("--reviewer", help="Name of the reviewer.  [default: the login name]")
    ] = None,
    blind: Annotated[bool, typer.Option("--blind", help="Show a reviewer only his own decisions.")] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 0,
    opens: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
    jobs: Jobs = 1,
) -> None:
    """Serve the review page until Ctrl-C: the default subcommand, whose name may be dropped."""
    from avtool.jobs.review.serve import ReviewAddress, ReviewOptions, serve_review
    from avtool.mining.review.journal import review_path

    def ready(found: ReviewAddress) -> None:
        session.reporter.info(
            f"{found.events} {found.kind}, {found.decided} decided; decisions: `{found.review}`; Ctrl-C ends"
        )
        session.emit({"review": found}, text=found.address)
        session.flush()

    options = ReviewOptions(review, model, (reviewer or _login()).strip(), port, blind, opens, jobs)
    if not options.reviewer or len(options.reviewer) > 60:
        raise BadInputError("a reviewer has a name of 1 to 60 characters", "give another --reviewer")
    journal = options.review or review_path(dataset)
    if serve_review(dataset, options, session.reporter, ready):
        session.reporter.info(f"decisions: `{journal}`; {_next_step(dataset, journal)}")


def _next_step(dataset: Path, journal: Path) -> str:
    """The command lines that apply decisions to what was reviewed."""
    if (dataset / CARD).is_file() and read_artifact(dataset).kind == "predictions":
        return f"`avtool review captions {dataset} --out DIR` writes the captions"
    trained = f"`avtool finetune {dataset} --set data.review={journal}`"
    return f"{trained} and `avtool mine-subtitles FILMS --review {journal}` apply them"


@command(app, "agreement")
def agreement(session: Session, dataset: Reviewed, review: ReviewFile = None) -> None:
    """Print each reviewer's counts, and Cohen's kappa of each two."""
    from avtool.jobs.review.agreement import measure_agreement

    found = measure_agreement(dataset, review)
    session.table(
        ["reviewer", "events", "accepted", "rejected", "changed", "median s"],
        [
            (one.reviewer, one.events, one.accepted, one.rejected, one.changed, _or_dash(one.seconds))
            for one in found.reviewers
        ],
    )
    session.table(
        ["reviewers", "events", "same verdict", "kappa", "both accepted", "same sounds", "kappa of sounds"],
        [
            (
                f"{pair.one}, {pair.other}", pair.events, pair.same_verdict, _or_dash(pair.kappa),
                pair.accepted, pair.same_sounds, _or_dash(pair.sound_kappa),
            )
            for pair in found.pairs
        ],
    )  # fmt: skip
    session.emit({"agreement": found})


@command(app, "captions")
def captions(
    session: Session,
    folder: Annotated[Path, typer.Argument(help="A folder that `avtool caption` wrote.")],
    out: Annotated[Path, output("The folder of reviewed captions to write.")],
    formats: Annotated[str, typer.Option("--format", help="Formats: vtt, srt, ttml, json.")] = "vtt,srt",
    review: ReviewFile = None,
    overwrite: Overwrite = False,
) -> None:
    """Write captions as their review leaves them; dialogue stays as it is."""
    from avtool.jobs.review.caption_files import write_reviewed_captions

    wanted = [name.strip() for name in formats.split(",") if name.strip()]
    films = write_reviewed_captions(
        folder, out, wanted, session.reporter,
        review=review, overwrite=overwrite, command=session.command_line,
    )  # fmt: skip
    session.table(
        ["film", "cues", "changed", "rejected"],
        [(film.film_id, film.cues, film.changed, film.rejected) for film in films],
    )
    session.emit({"out": out, "films": films}, text=str(out))


def _or_dash(value: float | None) -> object:
    return "–" if value is None else round(value, 3)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a machine without names of users
        return "reviewer"
