"""`avtool export`: a trained model, or the annotations of a dataset, for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from avtool.cli.command import command, verb_app
from avtool.cli.options import Overwrite, output
from avtool.cli.session import Session
from avtool.core.errors import BadInputError
from avtool.data.sharing import LayoutName
from avtool.jobs.export import FormatName

app = verb_app(
    "export",
    "avtool export runs/esc50 --format onnx",
    "avtool export events --to hf --license cc-by-4.0 --out movie-sounds",
)


@command(app, to_address=True)
def export(
    session: Session,
    source: Annotated[Path, typer.Argument(help="A model, a run, a checkpoint, or a dataset.")],
    format_: Annotated[
        FormatName | None,
        typer.Option("--format", "-f", help="Of a model, what reads it: onnxruntime, torch, timm, …"),
    ] = None,
    layout: Annotated[
        LayoutName | None,
        typer.Option("--to", "-t", help="Of a dataset, the layout of its annotations: media stay here."),
    ] = None,
    license_name: Annotated[
        str, typer.Option("--license", help="Licence of the annotations: an SPDX identifier or an address.")
    ] = "other",
    url: Annotated[
        str, typer.Option("--url", help="Address where the dataset is published.")
    ] = "https://example.org",
    out: Annotated[
        Path | None, output("The folder to write.  [default: SOURCE-FORMAT or SOURCE-LAYOUT]")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a model, or a dataset without its media, for other programs.

    A model is run there, and its outputs are compared with ours.
    """
    from avtool.jobs.export import default_out

    if (format_ is None) is (layout is None):
        given = "neither --format nor --to is given" if layout is None else "--format and --to are both given"
        raise BadInputError(given, "--format for a model, --to for a dataset")
    if layout is not None:
        from avtool.data.sharing.export import export_dataset

        shared = export_dataset(
            source, layout, out or default_out(source, layout), session.reporter,
            license_name=license_name, url=url, overwrite=overwrite,
        )  # fmt: skip
        rows = [("clips", shared.clips), ("films", shared.films), ("skipped", shared.skipped)]
        session.table([layout, ""], rows)
        session.emit({"result": shared}, text=str(shared.out))
        return
    assert format_ is not None
    _export_model(session, source, format_, out or default_out(source, format_), overwrite=overwrite)


def _export_model(session: Session, model: Path, name: FormatName, out: Path, *, overwrite: bool) -> None:
    from avtool.jobs.export import export as run

    result = run(model, name, out, session.reporter, overwrite=overwrite, command=session.command_line)
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
