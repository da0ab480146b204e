"""`avtool export DATASET --to …` and `avtool rebuild`: published without sound, made again from the films."""

import csv
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from avtool.core.artifact import CARD
from avtool.data.dataset import open_dataset
from avtool.data.readers.layouts import read_source
from avtool.data.readers.source import ReadOptions
from avtool.data.sharing.annotations import write_table
from avtool.jobs.review.events import open_review
from avtool.synthetic.make_film import make_film
from tests.harness import Result, run_avtool, write_sine

LAYOUTS = ("hf", "webdataset", "audioset-csv", "croissant", "sams")
FAST = ("--sync", "none", "--no-progress", "-q")


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    for seed in range(3):
        make_film(folder, seed=seed, minutes=0.5, name=f"film{seed}", video="none", style="netflix")
    return folder


@pytest.fixture(scope="module")
def mined(films) -> Path:
    out = films.parent / "mined-events"
    assert run_avtool("mine-subtitles", films, "--out", out, *FAST).code == 0
    return out


@pytest.fixture(scope="module")
def exports(mined, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    for layout in LAYOUTS:
        assert run_avtool("export", mined, "--to", layout, "--out", folder / layout, "-q").code == 0
    return folder


def rebuild(export: Path, films: Path, out: Path, *options: object) -> Result:
    return run_avtool("rebuild", export, "--films", films, "--out", out, "-q", "--json", *options)


def rows_of(path: Path) -> list[dict]:
    return parquet.read_table(path).to_pylist()


def clips_in(folder: Path) -> dict[str, bytes]:
    clips = folder / "clips"
    suffixes = {".wav", ".flac", ".jpg"}
    return {str(p.relative_to(clips)): p.read_bytes() for p in clips.rglob("*") if p.suffix in suffixes}


def names_below(dataset: Path, *folders: str) -> list[str]:
    names = [str(p.relative_to(dataset)) for folder in folders for p in (dataset / folder).iterdir()]
    assert len(names) >= 3 + 3 * 3 + 3
    return names


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_rebuilt_byte_for_byte_from_films_in_another_folder(
    layout, exports, mined, films, tmp_path
):
    elsewhere = tmp_path / "disk" / "other"
    elsewhere.mkdir(parents=True)
    for number in range(3):
        shutil.copy(films / f"film{number}.mkv", elsewhere / f"renamed {number}.mkv")
    done = rebuild(exports / layout, tmp_path / "disk", tmp_path / "again")
    assert done.code == 0, done.stderr
    assert done.json["result"]["films"] == 3
    assert clips_in(tmp_path / "again") == clips_in(mined)
    theirs = rows_of(tmp_path / "again" / "manifest.parquet")
    assert {row["film"] for row in theirs} == {str(path) for path in elsewhere.iterdir()}
    assert [{**row, "film": ""} for row in theirs] == [
        {**row, "film": ""} for row in rows_of(mined / "manifest.parquet")
    ]
    assert rebuild(exports / layout, films, tmp_path / "here").code == 0
    for name in ("manifest.parquet", "events.csv", *names_below(mined, "labels", "events", "sams")):
        assert (tmp_path / "here" / name).read_bytes() == (mined / name).read_bytes(), name


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_export_holds_neither_sound_nor_folders_of_this_machine_and_is_reproducible(
    layout, exports, mined, films, tmp_path
):
    clips = {hashlib.sha256(content).digest() for content in clips_in(mined).values()}
    for path in (exports / layout).rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert path.suffix in {".json", ".csv", ".md", ".parquet", ".tar"}
            assert hashlib.sha256(content).digest() not in clips
            assert b"RIFF" not in content
            assert str(films.parent.parent).encode() not in content
            if path.suffix == ".parquet":
                assert str(films.parent.parent) not in str(rows_of(path))
    assert run_avtool("export", mined, "--to", layout, "--out", tmp_path / "twice", "-q").code == 0
    for path in (exports / layout).rglob("*"):
        if path.is_file() and path.name != CARD:
            assert path.read_bytes() == (tmp_path / "twice" / path.relative_to(exports / layout)).read_bytes()


@pytest.mark.parametrize("settings", [("--format", "flac", "--sr", "22050"), ("--frames-fps", "2")])
def test_settings_of_the_clips_come_with_the_export(settings, tmp_path):
    make_film(tmp_path / "films", seed=9, minutes=0.3, name="film", style="netflix", video="drawn")
    assert (
        run_avtool("mine-subtitles", tmp_path / "films", "--out", tmp_path / "mined", *settings, *FAST).code
        == 0
    )
    assert run_avtool("export", tmp_path / "mined", "--to", "hf", "--out", tmp_path / "x", "-q").code == 0
    done = rebuild(tmp_path / "x", tmp_path / "films", tmp_path / "again")
    assert done.code == 0, done.stderr
    ours = clips_in(tmp_path / "again")
    assert ours == clips_in(tmp_path / "mined")
    assert any(name.endswith(".jpg") for name in ours) is ("--frames-fps" in settings)


def test_a_dataset_of_references_finds_its_media_by_content(tmp_path):
    for label in ("bell", "dog"):
        for number in range(2):
            write_sine(tmp_path / "media" / label / f"{label}{number}.wav", 0.3 + number / 10, 0.3)
    assert run_avtool("prepare", tmp_path / "media", "--out", tmp_path / "data", "-q").code == 0
    assert run_avtool("export", tmp_path / "data", "--to", "hf", "--out", tmp_path / "x", "-q").code == 0
    done = rebuild(tmp_path / "x", tmp_path / "media", tmp_path / "again")
    assert done.code == 0, done.stderr
    ours, theirs = (rows_of(tmp_path / name / "manifest.parquet") for name in ("data", "again"))
    for mine, again in zip(ours, theirs, strict=True):
        same = (tmp_path / "data" / mine["media"]).resolve().read_bytes() == Path(again["media"]).read_bytes()
        assert same
        assert {**mine, "media": ""} == {**again, "media": ""}
    assert run_avtool("export", tmp_path / "again", "--to", "hf", "--out", tmp_path / "x2", "-q").code == 0


def test_every_verb_takes_a_rebuilt_dataset(exports, films, mined, tmp_path):
    again, run = tmp_path / "again", tmp_path / "run"
    assert rebuild(exports / "croissant", films, again).code == 0
    step = ("--max-steps", "1", "--workers", "0", "--device", "cpu", "--set", "loop.tensorboard=false", "-q")
    assert run_avtool("finetune", again, "--model", "cnn_tiny", *step, "--out", run).code == 0
    tested = ("--split", "test", "--out", tmp_path / "predicted")
    assert run_avtool("predict", again, "--model", run, *tested, "-q").code == 0
    scored = run_avtool("eval", "--predictions", tmp_path / "predicted", "--out", tmp_path / "scores", "-q")
    assert scored.code == 0, scored.stderr
    ours, theirs = (run_avtool("stats", folder, "--json", "-q").json for folder in (mined, again))
    assert ours == {**theirs, "dataset": str(mined)}
    assert open_review(again).events == open_review(mined).events
    with (again / "films.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["film_id"], row["film"], row["status"]) for row in rows] == [
        (f"film{number}", str(films / f"film{number}.mkv"), "rebuilt") for number in range(3)
    ]
    page = (again / "report.html").read_text()
    assert '"film0"' in page
    assert "clips made again from the films" in page


@pytest.mark.parametrize("layout", ["hf", "webdataset"])
def test_annotations_are_counted_and_refused_where_media_are_needed(layout, exports, mined):
    export = exports / layout
    counted = run_avtool("stats", export, "--json")
    assert counted.code == 0
    assert (
        f"`{export}` holds annotations without media: spectrogram mean and std are skipped" in counted.stderr
    )
    ours = run_avtool("stats", mined, "--no-fbank", "--json", "-q").json
    assert counted.json == {**ours, "dataset": str(export)}
    lines = [("finetune", export, "--model", "cnn_tiny", "--out", "never"), ("review", export, "--no-open")]
    if layout == "webdataset":  # a layout that `prepare` knows
        lines.append(("prepare", export, "--out", "never"))
    remedy = f"`avtool rebuild {export} --films DIR --out DATASET` makes the clips again from the films"
    for line in lines:
        refused = run_avtool(*line)
        assert refused.code == 2
        assert refused.stderr.splitlines()[-2:] == [
            f"error: `{export}` holds annotations without media",
            f"hint: {remedy}",
        ]
    assert not Path("never").exists()


def test_a_rebuilt_dataset_is_exported_to_the_same_annotations(exports, films, tmp_path):
    assert rebuild(exports / "hf", films, tmp_path / "mined-events").code == 0
    out = tmp_path / "x"
    assert run_avtool("export", tmp_path / "mined-events", "--to", "hf", "--out", out, "-q").code == 0
    for path in (exports / "hf" / "rebuild").rglob("*.*"):
        again = out / path.relative_to(exports / "hf")
        assert again.read_bytes() == path.read_bytes(), path.name


# --- what other programs, and our own readers, find in each layout


def test_hugging_face_files_hold_every_clip_in_its_split(exports, mined):
    ours = rows_of(mined / "manifest.parquet")
    names = {"train": "train", "validation": "val", "test": "test"}
    found = {}
    for path in (exports / "hf" / "data").iterdir():
        for row in rows_of(path):
            assert row["split"] == names[path.name.partition("-")[0]]
            found[row["clip_id"]] = row
    assert found.keys() == {row["clip_id"] for row in ours}
    for row in ours:
        shared = found[row["clip_id"]]
        assert (shared["start"], shared["end"]) == (row["film_start"], row["film_end"])
        assert (shared["labels"], shared["text"], shared["tag_raw"]) == (
            row["labels"],
            row["text"],
            row["tag_raw"],
        )
        assert "media" not in shared
    card = (exports / "hf" / "README.md").read_text()
    yaml = pytest.importorskip("yaml")
    front = yaml.safe_load(card.split("---")[1])
    assert {one["split"] for one in front["configs"][0]["data_files"]} == set(names)


def test_shards_without_media_are_read_by_webdataset_and_by_our_reader(exports, mined):
    webdataset = pytest.importorskip("webdataset")
    path = exports / "webdataset" / "shards" / "00000.tar"
    with path.open("rb") as stream:
        files = webdataset.tariterators.tar_file_expander([{"url": str(path), "stream": stream}])
        samples = [json.loads(one["json"]) for one in webdataset.tariterators.group_by_keys(files)]
    ours = {row["clip_id"]: row for row in rows_of(mined / "manifest.parquet")}
    assert {sample["clip_id"] for sample in samples} == ours.keys()
    for clip in open_dataset(path, media=False):
        row = ours[clip.clip_id]
        assert (list(clip.labels), clip.text, clip.split, clip.group) == (
            row["labels"],
            row["text"],
            row["split"],
            row["group"],
        )
        assert clip.end == pytest.approx(row["film_end"] - row["film_start"])


def test_segment_lists_are_read_by_our_reader_of_audioset(exports, mined):
    source = read_source(exports / "audioset-csv", "audioset", ReadOptions())
    assert not source.refused
    with (exports / "audioset-csv" / "videos.csv").open() as stream:
        videos = {row["video_id"]: row["film"] for row in csv.DictReader(stream)}
    found = sorted((videos[c.media], c.start, c.end, c.split, c.labels) for c in source.clips)
    ours = [
        (row["group"], row["film_start"], row["film_end"], row["split"], tuple(row["labels"]))
        for row in rows_of(mined / "manifest.parquet")
    ]
    assert len(found) == len(ours)
    for theirs, mine in zip(found, sorted(ours), strict=True):
        assert (theirs[0], theirs[3], theirs[4]) == (mine[0], mine[3], mine[4])
        assert theirs[1:3] == pytest.approx(mine[1:3], abs=1e-6)


def test_lists_of_movie_sounds_are_read_by_our_reader(exports, mined):
    source = read_source(exports / "sams", "sams", ReadOptions())
    ours = {row["clip_id"]: row for row in rows_of(mined / "manifest.parquet")}
    assert {clip.clip_id for clip in source.clips} == ours.keys()
    for clip in source.clips:
        row = ours[clip.clip_id]
        assert (list(clip.labels), clip.split, clip.group) == (row["sounds"], row["split"], row["group"])
    assert {entry.label for entry in source.classes["classes"]} == {
        sound for row in ours.values() for sound in row["sounds"]
    }
    for name in ("train", "val", "test"):
        theirs = json.loads((exports / "sams" / f"{name}.json").read_text())
        assert theirs == json.loads((mined / "sams" / f"{name}.json").read_text())


@pytest.mark.filterwarnings("ignore")  # mlcroissant's libraries warn of each other
def test_mlcroissant_loads_the_metadata_and_every_record(exports, mined):
    mlcroissant = pytest.importorskip("mlcroissant")
    dataset = mlcroissant.Dataset(jsonld=str(exports / "croissant" / "croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    records = list(dataset.records("clips"))
    ours = rows_of(mined / "manifest.parquet")
    assert [record["clips/clip_id"].decode() for record in records] == [row["clip_id"] for row in ours]
    for record, row in zip(records, ours, strict=True):
        assert record["clips/start"] == row["film_start"]
        assert [label.decode() for label in record["clips/labels"]] == row["labels"]


# --- films that are missing, or others


def test_missing_films_are_listed_and_added_later(exports, mined, films, tmp_path):
    some = tmp_path / "some"
    some.mkdir()
    shutil.copy(films / "film1.mkv", some)
    done = run_avtool("rebuild", exports / "sams", "--films", some, "--out", tmp_path / "again")
    assert done.code == 1
    assert "2 of 3 films are missing" in done.stderr
    with (tmp_path / "again" / "missing.csv").open() as stream:
        assert [row["file"] for row in csv.DictReader(stream)] == ["film0.mkv", "film2.mkv"]
    rows = rows_of(tmp_path / "again" / "manifest.parquet")
    assert {row["group"] for row in rows} == {"film1"}
    clip = tmp_path / "again" / rows[0]["media"]
    before = clip.stat().st_ino
    for number in (0, 2):
        shutil.copy(films / f"film{number}.mkv", some)
    assert rebuild(exports / "sams", some, tmp_path / "again").code == 0
    assert clips_in(tmp_path / "again") == clips_in(mined)
    assert clip.stat().st_ino == before  # kept, not cut again
    assert not (tmp_path / "again" / "missing.csv").exists()


def test_no_film_at_all_is_one_line(exports, tmp_path):
    write_sine(tmp_path / "music" / "a.wav")
    done = rebuild(exports / "hf", tmp_path / "music", tmp_path / "again")
    assert done.code == 1
    assert "none of the 3 films" in done.stderr
    assert not (tmp_path / "again").exists()


def test_another_encoding_is_taken_with_a_warning_and_another_cut_is_refused(exports, mined, films, tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    shutil.copy(films / "film0.mkv", folder)
    (folder / "film1.mkv").write_bytes((films / "film1.mkv").read_bytes() + bytes(64))  # the same film
    make_film(folder, seed=7, minutes=0.4, name="film2", video="none", style="netflix")  # a shorter one
    done = run_avtool("rebuild", exports / "hf", "--films", folder, "--out", tmp_path / "again")
    assert done.code == 1
    warnings = [line for line in done.stderr.splitlines() if "warning" in line]
    assert sum("film1.mkv` is another file than the one of `film1`" in line for line in warnings) == 1
    assert sum("film2.mkv` is refused: it lasts 24" in line for line in warnings) == 1
    theirs, ours = clips_in(tmp_path / "again"), clips_in(mined)
    assert theirs == {name: content for name, content in ours.items() if not name.startswith("film2/")}


def test_clips_that_are_not_the_original_ones_are_listed(exports, films, tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    for number in (0, 1):
        shutil.copy(films / f"film{number}.mkv", folder)
    make_film(folder, seed=8, minutes=0.5, name="film2", video="none", style="netflix")  # of the same length
    done = run_avtool("rebuild", exports / "hf", "--films", folder, "--out", tmp_path / "again", "--json")
    assert done.code == 1
    with (tmp_path / "again" / "differing.csv").open() as stream:
        listed = [row["clip"] for row in csv.DictReader(stream)]
    assert listed == done.json["result"]["differing"]
    assert listed
    assert all(name.startswith("clips/film2/") for name in listed)


# --- exports of anybody


def rewrite(export: Path, name: str, change: Callable[[Path], None]) -> None:
    """Changes a file of an export, and its hash on the card with it: as whoever published it could."""
    change(export / name)
    card = json.loads((export / CARD).read_text())
    card["files"][name] = hashlib.sha256((export / name).read_bytes()).hexdigest()
    (export / CARD).write_text(json.dumps(card))


def with_column(name: str, values: Callable[[list], list]) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        table = parquet.read_table(path)
        place = table.schema.get_field_index(name)
        column = pa.array(values(table[name].to_pylist()), table.schema.field(place).type)
        write_table(path, table.set_column(place, table.schema.field(place), column))

    return change


def without_column(name: str) -> Callable[[Path], None]:
    return lambda path: write_table(path, parquet.read_table(path).drop_columns([name]))


def with_value(**values: object) -> Callable[[Path], None]:
    return lambda path: path.write_text(json.dumps(json.loads(path.read_text()) | values))


def with_clip(**values: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        content = json.loads(path.read_text())
        content["clip"] |= values
        path.write_text(json.dumps(content))

    return change


def huge(path: Path) -> None:
    column = pa.nulls(20_000_001, pa.string())
    parquet.write_table(pa.table({"clip_id": column}), path, compression="zstd")


def first(value: object) -> Callable[[list], list]:
    return lambda values: [value, *values[1:]]


MANIFEST, PLACES, FILMS = "rebuild/manifest.parquet", "rebuild/clips.parquet", "rebuild/films.json"
HOSTILE = {
    "above": (MANIFEST, with_column("media", first("clips/../../../evil.wav"))),
    "absolute": (MANIFEST, with_column("media", first("/tmp/evil.wav"))),
    "elsewhere": (MANIFEST, with_column("media", first("labels/classes/evil.wav"))),
    "no file's name": (MANIFEST, with_column("media", first("clips/film0/a\0.wav"))),
    "steers a terminal": (MANIFEST, with_column("media", first("clips/film0/\x1b[2J.wav"))),
    "too long": (MANIFEST, with_column("media", first(f"clips/film0/{'a' * 300}.wav"))),
    "other suffix": (MANIFEST, with_column("media", first("clips/film0/evil.sh"))),
    "twice": (MANIFEST, with_column("media", lambda values: [values[1], *values[1:]])),
    "twice by another spelling": (
        MANIFEST,
        with_column("media", lambda values: [values[1].replace("clips/", "clips/.//"), *values[1:]]),
    ),
    "not a time": (MANIFEST, with_column("film_start", first(float("nan")))),
    "endless": (MANIFEST, with_column("film_end", first(1e12))),
    "ends before it starts": (MANIFEST, with_column("film_start", lambda values: [v + 500 for v in values])),
    "a split above": (MANIFEST, with_column("split", first("../../../../evil"))),
    "a split in a folder": (MANIFEST, with_column("split", first("sams/evil"))),
    "an absolute split": (MANIFEST, with_column("split", first("/tmp/evil"))),
    "a split that steers a terminal": (MANIFEST, with_column("split", first("\x1b[2J"))),
    "a film above": (MANIFEST, with_column("group", first("../../../../evil"))),
    "an event above": (MANIFEST, with_column("event_id", first("../../../../evil"))),
    "no confidence": (MANIFEST, with_column("conf", first(float("nan")))),
    "no column": (MANIFEST, without_column("media")),
    "no film times": (MANIFEST, without_column("film_start")),
    "other rows": (PLACES, with_column("clip_id", lambda values: values[::-1])),
    "unknown film": (PLACES, with_column("film", first(77))),
    "null film": (PLACES, with_column("film", first(None))),
    "other columns": (PLACES, without_column("sha256")),
    "no table": (MANIFEST, lambda path: path.write_bytes(b"PAR1" + bytes(64) + b"PAR1")),
    "huge": (MANIFEST, huge),
    "no JSON": (FILMS, lambda path: path.write_text("[" * 100_000)),
    "other schema": (FILMS, with_value(schema_version=99)),
    "films of another kind": (FILMS, with_value(films={"a": 1})),
    "a film of another kind": (FILMS, with_value(films=[{"id": 1, "name": [], "sha256": None}] * 3)),
    "settings beyond reason": (FILMS, with_clip(sample_rate=10**12)),
    "settings of another kind": (FILMS, with_clip(format="exe")),
    "no settings": (FILMS, with_value(clip=None)),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_export_is_one_line_and_writes_nothing(case, exports, films, tmp_path):
    export = tmp_path / "a" / "b" / "export"
    shutil.copytree(exports / "hf", export)
    rewrite(export, *HOSTILE[case])
    before = sorted(tmp_path.rglob("*"))
    done = run_avtool("rebuild", export, "--films", films, "--out", tmp_path / "a" / "b" / "again", "-q")
    after = [path for path in sorted(tmp_path.rglob("*")) if path not in before and "again" not in path.name]
    if case in {"too long"}:  # seen when the film is cut: its clips are skipped
        assert done.code == 1
        assert all("again" in str(path) for path in after)
    else:
        assert done.code in {2, 4}, done.stderr
        assert [line for line in done.stderr.splitlines() if line.startswith("error:")]
        assert len(done.stderr.splitlines()) <= 2, done.stderr
        assert not after
        assert not (tmp_path / "a" / "b" / "again").exists()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_split_that_cannot_name_a_file_is_not_exported(layout, mined, tmp_path):
    copy = tmp_path / "a" / "b" / "mined"
    shutil.copytree(mined, copy)
    with_column("split", first("../../../evil"))(copy / "manifest.parquet")
    before = sorted(tmp_path.rglob("*"))
    done = run_avtool("export", copy, "--to", layout, "--out", tmp_path / "a" / "b" / "x", "-q")
    assert done.code == 2
    assert done.stderr.splitlines()[0].endswith("the split '../../../evil' cannot name a file")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_class_list_elsewhere_than_among_the_class_lists_is_left_out(exports, films, mined, tmp_path):
    export = tmp_path / "export"
    shutil.copytree(exports / "hf", export)
    (export / "rebuild" / "more" / "labels").mkdir(parents=True)
    rewrite(export, "rebuild/more/labels/other.csv", lambda path: path.write_text("label\n"))
    assert rebuild(export, films, tmp_path / "again").code == 0
    assert {path.name for path in (tmp_path / "again" / "labels").iterdir()} == {
        path.name for path in (mined / "labels").iterdir()
    }


def test_a_changed_file_a_model_and_a_missing_table_are_refused(exports, films, mined, tmp_path):
    export = tmp_path / "export"
    shutil.copytree(exports / "hf", export)
    (export / "README.md").write_text("anybody may write a card\n")
    assert rebuild(export, films, tmp_path / "a").code == 0
    (export / PLACES).write_bytes((export / PLACES).read_bytes()[:-1])
    assert rebuild(export, films, tmp_path / "b").code == 4
    (export / PLACES).unlink()
    assert rebuild(export, films, tmp_path / "b").code == 4
    assert rebuild(mined, films, tmp_path / "b").code == 2
    assert rebuild(tmp_path / "nothing", films, tmp_path / "b").code == 2
    assert rebuild(exports / "hf", tmp_path / "nothing", tmp_path / "b").code == 2


def test_what_is_no_dataset_or_has_no_layout_is_refused(mined, exports, films, tmp_path):
    out = tmp_path / "x"
    assert run_avtool("export", mined, "--out", out).code == 2
    assert run_avtool("export", mined, "--to", "hf", "--format", "onnx", "--out", out).code == 2
    assert run_avtool("export", films, "--to", "hf", "--out", out).code == 2
    assert run_avtool("export", exports / "hf", "--to", "sams", "--out", out).code == 2
    assert run_avtool("export", mined, "--to", "hf", "--license", "a\nb: c", "--out", out).code == 2
    assert run_avtool("export", mined, "--to", "hf", "--out", films).code == 2
    assert not out.exists()
    copy = tmp_path / "mined"
    shutil.copytree(mined, copy)
    next(iter((copy / "clips").rglob("*.wav"))).unlink()
    done = run_avtool("export", copy, "--to", "hf", "--out", out)
    assert done.code == 2
    assert "is missing" in done.stderr


def test_clips_of_one_start_and_several_labels_stay_apart_in_segment_lists(mined, tmp_path):
    copy = tmp_path / "data"
    shutil.copytree(mined, copy)
    path = copy / "manifest.parquet"
    table = parquet.read_table(path).slice(0, 3)
    start = table["film_start"][0].as_py()
    for name, values in (
        ("film_start", [start] * 3),
        ("film_end", [start + 2, start + 2, start + 3]),
        ("labels", [["a, b", '"c"'], ["d"], []]),
        ("split", ["", "", ""]),
        ("film", [table["film"][0].as_py()] * 3),
    ):
        place = table.schema.get_field_index(name)
        field = table.schema.field(place)
        table = table.set_column(place, field, pa.array(values, field.type))
    write_table(path, table)
    done = run_avtool("export", copy, "--to", "audioset-csv", "--out", tmp_path / "x", "--json")
    assert done.code == 0, done.stderr
    assert (done.json["result"]["clips"], done.json["result"]["skipped"]) == (2, 1)
    source = read_source(tmp_path / "x", "audioset", ReadOptions())
    assert [set(clip.labels) for clip in source.clips] == [{"a, b", '"c"', "d"}]
    assert np.isclose(source.clips[0].start, start, atol=1e-6)


def test_tables_hold_plain_text_in_blocks_of_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("avtool.data.sharing.annotations._ROW_GROUP", 4)
    encoded = pa.dictionary(pa.int32(), pa.string())
    lists = [["x", "y"], [], ["x"]] * 3
    table = pa.table(
        {
            "film": pa.array(["a", None, "b"] * 3, encoded),
            "labels": pa.array(lists, pa.list_(encoded)),
            "more": pa.array(lists, pa.large_list(encoded)),
        }
    )
    plain = {"film": pa.string(), "labels": pa.list_(pa.string()), "more": pa.large_list(pa.string())}
    write_table(tmp_path / "all.parquet", table)
    write_table(tmp_path / "some.parquet", table, rows=np.array([8, 0, 3, 5, 7]))
    for name, expected in (("all", table), ("some", table.take([8, 0, 3, 5, 7]))):
        found = parquet.read_table(tmp_path / f"{name}.parquet")
        assert dict(zip(found.column_names, found.schema.types, strict=True)) == plain
        assert found.to_pylist() == expected.to_pylist()
    assert parquet.read_metadata(tmp_path / "all.parquet").num_row_groups == 3
