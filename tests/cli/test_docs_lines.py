"""The command lines of the how-to pages on small data: run, or planned where they would train for long."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from avtool.media.encode import FilmSettings, write_film
from tests.cli.test_docs_commands import ROOT, command_lines
from tests.harness import RATE, class_tone, run_avtool, write_wav
from tests.harness import _square as square

PLANNED = {"finetune", "pretrain"}
"""Verbs whose lines get --dry-run: the plan finds the clips, settles the recipe and builds the network."""
RUN = {"stats", "predict", "embed", "reconstruct", "prepare"}
STEP = ["--max-steps", "1", "--workers", "0", "--device", "cpu", "--set", "loop.tensorboard=false"]
PAIR = "finetune data --model audio_mae_tiny --init runs/sounds"
"""Trained for a step: it starts from what the page's first lines have pretrained."""
ENCODERS = {"pretrain", "reconstruct", "embed"}
"""Pages on which `runs/sounds` is an Audio-MAE; elsewhere it is a classifier."""
PAGES = ["finetune", "pretrain", "predict", "embed", "reconstruct", "stats", "moving-sources", "recipes"]
ABSENT = {
    "ast-audioset.pth": "published weights",
    "demo/mined": "the films of `avtool demo`",
    "-": "a list on the standard input",
    "runs/stage1": "a run of mavil-base, of 200 million parameters",
    "runs/video-mae": "a run of a video encoder",
    "both": "a run of the lines before it",
    "mm": "a run of the lines before it",
    "runs/image-mae": "a run of image-mae",
}
"""What pages speak of that is not here."""


def succeed(*arguments: object) -> None:
    done = run_avtool(*arguments, "--no-progress", "-q")
    assert done.code == 0, f"{' '.join(map(str, arguments))}\n{done.stderr}"


@pytest.fixture(scope="module")
def materials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films of two classes with splits and folds, their dataset, an Audio-MAE and a classifier of it."""
    folder = tmp_path_factory.mktemp("materials")
    (folder / "media").mkdir()
    rows = ["media,label,split,fold"]
    settings = FilmSettings(fps=8, sample_rate=RATE)
    for number in range(20):
        label, split = ("low", "high")[number % 2], ("train", "train", "train", "val", "test")[number // 4]
        frames = (square(number, step) for step in range(20))
        audio = [class_tone(label, 2.5, number)]
        write_film(folder / "media" / f"{number}.mp4", settings, frames=frames, audio=audio)
        rows.append(f"media/{number}.mp4,{label},{split},{number // 4 + 1}")
    (folder / "films.csv").write_text("\n".join(rows) + "\n")
    succeed("prepare", folder / "films.csv", "--out", folder / "data")
    recipe = ["--recipe", "pretrain/audio-mae-tiny"]
    succeed("pretrain", "audio-mae", folder / "data", *recipe, *STEP, "--out", folder / "encoder")
    succeed("finetune", folder / "data", "--model", "cnn_tiny", *STEP, "--out", folder / "classifier")
    return folder


@pytest.fixture
def desk(
    materials: Path, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A working directory with what a page speaks of."""
    monkeypatch.chdir(tmp_path)
    for name in ("data", "films", "esc50", "moving"):
        shutil.copytree(materials / "data", tmp_path / name)
    (tmp_path / "films.csv").write_text((materials / "films.csv").read_text())
    (tmp_path / "media").symlink_to(materials / "media")
    runs = tmp_path / "runs"
    encoder, classifier = materials / "encoder", materials / "classifier"
    shutil.copytree(
        encoder if request.node.callspec.params["page"] in ENCODERS else classifier, runs / "sounds"
    )
    for name in ("pretrained", "films"):
        (runs / name).symlink_to(encoder)
    for name in ("new", "sounds", "archive", "recordings"):
        for label in ("low", "high"):
            for number in range(2):
                write_wav(tmp_path / name / label / f"{number}.wav", class_tone(label, 2.5, number))
    for name in ("new/rain.wav", "barking.wav", "rain.flac"):
        write_wav(tmp_path / name, class_tone("low", 2.5))
    for name in ("film.mkv", "new.mkv"):
        shutil.copy(materials / "media" / "0.mp4", tmp_path / name)
    (tmp_path / "mine.toml").write_text('command = "finetune"\n[model]\nname = "cnn_tiny"\n')
    return tmp_path


def lines(page: str) -> Iterator[list[str]]:
    """The lines of a page that can be tried, with files by their names."""
    for words in command_lines((ROOT / "docs" / "how-to" / f"{page}.md").read_text(encoding="utf-8")):
        if words[0] in PLANNED | RUN and len(words) > 2 and not ABSENT.keys() & set(words):
            yield words


@pytest.mark.parametrize("page", PAGES)
def test_the_lines_of_a_page_work(page: str, desk: Path) -> None:
    tried = 0
    for number, words in enumerate(lines(page)):
        inputs = [word for word in words[1:] if word.endswith((".csv", "/", ".toml"))]
        if any(not (desk / name).exists() for name in inputs) or "preview" in words:
            continue  # lists and folders of public datasets
        given = _elsewhere(words, desk / "made" / str(number))
        given = [one for word in given for one in _globbed(word)]
        if " ".join(words).startswith(PAIR):
            given += [*STEP, "--out", str(desk / "made" / "pair")]
        elif words[0] in PLANNED:
            given += ["--device", "cpu", *([] if "--dry-run" in words else ["--dry-run"])]
        succeed(*given)
        tried += 1
    assert tried >= {"moving-sources": 1, "recipes": 1}.get(page, 2)


def _globbed(word: str) -> list[str]:
    """A word as a shell expands it."""
    return sorted(map(str, Path().glob(word))) if "*" in word else [word]


def _elsewhere(words: list[str], folder: Path) -> list[str]:
    """The line with its output in a folder of its own, since several lines of a page name the same."""
    given = list(words)
    if "--out" in given:
        place = given.index("--out") + 1
        folder.mkdir(parents=True)
        given[place] = str(folder / Path(given[place]).name)
    return given
