"""Subcommands of `zoo` that measure rows: counts, their verification, timings, and the best of these."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command
from avtool.cli.options import Overwrite, output
from avtool.cli.session import Session
from avtool.core.errors import BadInputError, ExitCode
from avtool.jobs.zoo.recipes import BenchRecipe, parse_size

Names = Annotated[list[str] | None, typer.Argument(help="Names or keys of rows.", metavar="[NAME]...")]
All = Annotated[bool, typer.Option("--all", help="All rows with a builder.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Count again what is in the cache.")]


def add_measures(app: typer.Typer) -> None:
    """Adds the subcommands to the application of `zoo`."""
    command(app, "count")(count)
    command(app, "verify")(verify)
    command(app, "bench", resumable=True)(bench)
    command(app, "pareto")(pareto)


def count(
    session: Session,
    names: Names = None,
    everything: All = False,
    image_size: Annotated[
        str, typer.Option(help="SIDE or HEIGHTxWIDTH in pixels.  [default: each row's own]")
    ] = "",
    num_classes: Annotated[
        int | None, typer.Option(help="Width of the last layer.  [default: as published]", min=0)
    ] = None,
    channels: Annotated[int, typer.Option(help="Channels of an image; 1: spectrograms.", min=1)] = 3,
    out: Annotated[Path | None, output("CSV file for the counts.")] = None,
    overwrite: Overwrite = False,
    no_cache: NoCache = False,
) -> int:
    """Count parameters and MACs, without memory or weights."""
    from avtool.jobs.zoo.count import chosen_rows
    from avtool.jobs.zoo.count import count as run

    rows = chosen_rows(names or [], everything=everything)
    try:
        size = parse_size(image_size)
    except ValueError as error:
        raise BadInputError(f"--image-size {error}", "such as 224 or 512x1024") from error
    result = run(
        rows, session.reporter, size=size, num_classes=num_classes, in_channels=channels, out=out,
        overwrite=overwrite, cache=not no_cache,
    )  # fmt: skip
    session.table(
        ["name", "size", "M params", "G MACs", "counted on", "s"],
        [
            (
                one.row.name, f"{one.count.height}x{one.count.width}", f"{one.count.params / 1e6:.3f}",
                f"{one.count.macs / 1e9:.3f}",
                f"{one.count.device} ({one.count.versions})", one.count.seconds,
            )
            for one in result.rows
        ],
    )  # fmt: skip
    counts = [
        {
            "name": one.row.name, "key": one.row.key, "params": one.count.params, "macs": one.count.macs,
            "height": one.count.height, "width": one.count.width, "num_classes": one.count.num_classes,
            "device": one.count.device, "versions": one.count.versions,
        }
        for one in result.rows
    ]  # fmt: skip
    failed = [{"name": row.name, "error": error} for row, error in result.failed]
    session.emit({"counts": counts, "failed": failed, "out": out}, text=str(out) if out else "")
    return ExitCode.SOME_FAILED if result.failed else ExitCode.DONE


def verify(
    session: Session,
    names: Names = None,
    tolerance: Annotated[
        float, typer.Option(help="Relative difference up to which figures agree.", min=0, max=1)
    ] = 0.02,
    out: Annotated[Path | None, output("CSV file for the table.")] = None,
    overwrite: Overwrite = False,
    no_cache: NoCache = False,
) -> int:
    """Compare counted with published parameters and MACs; exit 1 if a row that agreed no longer does."""
    from avtool.jobs.zoo.count import chosen_rows
    from avtool.jobs.zoo.verify import COLUMNS
    from avtool.jobs.zoo.verify import verify as run

    rows = chosen_rows(names or [], everything=not names)
    result = run(
        rows, session.reporter, tolerance=tolerance, out=out, overwrite=overwrite, cache=not no_cache
    )
    differing = [one.cells() for one in result.agreements if one.disagrees]
    columns = ["row", "M params", "counted", "", "G MACs", "counted", "", "reason"]
    session.table(columns, [(cells[0], *cells[3:9], cells[10]) for cells in differing])
    session.table(
        ["rows", "params agree", "MACs agree"],
        [
            (one.rows, f"{one.params} of {one.params_of}", f"{one.macs} of {one.macs_of}")
            for one in result.shares
        ],
    )
    exact = sum(one.is_exact for one in result.oracle)
    session.reporter.info(f"torchvision's own counts: {exact} of {len(result.oracle)} are exact")
    for one in result.agreements:
        if one.broken:
            session.reporter.warn(f"{one.row.name} agreed when the catalogue was made, and does not any more")
    value = {
        "passed": result.passed, "shares": result.shares, "torchvision": result.oracle, "out": out,
        "rows": [dict(zip(COLUMNS, one.cells(), strict=True)) for one in result.agreements],
        "broken": [one.row.name for one in result.agreements if one.broken],
        "failed": [{"name": row.name, "error": error} for row, error in result.failed],
    }  # fmt: skip
    session.emit(value, text=str(out) if out else "")
    return ExitCode.DONE if result.passed else ExitCode.SOME_FAILED


def bench(
    session: Session,
    recipe: BenchRecipe,
    names: Names = None,
    everything: All = False,
    out: Annotated[Path | None, output("CSV file for the timings.")] = None,
    overwrite: Overwrite = False,
) -> int:
    """Time rows on this machine: latency, throughput, peak memory."""
    from avtool.jobs.zoo.bench import bench as run
    from avtool.jobs.zoo.count import chosen_rows
    from avtool.jobs.zoo.timing import COLUMNS

    rows = chosen_rows(names or [], everything=everything)
    result = run(rows, recipe, session.reporter, out=out, overwrite=overwrite)
    session.table(
        ["row", "precision", "batch", "size", "ms p50", "ms p90", "images/s", "peak MiB"],
        [
            (
                one.row.name, one.precision, one.batch, f"{one.height}x{one.width}", round(one.p50_ms, 2),
                round(one.p90_ms, 2), round(one.images_per_s, 2),
                "" if one.peak_mib is None else round(one.peak_mib),
            )
            for one in result.timings
        ],
    )  # fmt: skip
    timings = [dict(zip(COLUMNS, map(_plain, one.cells()), strict=True)) for one in result.timings]
    failed = [{"name": row.name, "error": error} for row, error in result.failed]
    session.emit({"timings": timings, "failed": failed, "out": out}, text=str(out) if out else "")
    return ExitCode.SOME_FAILED if result.failed else ExitCode.DONE


def _plain(value: object) -> object:
    """A cell in JSON's types."""
    return None if value == "" else value if isinstance(value, str | int | float) else float(str(value))


def pareto(
    session: Session,
    table: Annotated[Path, typer.Argument(help="Table of `avtool zoo bench`.", metavar="CSV")],
    out: Annotated[Path, output("HTML page to write.")],
    x: Annotated[str, typer.Option(help="Column of the horizontal axis.")] = "images_per_s",
    y: Annotated[str, typer.Option(help="Column of the vertical axis.")] = "score",
    overwrite: Overwrite = False,
) -> None:
    """Draw the timings of a bench, and the rows that no other beats."""
    from avtool.jobs.zoo.pareto import pareto as run

    points = run(table, x, y, out, overwrite=overwrite)
    best = [point for point in points if point.best]
    session.table(["row", x, y], [(point.label, point.x, point.y) for point in best])
    session.emit(
        {"out": out, "points": len(points), "best": [(point.label, point.x, point.y) for point in best]},
        text=str(out),
    )
