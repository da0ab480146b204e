"""`avtool eval`: benchmarks, with published numbers, peers and floors beside ours."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.options import Overwrite, output
from avtool.cli.session import Session
from avtool.core import paths
from avtool.core.errors import BadInputError

app = verb_app(
    "eval", "avtool eval --list", "avtool eval --benchmark esc50 --data ESC-50-master --out report"
)


@command(app)
def evaluate(
    session: Session,
    benchmark: Annotated[str | None, typer.Option(help="The benchmark's name.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the benchmarks.")] = False,
    data: Annotated[Path | None, typer.Option(help="The benchmark's data.")] = None,
    lemmas: Annotated[Path | None, typer.Option(help="sams-tags: the table word → lemma.")] = None,
    lexicon: Annotated[Path | None, typer.Option(help="sams-tags: your own words.")] = None,
    subset: Annotated[str | None, typer.Option(help="esc50: esc10 for its ten free classes.")] = None,
    download: Annotated[bool | None, typer.Option("--download", help="esc50: get it if absent.")] = None,
    model: Annotated[Path | None, typer.Option(help="A model to score, instead of training one.")] = None,
    encoder: Annotated[str | None, typer.Option(help="A pretrained model or run to evaluate.")] = None,
    protocol: Annotated[
        str | None, typer.Option(help="What is asked of it: linear, knn, finetune, …")
    ] = None,
    predictions: Annotated[Path | None, typer.Option(help="Predictions to score.")] = None,
    training: Annotated[str | None, typer.Option(help="esc50: the recipe to train by.")] = None,
    epochs: Annotated[int | None, typer.Option(help="esc50: epochs of each training.")] = None,
    folds: Annotated[str | None, typer.Option(help="esc50: only these folds.")] = None,
    seeds: Annotated[int | None, typer.Option(help="esc50: trainings of each fold.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:1.")] = None,
    runs: Annotated[Path | None, typer.Option(help="Where trainings are kept.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random.")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", help="Processes.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Set a key: KEY=VALUE. Repeatable.")
    ] = None,
    recipe_name: Annotated[
        str | None, typer.Option("--recipe", help="A TOML file with the settings.")
    ] = None,
    out: Annotated[Path | None, output("Write a report there.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Run a benchmark; print published numbers, peers and baselines beside ours."""
    from avtool.benchmarks.registry import BENCHMARKS
    from avtool.evaluation.mistakes import mistake_table
    from avtool.jobs.evaluate import evaluate as run

    if list_:
        rows = [(name, known.summary) for name, known in BENCHMARKS.items()]
        session.table(["benchmark", "what it measures"], rows)
        session.emit({"benchmarks": dict(rows)})
        return
    if not benchmark:
        raise BadInputError("no benchmark given", "name one with --benchmark; --list shows them all")
    flags = {
        "data": data, "lemmas": lemmas, "lexicon": lexicon, "subset": subset, "download": download,
        "model": model, "encoder": encoder, "protocol": protocol,
        "predictions": predictions, "training": training, "epochs": epochs, "folds": folds,
        "seeds": seeds, "device": device, "runs": runs, "seed": seed, "jobs": jobs,
    }  # fmt: skip
    report = run(
        benchmark,
        session.reporter,
        flags=flags,
        settings=settings or (),
        recipe=paths.find_recipe(recipe_name) if recipe_name else None,
        out=out,
        overwrite=overwrite,
        command=session.command_line,
    )
    for table in [*report.tables, *([mistake_table(report.mistakes)] if report.mistakes else [])]:
        session.table(table.columns, table.rows, title=table.title)
    for note in report.notes:
        session.reporter.detail(note)
    session.emit({"benchmark": benchmark, "report": report}, text=str(out) if out else report.headline)
