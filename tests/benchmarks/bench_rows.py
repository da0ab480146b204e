"""Tables of many rows: seconds and memory of what reads, draws from, joins and shares them, without media.

`python -m tests.benchmarks.bench_rows 10000000 FOLDER [NAME…]`; without words 100,000 rows in a folder that
is removed.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from avtool.core.artifact import Artifact
from avtool.core.artifact_folder import open_partial, publish
from avtool.data.feature_table import feature_table, with_card
from tests.benchmarks.cost import cost_of

CLIPS_A_FILM = 1000
CLASSES = 500
BLOCK = 1 << 18
LAYOUTS = ("hf", "croissant", "audioset-csv", "sams", "webdataset")
SAMPLERS = ("uniform", "class-balanced", "grouped", "nearby")
READ = """
import sys
from avtool.core.shard import Shard
from avtool.data.items import find_items
items = find_items([sys.argv[1]], shard=Shard.parse(sys.argv[2]))
print(len(items), items[0].name, items[-1].ready())
"""
ORDER = """
import sys
from pathlib import Path
from avtool.core.recipe import validate
from avtool.core.reporter import Silent
from avtool.data.labels import encode_labels
from avtool.data.samplers import make_order
from avtool.tasks.classification.clips import find_clips
from avtool.tasks.classification.recipe import DataRecipe
found = find_clips(Path(sys.argv[1]), validate(DataRecipe, {}, "bench"), ["audio"], Silent())
targets = encode_labels(found.train, found.kind, found.classes)
length = len(found.train) // 64 * 64
columns = {"labels": found.train.values("labels"), "groups": found.train.values("group")}
order = make_order(sys.argv[2], len(found.train), length, 64, 0, **columns)
print(len(targets), order(0)[:3], order(1)[:3])
"""


def write_dataset(folder: Path, rows: int) -> None:
    """A dataset of clips in films that are nowhere, with one or two labels each."""
    partial = open_partial(folder, {}, kind="dataset")
    films = partial / "films"
    films.mkdir()
    names = [f"films/{number}.wav" for number in range(-(-rows // CLIPS_A_FILM))]
    for name in names:
        (partial / name).write_bytes(b"film " + name.encode())
    draw = np.random.default_rng(0)
    with parquet.ParquetWriter(partial / "manifest.parquet", table_of(0, 1, names, draw).schema) as writer:
        for first in range(0, rows, BLOCK):
            writer.write_table(table_of(first, min(rows, first + BLOCK), names, draw))
    classes = "".join(f"{number},class{number}\n" for number in range(CLASSES))
    (partial / "labels").mkdir()
    (partial / "labels" / "classes.csv").write_text(f"index,label\n{classes}", encoding="utf-8")
    publish(folder, Artifact("dataset", "bench_rows", {}), unhashed=["films"])


def table_of(first: int, last: int, names: list[str], draw: np.random.Generator) -> pa.Table:
    """The rows from `first` up to `last` of a manifest."""
    places = np.arange(first, last)
    start = (places % CLIPS_A_FILM) * 2.0
    labels = [
        [f"class{label}" for label in ({one, two} if two % 2 else {one})]
        for one, two in draw.integers(0, CLASSES, (last - first, 2)).tolist()
    ]
    films = places // CLIPS_A_FILM
    return pa.table(
        {
            "clip_id": pa.array([f"clip{place}" for place in places.tolist()]),
            "media": pa.array([names[film] for film in films.tolist()]),
            "start": start,
            "end": start + draw.uniform(0.5, 2.0, last - first).round(3),
            "split": pa.array([("train", "train", "val", "test")[film % 4] for film in films.tolist()]),
            "labels": pa.array(labels, pa.list_(pa.string())),
            "group": pa.array([f"film{film}" for film in films.tolist()]),
            "has_audio": np.ones(last - first, bool),
        }
    )


def write_shards(folder: Path, rows: int) -> list[Path]:
    """Two shards of features of 16 numbers, 500 windows a file."""
    folder.mkdir(parents=True, exist_ok=True)
    names, paths = [f"file{number}" for number in range(rows // 500)], []
    spans = np.arange(500)[:, None] + np.array([[0.0, 1.0]])
    card = {"schema_version": 1, "encoder": "bench", "width": 16}
    for index in (1, 2):
        mine, path = names[index - 1 :: 2], folder / f"{index}.parquet"
        part = {**card, "shard": [index, 2], "names": mine}
        values = np.random.default_rng(index).standard_normal((500, 16)).astype(np.float32)
        writer = None
        for name in mine:
            table = with_card(feature_table(name, spans, values), part)
            writer = writer or parquet.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
        assert writer is not None
        writer.close()
        paths.append(path)
    return paths


def main(rows: int, folder: Path, wanted: list[str]) -> None:
    """Measures each command in a process of its own, and prints a JSON line of each."""
    data = folder / f"data{rows}"
    if not data.exists():
        write_dataset(data, rows)
    avtool = [sys.executable, "-m", "avtool"]
    shards = [folder / f"features{rows}" / f"{index}.parquet" for index in (1, 2)]
    if "merge" in (wanted or ["merge"]) and not shards[1].exists():
        write_shards(shards[0].parent, rows)
    out = str(folder / "out")
    export = [*avtool, "export", str(data), "--overwrite", "-q", "--to"]
    commands = {
        "stats": [*avtool, "stats", str(data), "--no-fbank", "-q", "--split", "train"],
        "merge": [*avtool, "merge", *map(str, shards), "--out", f"{out}.parquet", "--overwrite", "-q"],
        **{name: [*export, name, "--out", f"{out}-{name}"] for name in LAYOUTS},
        "shard": [sys.executable, "-c", READ, str(data), "1/100"],
        "all": [sys.executable, "-c", READ, str(data), ""],
        **{name: [sys.executable, "-c", ORDER, str(data), name] for name in SAMPLERS},
    }
    for name in wanted or commands:
        cost = cost_of(commands[name])
        print(
            json.dumps(
                {
                    "rows": rows,
                    "command": name,
                    "s": round(cost.wall_s, 1),
                    "cpu_s": round(cost.cpu_s, 1),
                    "MiB": round(cost.memory_mib),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    if len(sys.argv) < 3:
        with TemporaryDirectory() as place:
            main(100_000, Path(place), [])
    else:
        main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
