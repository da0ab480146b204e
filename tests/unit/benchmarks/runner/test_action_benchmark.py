"""UCF101's and HMDB51's protocols on small layouts with generated videos."""

import json
from pathlib import Path

import numpy as np
import pytest

from avtool.cli.main import run
from avtool.media.encode import FilmSettings, write_film
from tests.harness import save_encoder

COLOURS = {"Archery": (220, 30, 30), "Bowling": (30, 60, 220)}
GROUPS = 4


def video(path: Path, colour: tuple[int, int, int], seed: int) -> None:
    """A second of a coloured square that moves."""
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 40, (12, 40, 48, 3)).astype(np.uint8)
    for step, frame in enumerate(frames):
        frame[10:34, 4 + 2 * step : 24 + 2 * step] = colour
    path.parent.mkdir(parents=True, exist_ok=True)
    write_film(path, FilmSettings(fps=12), frames=list(frames))


@pytest.fixture(scope="module")
def ucf101(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of four films with two clips each; a film is tested in each split."""
    folder = tmp_path_factory.mktemp("ucf")
    lists = folder / "ucfTrainTestlist"
    lists.mkdir()
    (lists / "classInd.txt").write_text("1 Archery\n2 Bowling\n")
    names = []
    for label, colour in COLOURS.items():
        for group in range(1, GROUPS + 1):
            for clip in (1, 2):
                name = f"{label}/v_{label}_g{group:02d}_c{clip:02d}"
                video(folder / "UCF-101" / f"{name}.mp4", colour, len(names))
                names.append((name, group))
    for number in (1, 2, 3):
        train = [f"{name}.avi 1" for name, group in names if group != number]
        test = [f"{name}.avi" for name, group in names if group == number]
        (lists / f"trainlist{number:02d}.txt").write_text("\n".join(train) + "\n")
        (lists / f"testlist{number:02d}.txt").write_text("\n".join(test) + "\n")
    return folder


@pytest.fixture(scope="module")
def hmdb51(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hmdb")
    lists = folder / "testTrainMulti_7030_splits"
    lists.mkdir()
    for label, colour in (("clap", (220, 30, 30)), ("run", (30, 60, 220))):
        for number in (1, 2, 3):
            lines = []
            for film in range(4):
                name = f"film{film}_{label}_u_nm_np1_fr_med_{film}.avi"
                lines.append(f"{name} {2 if film == number else 1}")
                if number == 1:
                    video(folder / label / name.replace(".avi", ".mp4"), colour, film)
            (lists / f"{label}_test_split{number}.txt").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_encoder(tmp_path_factory.mktemp("encoder") / "avt", "avt_tiny")


def report(capsys: pytest.CaptureFixture[str], benchmark: str, *arguments: object) -> dict:
    """The report of the benchmark, two windows a video."""
    common = ["eval", "--benchmark", benchmark, "--device", "cpu", "--json", "--no-progress", "-q"]
    common += ["--set", "windows=2"]
    capsys.readouterr()
    assert run([*common, *map(str, arguments)]) == 0
    return json.loads(capsys.readouterr().out)["report"]


@pytest.mark.parametrize("protocol", ["linear", "svm"])
def test_a_line_separates_colours(ucf101: Path, encoder: Path, capsys, protocol: str) -> None:
    found = report(capsys, "ucf101", "--data", ucf101, "--encoder", encoder, "--protocol", protocol)
    splits = found["metrics"]["splits"]
    assert set(splits) == {"avt", "random init"}
    assert list(splits["avt"]) == ["split 1", "split 2", "split 3"]
    assert found["metrics"]["accuracy"] == pytest.approx(np.mean(list(splits["avt"].values())))
    assert found["metrics"]["accuracy"] >= 90
    assert any("officially 13320: published numbers are no comparison" in text for text in found["caveats"])
    assert not any("TCLR" in str(row[0]) for row in found["tables"][0]["rows"])


def test_neighbours_are_of_the_same_colour(hmdb51: Path, encoder: Path, capsys) -> None:
    found = report(
        capsys, "hmdb51", "--data", hmdb51, "--encoder", encoder, "--protocol", "retrieval",
    )  # fmt: skip
    recall = found["metrics"]["recall"]["avt"]
    assert recall["R@1"] >= 50
    assert recall["R@1"] <= recall["R@5"] <= recall["R@50"] == 100


def test_fine_tuning_trains_on_a_split_and_is_kept(ucf101: Path, encoder: Path, tmp_path, capsys) -> None:
    arguments = [
        "--data", ucf101, "--encoder", encoder, "--protocol", "finetune", "--epochs", 1, "--runs", tmp_path,
        "--folds", 2, "--set", "random_init=false",
    ]  # fmt: skip
    found = report(capsys, "ucf101", *arguments)
    assert list(found["metrics"]["splits"]["avt"]) == ["split 2"]
    (kept,) = tmp_path.iterdir()
    assert kept.name.startswith("ucf101-seed0-split2-")
    preprocess = json.loads((kept / "model" / "preprocess.json").read_text())
    assert list(preprocess["inputs"]) == ["video"]
    assert preprocess["labels"] == ["Archery", "Bowling"]
    again = report(capsys, "ucf101", *arguments)
    assert again["metrics"] == found["metrics"]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_prepared_dataset_serves_as_well(hmdb51: Path, encoder: Path, tmp_path: Path, capsys) -> None:
    assert run(["prepare", str(hmdb51), "--out", str(tmp_path / "data"), "-q", "--no-progress"]) == 0
    options = ["--encoder", encoder, "--set", "random_init=false", "--folds", 1]
    prepared = report(capsys, "hmdb51", "--data", tmp_path / "data", *options)
    raw = report(capsys, "hmdb51", "--data", hmdb51, *options)
    assert prepared["metrics"] == raw["metrics"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--encoder", "{sound}"], "no --data given"),
        (["--data", "{data}"], "needs an --encoder"),
        (["--data", "{data}", "--encoder", "{sound}"], "takes no video: it takes audio"),
        (["--data", "{sound}", "--encoder", "{sound}"], "trainlist01.txt"),
    ],
)
def test_what_is_refused(ucf101: Path, tmp_path, capsys, arguments: list[str], message: str) -> None:
    sound = save_encoder(tmp_path / "sound")
    (sound / "artifact.json").rename(tmp_path / "card")
    given = [part.format(data=ucf101, sound=sound) for part in arguments]
    if message != "trainlist01.txt":
        (tmp_path / "card").rename(sound / "artifact.json")
    assert run(["eval", "--benchmark", "ucf101", "--device", "cpu", *given, "--no-progress"]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
