"""AST-MM on a command line: features of frames, training that survives a kill, predictions of new films."""

import csv
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from avtool.core.artifact_folder import partial_folder
from tests.harness import (
    AVTOOL,
    Result,
    differences,
    environment,
    noise,
    run_avtool,
    write_video_clips,
    write_wav,
)

QUICK = ["--device", "cpu", "--precision", "fp32", "--no-progress"]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films of two classes, an encoder of images, and its features of the films every half second."""
    folder = tmp_path_factory.mktemp("ast-mm")
    os.environ["AVTOOL_CACHE_DIR"] = str(folder / "cache")
    films = write_video_clips(folder / "clips", count=6, val=2)
    rows = [
        f"{films / f'{number}.mp4'},{'ab'[number % 2]},{'val' if number > 3 else 'train'}"
        for number in range(6)
    ]
    (folder / "films.csv").write_text("\n".join(["media,label,split", *rows]) + "\n")
    lines = [
        ["prepare", folder / "films.csv", "--out", folder / "set"],
        ["pretrain", "image-mae", folder / "set", "--preset", "tiny", "--size", "32", "--max-steps", "1",
         "--workers", "0", *QUICK, "--out", folder / "images"],
        ["embed", folder / "set", "-e", folder / "images", "--hop", "0.5", *QUICK,
         "--out", folder / "frames.parquet"],
    ]  # fmt: skip
    for line in lines:
        done = run_avtool(*line)
        assert done.code == 0, done.stderr
    yield folder
    del os.environ["AVTOOL_CACHE_DIR"]


def words(work: Path, *more: object) -> list[str]:
    keys = [
        "data.audio.num_mel_bins=16", "loop.workers=0", "loop.tensorboard=false", "loop.batch_size=2",
        "loop.checkpoint_every=1 steps", "augment.mixup=sample", "augment.mix_waveforms=true",
    ]  # fmt: skip
    line = ["finetune", work / "set", "--model", "ast_mm_tiny", "--seconds", "2", *QUICK]
    given = [part for key in keys for part in ("--set", key)]
    return [str(word) for word in (*line, *given, *more)]


@pytest.fixture(scope="module")
def trained(work: Path) -> Path:
    done = run_avtool(
        *words(work, "--frame-features", work / "frames.parquet", "--epochs", "4", "--out", work / "run")
    )
    assert done.code == 0, done.stderr
    return work / "run"


def predict(model: Path, out: Path, *more: object) -> Result:
    return run_avtool("predict", *more, "--model", model, *QUICK, "--out", out)


def scores(folder: Path) -> dict[str, list[float]]:
    with (folder / "scores.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    return {Path(name).name: [float(value) for value in values] for name, *values in rows}


def test_the_table_has_times_at_the_rate_that_was_asked_for(work: Path) -> None:
    table = parquet.read_table(work / "frames.parquet")
    starts = [row["start"] for row in table.to_pylist() if row["clip_id"] == table["clip_id"][0].as_py()]
    assert np.allclose(np.diff(starts), 0.5)
    card = json.loads(table.schema.metadata[b"avtool"])
    assert (card["hop"], card["encoder"]) == (0.5, str(work / "images"))


def test_the_model_names_its_encoder_and_width(trained: Path, work: Path) -> None:
    card = json.loads((trained / "model" / "preprocess.json").read_text())["inputs"]["clip"]
    assert card["dim"] == 64
    assert card["encoder"]["name"] == str(work / "images")
    assert card["encoder"]["hop"] == 0.5
    run = json.loads((trained / "artifact.json").read_text())
    assert "features" in {one["kind"] for one in run["inputs"]}


def test_new_films_are_embedded_once_and_scored_as_with_given_features(
    trained: Path, work: Path, tmp_path: Path
) -> None:
    films = [work / "clips" / f"{number}.mp4" for number in (4, 5)]
    frames = tmp_path / "frames.parquet"
    assert (
        run_avtool("embed", *films, "-e", work / "images", "--hop", "0.5", *QUICK, "--out", frames).code == 0
    )
    given = predict(trained, tmp_path / "given", *films, "--frame-features", frames)
    assert given.code == 0, given.stderr
    made = predict(trained, tmp_path / "made", *films, "--jobs", 2)
    assert made.code == 0, made.stderr
    assert f"frames: by `{work / 'images'}`, every 0.5 s" in made.stderr
    again = predict(trained, tmp_path / "again", *films)
    assert "frames: by" not in again.stderr  # from the cache
    expected = scores(tmp_path / "given")
    for name in ("made", "again"):
        found = scores(tmp_path / name)
        assert found.keys() == expected.keys()
        for film, values in found.items():
            assert values == pytest.approx(expected[film], abs=2e-3)  # half precision of the table in both


def test_the_frames_matter(trained: Path, work: Path, tmp_path: Path) -> None:
    table = parquet.read_table(work / "frames.parquet")
    values = table["feature"].combine_chunks().flatten().to_numpy()
    feature = pa.FixedSizeListArray.from_arrays(pa.array(-3 * values), 64)
    other = table.set_column(table.column_names.index("feature"), "feature", feature)
    parquet.write_table(other, tmp_path / "other.parquet")
    for name, frames in (("a", work / "frames.parquet"), ("b", tmp_path / "other.parquet")):
        done = predict(trained, tmp_path / name, work / "set", "--frame-features", frames)
        assert done.code == 0, done.stderr
    assert scores(tmp_path / "a") != scores(tmp_path / "b")


def test_files_without_video_fail_and_the_others_are_scored(
    trained: Path, work: Path, tmp_path: Path
) -> None:
    sound = write_wav(tmp_path / "sound.wav", noise(2))
    alone = predict(trained, tmp_path / "alone", sound)
    assert alone.code == 2
    assert "has no image" in alone.stderr
    both = predict(trained, tmp_path / "both", sound, work / "clips" / "0.mp4")
    assert both.code == 1
    assert list(scores(tmp_path / "both")) == ["0.mp4"]


@pytest.mark.parametrize(
    ("change", "words_"),
    [("gone", "which is not there"), ("other", "its weights differ")],
)
def test_an_encoder_that_is_gone_or_another_is_refused(
    trained: Path, work: Path, tmp_path: Path, change: str, words_: str
) -> None:
    film = write_video_clips(tmp_path / "more", count=1) / "0.mp4"
    kept = work / "images.kept"
    (work / "images").rename(kept)
    try:
        if change == "other":
            line = ["pretrain", "image-mae", work / "set", "--preset", "tiny", "--size", "32", "--seed", "9"]
            more = ["--max-steps", "1", "--workers", "0", *QUICK, "--out", work / "images"]
            assert run_avtool(*line, *more).code == 0
        done = predict(trained, tmp_path / "out", film)
    finally:
        if (work / "images").exists():
            (work / "images").rename(tmp_path / "other")
        kept.rename(work / "images")
    assert done.code == 2
    assert words_ in done.stderr
    assert "--frame-features" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "reads features of frames, and there are none"),
        (["--frame-features", "{work}/films.csv"], "holds no features"),
        (["--frame-features", "{work}/clips"], "holds no features of frames"),
        (["--frame-features", "{work}/few.parquet"], "of 4 clips have no features"),
        (["--frame-features", "{work}/frames.parquet", "--model", "cnn_tiny"], "reads no features of frames"),
    ],
)
def test_what_does_not_fit_is_one_line(work: Path, tmp_path: Path, flags: list[str], said: str) -> None:
    table = parquet.read_table(work / "frames.parquet")
    parquet.write_table(table.slice(0, 3), work / "few.parquet")
    done = run_avtool(*words(work, *(flag.format(work=work) for flag in flags), "--out", tmp_path / "run"))
    assert done.code in (2, 4)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_killed_training_ends_as_an_undisturbed_one(work: Path, trained: Path, tmp_path: Path) -> None:
    """SIGKILL once a checkpoint is there; the same command continues bit for bit."""
    line = words(
        work, "--frame-features", work / "frames.parquet", "--epochs", "4", "--out", tmp_path / "run"
    )
    process = subprocess.Popen([*AVTOOL, *line], env=environment(), stderr=subprocess.DEVNULL)
    checkpoints = partial_folder(tmp_path / "run") / "checkpoints"
    begin = time.monotonic()
    while not (checkpoints / "step-000002").is_dir() and time.monotonic() - begin < 120:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "run" / "model").exists(), "it was too fast to be killed"
    done = run_avtool(*line)
    assert done.code == 0, done.stderr
    assert "resumed at step" in done.stderr
    ignored = {"command.txt", "report.html", "README.md", "env.json"}  # they hold names of folders
    found = [Path(name).name for name in differences(tmp_path / "run", trained)]
    assert not [name for name in found if name not in ignored and not name.startswith(".")]
