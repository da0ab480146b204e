"""`avtool localize` as a user runs it: indexes, four kinds of query, files of hits, bad input."""

import csv
import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from avtool.core.artifact import read_artifact, verify
from avtool.core.artifact_folder import partial_folder
from avtool.inference.localisation.film_index import open_index
from avtool.media.captions.reading import read_captions
from avtool.media.encode import FilmSettings, write_film
from tests.harness import (
    AVTOOL,
    RATE,
    Result,
    call,
    class_tone,
    noise,
    run_avtool,
    save_backbone,
    write_tones,
    write_wav,
)

QUICK = ["--model", "cnn_tiny", "--set", "data.audio.num_mel_bins=32", "--batch-size", 8, "--workers", 0]
SECONDS, LOW_AT, HIGH_AT, SQUARE_AT = 16, 4.0, 10.0, 7.0


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """Options: a random backbone, and a classifier of low tones, high tones, and noise."""
    folder = tmp_path_factory.mktemp("encoders")
    media, data, out = write_tones(folder / "media"), folder / "data", folder / "run"
    for split, count in (("train", 8), ("val", 2)):
        for number in range(count):
            write_wav(media / split / "noise" / f"{number}.wav", noise(0.6, 0.02, seed=100 * count + number))
    assert call("prepare", media, "--out", data, "-q") == 0
    train = [*QUICK, "--device", "cpu", "--epochs", 10, "--lr", "0.01", "--out", out, "-q"]
    assert call("finetune", data, *train) == 0
    backbone = save_backbone(folder / "backbone")
    return ["--visual-encoder", backbone, "--audio-encoder", out, "--fps", 4, "--size", 64, "--hop", 0.25]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of noise with a low tone, a red square, and a high tone, two seconds each."""
    rng = np.random.default_rng(0)
    frames = []
    for number in range(SECONDS * 8):
        frame = rng.integers(60, 90, (64, 96, 3), np.uint8)
        if SQUARE_AT <= number / 8 < SQUARE_AT + 2:
            frame[16:48, 56:88] = (250, 20, 20)
        frames.append(frame)
    audio = noise(SECONDS, 0.02)
    for label, start in (("low", LOW_AT), ("high", HIGH_AT)):
        tone = class_tone(label, 2.0)
        audio[int(start * RATE) : int(start * RATE) + len(tone)] += tone
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    write_film(path, FilmSettings(fps=8, sample_rate=RATE), frames=frames, audio=[audio])
    return path


@pytest.fixture(scope="module")
def index(film: Path, encoders: list[object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("indexes") / "idx"
    assert call("localize", "index", film, *encoders, "--out", out, "-q") == 0
    return out


def find(*arguments: object) -> dict[str, object]:
    done = run_avtool("localize", "find", *arguments, "--json", "-q")
    assert done.code == 0, done.stderr
    (found,) = json.loads(done.stdout)["queries"]
    return found


def first(found: dict[str, object]) -> dict[str, float]:
    hits = found["hits"]
    assert isinstance(hits, list)
    assert hits
    return hits[0]


def covers(hit: dict[str, float], start: float, end: float) -> float:
    """tIoU."""
    inside = max(0.0, min(hit["end"], end) - max(hit["start"], start))
    return inside / (max(hit["end"], end) - min(hit["start"], start))


def test_an_index_is_an_artifact_a_film(index: Path, film: Path) -> None:
    assert read_artifact(index / "film", "features").inputs[0].path == str(film)
    assert verify(index / "film") == []
    assert len(open_index(index / "film")) == SECONDS * 4


def test_a_label_is_found(index: Path) -> None:
    assert covers(first(find(index, "--label", "high", "--min-score", 0.3)), HIGH_AT, HIGH_AT + 2) > 0.5
    assert covers(first(find(index, "--label", "LOW", "--min-score", 0.3)), LOW_AT, LOW_AT + 2) > 0.5


def test_a_sound_is_found(index: Path, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "low.wav", class_tone("low", 1.0, seed=5))
    assert covers(first(find(index, "--audio", path)), LOW_AT, LOW_AT + 2) > 0.5
    assert covers(first(find(index, "--audio", f"{path}@0.2-0.9")), LOW_AT, LOW_AT + 2) > 0.5


def test_a_crop_is_found_with_its_box(index: Path, film: Path, tmp_path: Path) -> None:
    hit = first(find(index, "--frame", f"{film}@7.5", "--box", "56,16,32,32"))
    assert covers(hit, SQUARE_AT, SQUARE_AT + 2) > 0.5
    _, left, _, width, _ = hit["boxes"][len(hit["boxes"]) // 2]  # type: ignore[index, arg-type]
    assert left + width / 2 > 0.5
    Image.new("RGB", (32, 32), (250, 20, 20)).save(tmp_path / "red.png")
    assert find(index, "--image", tmp_path / "red.png")["engine"] == "similarity"


def test_a_film_without_index_gets_one_in_the_cache(film: Path, encoders: list[object], cache: Path) -> None:
    backbone, sounds = encoders[1], encoders[3]
    names = f"visual_encoder = '{backbone}', audio_encoder = '{sounds}'"
    keys = f"index={{ fps = 4, size = 64, hop = 0.25, {names} }}"
    hit = first(find(film, "--set", keys, "--label", "high"))
    assert covers(hit, HIGH_AT, HIGH_AT + 2) > 0.5
    assert len(list((cache / "film-indexes").glob("*/index.json"))) == 1
    find(film, "--set", keys, "--label", "low")
    assert len(list((cache / "film-indexes").glob("*/index.json"))) == 1


def test_hits_are_written_and_read_back(index: Path, film: Path, tmp_path: Path) -> None:
    out = tmp_path / "hits"
    found = find(index, "--frame", f"{film}@7.5", "--box", "56,16,32,32", "--out", out)
    stored = json.loads((out / "hits.json").read_text())
    assert stored["schema_version"] == 1
    assert stored["queries"][0]["hits"] == found["hits"]
    with (out / "hits.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["start"]) for row in rows] == [hit["start"] for hit in found["hits"]]  # type: ignore[attr-defined]
    (chapter, *_) = read_captions(out / "film.chapters.vtt").cues
    assert chapter.text.startswith("film.mp4 at 7.5 s, box 56,16,32,32 (hit ")
    page = (out / "hits.html").read_text()
    assert page.count("data:video/webm;base64,") == len(rows)
    assert "data-boxes=" in page
    assert read_artifact(out, "predictions").recipe["engine"] == "similarity"
    again = run_avtool("localize", "find", index, "--label", "low", "--out", out, "-q")
    assert again.code == 2
    assert "was made with other settings" in again.stderr


def test_a_table_of_queries(index: Path, film: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "low.wav", class_tone("low", 1.0, seed=5))
    table = tmp_path / "queries.csv"
    rows = [("a", "label", "high", 10, 12), ("b", "audio", "low.wav", 4, 6)]
    lines = [f"{name},{film},{kind},{query},{start},{end}" for name, kind, query, start, end in rows]
    table.write_text("\n".join(["query_id,media,kind,query,start,end", *lines]) + "\n")
    done = run_avtool("localize", "find", index, "--queries", table, "--json", "-q")
    found = json.loads(done.stdout)["queries"]
    assert [one["query_id"] for one in found] == ["a", "b"]
    assert all(covers(one["hits"][0], row[3], row[4]) > 0.5 for one, row in zip(found, rows, strict=True))
    shown = run_avtool("localize", "find", index, "--queries", table, "--top", 1).stdout.splitlines()
    assert shown[0].split() == ["query", "rank", "film", "start", "end", "score"]
    assert len(shown) == 3


def test_a_row_whose_query_cannot_be_read_is_named(index: Path, film: Path, tmp_path: Path) -> None:
    table = tmp_path / "queries.csv"
    rows = [f"a,{film},label,high,10,12", f"b,{film},audio,none.wav,4,6"]
    table.write_text("\n".join(["query_id,media,kind,query,start,end", *rows]) + "\n")
    done = run_avtool("localize", "find", index, "--queries", table)
    refused(done, f"`{table}`, row 2 (b): ", "")


def test_of_two_indexes_of_a_film_the_first_is_searched(index: Path, film: Path, tmp_path: Path) -> None:
    folder = tmp_path / "idx"
    for name in ("first", "second"):
        shutil.copytree(index / "film", folder / name)
    done = run_avtool("localize", "find", folder, "--label", "low", "--json")
    assert done.code == 0
    assert f"{folder / 'second'} is not searched: `{folder / 'first'}` is of the same film" in done.stderr
    found = json.loads(done.stdout)
    assert found["films"] == [str(film)]
    hits = found["queries"][0]["hits"]
    assert len({(hit["start"], hit["end"]) for hit in hits}) == len(hits)


@pytest.mark.parametrize("query", [("--label", "high"), ("--audio", "low.wav"), ("--image", "square.png")])
def test_features_that_are_not_finite_are_damage(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: tuple[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_wav(tmp_path / "low.wav", class_tone("low", 1.0, seed=5))
    Image.new("RGB", (32, 32), (250, 20, 20)).save("square.png")
    shutil.copytree(index / "film", tmp_path / "nan")
    for name in ("visual", "audio_pooled"):
        values = np.load(tmp_path / "nan" / f"{name}.npy")
        values[3] = np.nan
        np.save(tmp_path / "nan" / f"{name}.npy", values)
    done = run_avtool("localize", "find", "nan", *query)
    assert done.code == 4
    assert "the index is damaged (features in `nan` that are not finite)" in done.stderr


def test_films_that_cannot_have_a_sound_are_skipped(
    index: Path, encoders: list[object], tmp_path: Path
) -> None:
    silent = tmp_path / "silent.mp4"
    frames = [np.full((64, 96, 3), shade, np.uint8) for shade in range(16)]
    write_film(silent, FilmSettings(fps=8), frames=frames, audio=[])
    assert call("localize", "index", silent, *encoders, "--out", tmp_path / "idx", "-q") == 0
    sound = write_wav(tmp_path / "low.wav", class_tone("low", 1.0, seed=5))
    for query in (("--audio", sound), ("--label", "low")):
        done = run_avtool("localize", "find", tmp_path / "idx", index, *query, "--json")
        assert done.code == 0, done.stderr
        (found,) = json.loads(done.stdout)["queries"]
        assert covers(first(found), LOW_AT, LOW_AT + 2) > 0.5
        assert found["note"].startswith("not looked for in 1 of 2 films; first in `silent.mp4`: ")
        assert found["note"] in done.stderr


def test_films_that_cannot_be_read_are_skipped(index: Path, tmp_path: Path) -> None:
    folder = tmp_path / "idx"
    shutil.copytree(index / "film", folder / "whole")
    shutil.copytree(index / "film", folder / "cut")
    (folder / "cut" / "audio.npy").write_bytes(b"")
    done = run_avtool("localize", "find", folder, "--label", "low", "--json")
    assert done.code == 1
    assert "cut is not searched: the index" in done.stderr
    found = json.loads(done.stdout)
    assert list(found["failed"]) == [str(folder / "cut")]
    assert covers(first(found["queries"][0]), LOW_AT, LOW_AT + 2) > 0.5
    alone = run_avtool("localize", "find", folder / "cut", "--label", "low")
    assert alone.code == 4
    assert "is damaged (No data left in file)" in alone.stderr


def test_a_film_that_fails_leaves_nothing(encoders: list[object], tmp_path: Path) -> None:
    audio = noise(3.0)
    audio[RATE:] = np.nan
    path = tmp_path / "nan.wav"
    soundfile.write(path, audio, RATE, subtype="FLOAT")
    done = run_avtool("localize", "index", path, *encoders, "--out", tmp_path / "idx")
    refused(done, "holds samples that are no finite numbers", "leave the file out")
    assert list((tmp_path / "idx").iterdir()) == []


def test_a_long_text_is_cut_in_messages(index: Path) -> None:
    done = run_avtool("localize", "find", index, "--label", f"high{' ' * 5000}", "--min-score", 1)
    assert done.code == 0
    assert max(map(len, done.stderr.splitlines())) < 200


def test_peaks_that_the_median_filter_removes_are_named(index: Path) -> None:
    found = find(index, "--label", "high", "--set", "ranking.median=99")
    assert found["hits"] == []
    assert found["note"] == "its peaks last less than half of 99 frames: --set ranking.median=1 keeps them"


def test_nothing_above_the_score_is_no_error(index: Path) -> None:
    done = run_avtool("localize", "find", index, "--label", "high", "--min-score", 1)
    assert done.code == 0
    assert "high: not found (confidence that it is absent: " in done.stderr
    assert done.stdout == ""


BAD = [
    ([], "no query is given", "give one of --text, --image, --frame, --audio, --label, --queries"),
    (["--text", "a", "--label", "b"], "--text and --label are given together", "give one of them"),
    (["--text", " "], "the text of the query is empty", "--text"),
    (["--label", "hihg"], "no class is called `hihg`", "nearest: `high`"),
    (["--image", "{small}"], "is 15 x 40 pixels, a query needs 16 x 16", "larger crop"),
    (["--image", "nowhere.png"], "does not exist", "check the path"),
    (["--audio", "{short}"], "lasts 0.050 s, a query needs 0.1 s", "longer clip"),
    (["--frame", "{film}@7.5"], "--box is missing", "add --box"),
    (["--box", "1,2,3,4"], "--frame is missing", "add --frame"),
    (["--frame", "{film}", "--box", "0,0,20,20"], "names no film and time", "--frame film.mkv@00:12:03"),
    (
        ["--frame", "{film}@7.5", "--box", "80,0,32,32"],
        "the box 80,0,32,32 is not inside the frame of 96 x 64 pixels",
        "--box x,y,width,height",
    ),
    (["--frame", "{film}@7.5", "--box", "a"], "--box `a` is no box", "--box x,y,width,height"),
    (["--frame", "{film}@7.5", "--box", "nan,0,20,20"], "--box `nan,0,20,20` is no box", "--box x,y,width"),
    (["--frame", "{film}@7.5", "--box", "0,0,inf,20"], "--box `0,0,inf,20` is no box", "--box x,y,width"),
    (["--frame", "{film}@99", "--box", "0,0,20,20"], "has no frame at 99 s", "earlier time"),
    (["--label", "high", "--engine", "grounding"], "--engine grounding needs a trained model", "--model"),
    (["--text", "a tone", "--text-encoder", "nowhere"], "`nowhere` is no text encoder", "--text-encoder"),
    (["--queries", "nowhere.csv"], "nowhere.csv", ""),
    (["--label", "high", "--set", "index.fsp=2"], "fsp", "fps"),
]


@pytest.mark.parametrize(("arguments", "error", "hint"), BAD, ids=lambda value: str(value)[:40])
def test_bad_queries_are_one_line_and_exit_code_2(
    arguments: list[str], error: str, hint: str, index: Path, film: Path, tmp_path: Path
) -> None:
    Image.new("RGB", (15, 40)).save(tmp_path / "small.png")
    write_wav(tmp_path / "short.wav", noise(0.05))
    names = {"film": film, "small": tmp_path / "small.png", "short": tmp_path / "short.wav"}
    refused(run_avtool("localize", "find", index, *(one.format(**names) for one in arguments)), error, hint)


def refused(done: Result, error: str, hint: str) -> None:
    lines = done.stderr.splitlines()
    assert done.code == 2, done.stderr
    assert done.stdout == ""
    assert any(line.startswith("error: ") and error in line for line in lines), done.stderr
    assert hint in done.stderr


def test_what_is_no_film(tmp_path: Path) -> None:
    refused(run_avtool("localize", "find", tmp_path / "none", "--text", "a"), "does not exist", "")
    (tmp_path / "text.mp4").write_text("no film")
    encoders = ["--visual-encoder", "none", "--audio-encoder", save_backbone(tmp_path / "b")]
    done = run_avtool("localize", "index", tmp_path / "text.mp4", *encoders, "--out", tmp_path / "i")
    refused(done, "text.mp4", "")


def test_a_query_of_a_modality_that_the_film_lacks(
    encoders: list[object], film: Path, tmp_path: Path
) -> None:
    sound = write_wav(tmp_path / "sound.wav", noise(3.0))
    assert call("localize", "index", sound, *encoders, "--out", tmp_path / "idx", "-q") == 0
    done = run_avtool("localize", "find", tmp_path / "idx", "--frame", f"{film}@7.5", "--box", "56,16,32,32")
    refused(done, "sound.wav` has no video in its index", "it has audio: use --audio")
    silent = tmp_path / "silent.mp4"
    frames = [np.full((64, 96, 3), shade, np.uint8) for shade in range(40)]
    write_film(silent, FilmSettings(fps=8), frames=frames, audio=[])
    assert call("localize", "index", silent, *encoders, "--out", tmp_path / "idx2", "-q") == 0
    done = run_avtool("localize", "find", tmp_path / "idx2", "--audio", sound)
    refused(done, "silent.mp4` has no audio in its index", "it has video: use --image")


def test_a_changed_film_and_other_settings(encoders: list[object], film: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(film.read_bytes())
    out = tmp_path / "idx"
    assert call("localize", "index", copy, *encoders, "--out", out, "-q") == 0
    other = ["localize", "index", copy, *encoders[:5], 2, *encoders[6:], "--out", out]
    refused(run_avtool(*other), "fps: 4.0 then, 2.0 now", "--overwrite")
    with copy.open("ab") as stream:
        stream.write(b"more")
    refused(
        run_avtool("localize", "find", out, "--label", "high"), "has changed since", "index the film again"
    )
    refused(run_avtool("localize", "index", copy, *encoders, "--out", out), "content: ", "--overwrite")
    assert call("localize", "index", copy, *encoders, "--out", out, "--overwrite", "-q") == 0
    assert first(find(out, "--label", "high"))


@pytest.mark.slow
def test_a_killed_index_is_resumed_to_the_same_arrays(
    encoders: list[object], film: Path, index: Path, tmp_path: Path
) -> None:
    command = ["localize", "index", film, *encoders, "--set", "batch_size=1", "--out", tmp_path / "idx", "-q"]
    growing = partial_folder(tmp_path / "idx" / "film") / "visual.npy"
    with subprocess.Popen([*AVTOOL, *map(str, command)]) as process:
        for _ in range(1200):
            if growing.is_file() and growing.stat().st_size > 4000:
                break
            time.sleep(0.05)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "idx" / "film").exists()
    assert growing.is_file()
    assert call(*command) == 0
    for name in ("visual", "visual_pooled", "audio", "audio_pooled", "times"):
        whole, resumed = (np.load(one / "film" / f"{name}.npy") for one in (index, tmp_path / "idx"))
        assert resumed.shape == whole.shape
        assert resumed.astype(float) == pytest.approx(whole.astype(float), abs=2e-2), name


def test_a_batch_carries_on_past_a_bad_film(encoders: list[object], film: Path, tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "a.mp4").write_bytes(film.read_bytes()[:2000])
    (tmp_path / "media" / "b.mp4").write_bytes(film.read_bytes())
    done = run_avtool(
        "localize", "index", tmp_path / "media", *encoders, "--jobs", 2, "--out", tmp_path / "idx", "--json"
    )
    assert done.code == 1
    films = json.loads(done.stdout)["films"]
    assert [one["status"] for one in films] == ["failed", "indexed"]
    assert (tmp_path / "idx" / "b" / "index.json").is_file()
    assert first(find(tmp_path / "idx", "--label", "high"))
