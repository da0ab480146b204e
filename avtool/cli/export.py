"""`avtool export`: a trained model for onnxruntime, `torch.export`, timm or transformers."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.options import Overwrite, output
from avtool.cli.session import Session
from avtool.jobs.export import FormatName

app = verb_app(
    "export",
    "avtool export runs/esc50 --format onnx",
    "avtool export runs/esc50 --format transformers --out esc50-ast",
)


@command(app)
def export(
    session: Session,
    model: Annotated[Path, typer.Argument(help="A model, a run, or a checkpoint.")],
    format_: Annotated[
        FormatName,
        typer.Option("--format", "-f", help="What reads it: onnxruntime, torch, timm or transformers."),
    ],
    out: Annotated[Path | None, output("The folder to write.  [default: MODEL-FORMAT]")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a model for other programs, and compare its outputs there with ours."""
    from avtool.jobs.export import default_out
    from avtool.jobs.export import export as run

    result = run(
        model, format_, out or default_out(model, format_), session.reporter,
        overwrite=overwrite, command=session.command_line,
    )  # fmt: skip
    session.table(
        ["format", "model", "inputs", "largest difference", "tolerance"],
        [
            (
                result.format,
                result.builder,
                ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in result.inputs.items()),
                f"{result.largest_difference:.2g}",
                f"{result.tolerance:.2g}",
            )
        ],
    )
    session.emit({"result": result}, text=str(result.out))
