"""A trained model written for another runtime, and run there beside the original."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from avtool.core.artifact import Artifact, Input
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.environment import versions
from avtool.core.files import sha256_of, write_json, write_text
from avtool.core.reporter import Reporter
from avtool.core.requirements import require
from avtool.core.runtime import RuntimeRecipe
from avtool.models.model_files import PREPROCESS, README, weights_file

if TYPE_CHECKING:
    from avtool.inference.export.format import Comparison
    from avtool.inference.export.network import Exportable

FormatName = Literal["onnx", "torch-export", "timm", "transformers"]
EXPORT = "export.json"
_SCHEMA_VERSION = 1


@dataclass(frozen=True)
class ExportResult:
    """What was written: its folder, the model's architecture, and the comparison with the model."""

    out: Path
    format: str
    builder: str
    inputs: Mapping[str, tuple[int, ...]]
    largest_difference: float
    largest_output: float
    tolerance: float


def default_out(model: Path, name: str) -> Path:
    """The folder of an export that is given none: beside the run, `runs/esc50-onnx`."""
    return model.resolve().with_name(f"{model.resolve().name}-{name}")


def export(
    model: Path,
    name: FormatName,
    out: Path,
    reporter: Reporter,
    *,
    overwrite: bool = False,
    command: str = "export",
) -> ExportResult:
    """Writes a model in a format, runs what was written, and publishes it if it computes the same.

    Args:
        model: a model, a run, or a checkpoint.
        name: the format.
        out: the folder to write.
        reporter: gets decisions.
        overwrite: replace an older export of other weights, or in another format.
        command: the command line, for the card.

    Raises:
        BadInputError: the path holds no model, or the format cannot hold it.
        MissingError: the format needs a library that is not installed.
        SomeFailedError: what was written computes something else.
    """
    from avtool.inference.export.formats import FORMATS

    form = FORMATS[name]()
    for module, extra in form.requires.items():
        require(module, extra)
    from avtool.inference.export.card import card_text
    from avtool.inference.export.format import compare
    from avtool.inference.export.network import Exportable
    from avtool.inference.predictor import Predictor

    runtime = RuntimeRecipe(device="cpu", precision="fp32")
    source = Exportable.of(Predictor(model, runtime, reporter))
    source.results(source.batch(1))  # networks may keep what depends on weights alone, such as class texts
    weights = weights_file(model)
    inputs = [Input(str(weights), "weights", sha256_of(weights))]
    settings = {"format": name, "weights": inputs[0].sha256}
    partial = open_partial(out, settings, kind="export", overwrite=overwrite, inputs=[model])
    try:
        form.write(source, partial)
        compared = compare(source, form.load(source, partial), name)
        write_json(partial / PREPROCESS, dict(source.preprocess))
        write_json(partial / EXPORT, _record(source, model, name, compared))
        write_text(partial / README, card_text(source, form, compared, command))
        publish(out, Artifact("export", command, settings, inputs=inputs))
    finally:
        discard_partial(partial)  # nothing to resume
    return ExportResult(
        out,
        name,
        source.builder,
        {key: tuple(value.shape[1:]) for key, value in source.batch(1).items()},
        compared.largest_difference,
        compared.largest_output,
        compared.tolerance,
    )


def _record(source: "Exportable", model: Path, name: str, compared: "Comparison") -> dict[str, Any]:
    """The content of `export.json`."""
    batch = source.batch(1)
    tensors = {"inputs": batch, "outputs": source.results(batch)}
    return {
        "schema_version": _SCHEMA_VERSION,
        "format": name,
        "model": str(model),
        "builder": source.builder,
        **{
            key: [
                {
                    "name": each,
                    "dtype": str(value.dtype).removeprefix("torch."),
                    "shape": ["batch", *value.shape[1:]],
                }
                for each, value in values.items()
            ]
            for key, values in tensors.items()
        },
        "labels": list(source.labels),
        "comparison": {**asdict(compared), "tolerance": compared.tolerance},
        "versions": versions(),
    }
