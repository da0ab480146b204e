"""The card of an exported model: how to load it, what it takes and gives, and how far it differs."""

from collections.abc import Iterable

from avtool.inference.export.format import Comparison, Format
from avtool.inference.export.network import Exportable

_HUBS = ("timm", "transformers")
_MEANING = {
    "single-label": "Logits of classes of which one holds: softmax gives probabilities.",
    "multi-label": "Logits of classes that hold by themselves: sigmoid gives probabilities.",
    "verb-noun": "Logits of verbs, then of nouns: softmax over each part gives probabilities.",
}


def card_text(model: Exportable, form: Format, compared: Comparison, command: str) -> str:
    """The card in Markdown."""
    batch = model.batch(1)
    tensors = [
        f"| {kind} | `{name}` | {str(value.dtype).removeprefix('torch.')} | "
        f"{' x '.join(('batch', *map(str, value.shape[1:])))} |"
        for kind, values in (("input", batch), ("output", model.results(batch)))
        for name, value in values.items()
    ]
    rolls = int(model.preprocess.get("rolls", 1))
    sections = [
        _front(form.name, batch, classifies=bool(model.labels)),
        f"# {model.builder}, {form.name}",
        f"```python\n{form.usage(model)}\n```",
        "\n".join(["| | name | type | shape |", "|---|---|---|---|", *tensors]),
        "`preprocess.json` has the rates, sizes and statistics that make inputs of files, and the classes in "
        "the order of the logits.",
        _MEANING.get(str(model.preprocess.get("task")), ""),
        f"`avtool predict` averages the logits of {rolls} rotations of the audio in time; this network "
        "computes those of one."
        if rolls > 1
        else "",
        f"Over seeded noise in batches of {' and '.join(map(str, compared.batches))}, its outputs differ "
        f"from the model's by at most {compared.largest_difference:.2g}; the largest is "
        f"{compared.largest_output:.3g}.",
        f"Written by `{command}`.",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _front(form: str, inputs: Iterable[str], *, classifies: bool) -> str:
    """The fields that model hubs read in front of a card; none of a format that is for no hub."""
    if form not in _HUBS:
        return ""
    kind = next((name for name in ("video", "image", "audio") if name in inputs), "image")
    extraction = "image-feature-extraction" if kind == "image" else "feature-extraction"
    task = f"{kind}-classification" if classifies else extraction
    return f"---\nlibrary_name: {form}\npipeline_tag: {task}\ntags:\n- avtool\n---"
