"""METEOR with the dictionaries of the authors and a phrase table of three pairs, which is made at once."""

import gzip
from pathlib import Path

import pytest
from safetensors.numpy import save_file

from avtool.evaluation.metrics.meteor.data import build_table, cached_table, package_file

PAIRS = (("a lot of", "many"), ("is playing", "plays"), ("shut", "closed"))


def small_phrase_table(folder: Path) -> None:
    """Puts the small table where METEOR looks for its own; skips where its data are not installed."""
    pytest.importorskip("pycocoevalcap")
    source = folder / "phrases.gz"
    with gzip.open(source, "wt", encoding="utf-8") as stream:
        stream.writelines(f"0.5\n{one}\n{other}\n" for one, other in PAIRS)
    path = cached_table(package_file("meteor", "data", "paraphrase-en.gz"))
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(build_table(source), path)
