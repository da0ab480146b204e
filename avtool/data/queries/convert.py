"""The conversion of published annotations, and of datasets, into query tables."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from avtool.core.errors import BadInputError
from avtool.core.registry import nearest_hint
from avtool.data.queries.collector import Collector, ConvertOptions
from avtool.data.queries.ego4d import convert_mq, convert_nlq, convert_vq
from avtool.data.queries.mined import convert_dataset
from avtool.data.queries.published import convert_charades_sta, convert_qvhighlights

Converter = Callable[[Path, Collector], None]
"""Reads annotations into a collector."""
CONVERTERS: Final[Mapping[str, Converter]] = MappingProxyType(
    {
        "ego4d-vq": convert_vq,
        "ego4d-nlq": convert_nlq,
        "ego4d-mq": convert_mq,
        "qvhighlights": convert_qvhighlights,
        "charades-sta": convert_charades_sta,
        "dataset": convert_dataset,
    }
)


def convert(name: str, path: Path, options: ConvertOptions) -> Collector:
    """Reads annotations.

    Args:
        name: of their converter.
        path: the file, or the dataset.
        options: of the conversion.

    Raises:
        BadInputError: the name is unknown, the file is unreadable, cut off or of another kind, or a segment
            makes no sense.
    """
    if name not in CONVERTERS:
        hint = nearest_hint(name, list(CONVERTERS), "avtool localize convert --help")
        raise BadInputError(f"no annotations `{name}`", hint)
    collector = Collector(options)
    CONVERTERS[name](path, collector)
    return collector
