"""Options that several verbs share: each is written once, and means the same everywhere."""

from pathlib import Path
from typing import Annotated, Any

import typer

Jobs = Annotated[int, typer.Option("--jobs", "-j", help="Parallel processes; -1 takes every processor.")]
Resume = Annotated[
    bool, typer.Option("--resume/--overwrite", help="Resume what an earlier run left, or replace it.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing output.")]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="Stop at the first input that fails.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and write nothing.")]
ShardOption = Annotated[
    str, typer.Option("--shard", help="Do a part of the inputs, such as 2/8; `avtool merge` joins the parts.")
]

Watch = Annotated[
    Path | None,
    typer.Option(help="A folder whose films are done as they come, until the command is interrupted."),
]
Settle = Annotated[
    float,
    typer.Option(help="Seconds without a change after which a film of --watch is complete.", min=0.0),
]


def output(text: str) -> Any:
    """The option `--out`, `-o` of a verb."""
    return typer.Option("--out", "-o", help=text)
