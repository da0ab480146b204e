"""Published accuracies of prompt tuning, by protocol and dataset."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from avtool.data.image_shots import harmonic_mean
from avtool.evaluation.published import PublishedResult

ProtocolName = str


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "published.toml").read_text(encoding="utf-8"))


def published_rows(dataset: str, protocol: ProtocolName) -> tuple[PublishedResult, ...]:
    """The published rows of a dataset under a protocol: `accuracy`, `base` and `new` with `H`, or targets."""
    rows = []
    for values in _tables().get(protocol, ()):
        if protocol == "few-shot":
            metrics = {"accuracy": values["accuracy"].get(dataset)}
        elif protocol == "base-to-new":
            base, new = values["base"].get(dataset), values["new"].get(dataset)
            metrics = {"base": base, "new": new, "H": round(harmonic_mean(base or 0, new or 0), 2)}
        else:
            metrics = values["targets"] if dataset == "imagenet" else {}
        known = {name: value for name, value in metrics.items() if value is not None}
        if known:
            facts = {key: values[key] for key in ("model", "training", "source", "standing")}
            rows.append(PublishedResult(inputs="image", metrics=known, **facts))
    return tuple(rows)


def published_notes(protocol: ProtocolName) -> list[str]:
    """Sentences on averages and re-runs for the report of a protocol."""
    averages = _tables()["averages"]
    wanted = {"few-shot": "few-shot", "base-to-new": "text", "cross-dataset": "cross-dataset"}.get(protocol)
    return [*([averages[wanted]] if wanted else []), averages["reruns"]]
