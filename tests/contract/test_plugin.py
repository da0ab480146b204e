"""A package that adds systems by entry points: all of them by the command line, nothing in avtool changed."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from avtool.core.artifact import verify
from avtool.data.manifest import read_manifest
from tests.harness import REPOSITORY, Result, class_tone, run_avtool_apart, run_module, write_wav

PLUGIN = Path(__file__).parent / "plugin"
SHORT = [
    "--max-steps", "6", "--batch-size", "4", "--device", "cpu", "--precision", "fp32", "--workers", "0",
    "--set", "loop.log_every=2", "--set", "loop.checkpoint_every='3 steps'",
    "--set", "loop.validate_every='3 steps'", "--set", "loop.tensorboard=false",
]  # fmt: skip
FOLDS = ["--folds", "1", "--val-folds", "2"]
MEL = ["--set", "data.audio.num_mel_bins=32"]
SYSTEMS = {
    "a masked method with its own loss": (["smooth_mae"], 2, 30),
    "a classifier with published weights": (["bandnet"], 2, 55),
    "two optimisers, three groups": (["codec_game", "samples.py"], 4, 165),
    "a task of texts": (["text_labels", "samples.py"], 4, 155),
    "a reader": (["field_notes.py"], 1, 25),
    "two benchmarks": (["benchmarks"], 3, 30),
}
"""What a system is made of: its modules and folders, and the files and lines that are enough for it."""


def count_lines(parts: Sequence[str]) -> tuple[int, int]:
    """Files and lines of a system, without empty lines and modules of a docstring alone."""
    texts = []
    for part in parts:
        path = PLUGIN / "avtool_plugin" / part
        found = sorted([*path.rglob("*.py"), *path.rglob("*.toml")]) if path.is_dir() else [path]
        texts += [[line for line in file.read_text().splitlines() if line.strip()] for file in found]
    texts = [lines for lines in texts if len(lines) > 1]
    return len(texts), sum(map(len, texts))


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_is_small(system: str) -> None:
    parts, most_files, most_lines = SYSTEMS[system]
    files, lines = count_lines(parts)
    print(f"{system}: {files} files, {lines} lines")  # noqa: T201 - `pytest -s` shows it
    assert files <= most_files
    assert lines <= most_lines


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of installed packages with the plugin's metadata."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "avtool_plugin").symlink_to(PLUGIN / "avtool_plugin")
    info = folder / "avtool_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: avtool-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_bytes((PLUGIN / "entry_points.txt").read_bytes())
    return folder


def avtool(site: Path, *arguments: object, code: int = 0) -> Result:
    """Runs a command line of an installation with the plugin."""
    done = run_avtool_apart(*arguments, PYTHONPATH=str(site))
    assert done.code == code, done.stderr
    return done


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Field notes of two pitches, six in each of two folds, and a line that is none."""
    folder = tmp_path_factory.mktemp("notes")
    lines = ["these are my notes"]
    for number in range(12):
        fold, label = 1 + number % 2, ("low", "high")[number // 2 % 2]
        write_wav(folder / f"{number}.wav", class_tone(label, 0.6, number))
        lines.append(f"{fold} | {label} | {number}.wav | a {label} tone")
    (folder / "my.notes").write_text("\n".join(lines) + "\n")
    return folder / "my.notes"


@pytest.fixture(scope="module")
def dataset(site: Path, notes: Path) -> Path:
    """The dataset that `prepare` makes of the notes, whose layout it recognises."""
    out = notes.parent / "data"
    assert (
        "my.notes line 1: it has not four columns"
        in avtool(site, "prepare", notes, "--out", out, code=1).stderr
    )
    return out


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a BandNet under the names of its authors, with another number of classes."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("published") / "bandnet.safetensors"
    shapes = {"fc1.weight": (16, 32), "fc1.bias": (16,), "fc2.weight": (5, 16), "fc2.bias": (5,)}
    save_file({name: torch.randn(shape) for name, shape in shapes.items()}, path)
    return path


@pytest.fixture(scope="module")
def runs(
    site: Path, dataset: Path, published: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """Every training of the plugin undisturbed, and killed and resumed."""
    root = tmp_path_factory.mktemp("runs")
    audio = ["--preset", "tiny", "--seconds", "0.6", *MEL]
    lines = {
        "smooth-mae": ["train", "smooth-mae", dataset, *audio, *FOLDS, *SHORT],
        "bandnet": [
            *("finetune", dataset, "--model", "bandnet_tiny", "--init", published),
            *(*MEL, *FOLDS, *SHORT),
        ],
        "codec-game": ["train", "codec-game", dataset, *SHORT],
        "text-labels": ["train", "text-labels", dataset, *FOLDS, *SHORT],
    }
    words = {name: [str(word) for word in line] for name, line in lines.items()}
    (root / "lines.json").write_text(json.dumps(words))
    files = root, root / "lines.json", root / "results.json"
    run_module("tests.contract.kill_runs", *files, timeout=500, PYTHONPATH=str(site))
    return root, json.loads((root / "results.json").read_text())


def test_listings_and_help_have_what_is_added(site: Path) -> None:
    models = avtool(site, "models", "list", "--json").json["models"]
    assert {"bandnet_tiny", "spectral_codec_tiny", "token_bag_tiny"} <= {row["name"] for row in models}
    assert "fc1" in avtool(site, "models", "show", "bandnet_tiny").stdout
    benchmarks = avtool(site, "eval", "--list").stdout
    assert "field-notes" in benchmarks
    assert "field-notes-scores" in benchmarks
    assert "codec-game" in avtool(site, "train", "--help").stdout
    assert "--mask-ratio" in avtool(site, "train", "smooth-mae", "--help").stdout
    assert "field-notes" in avtool(site, "prepare", "--help").stdout
    assert "avtool_plugin" not in avtool(site, "doctor").stdout, "nothing of it is broken"


def test_the_reader_gives_folds_labels_and_texts(dataset: Path) -> None:
    clips = read_manifest(dataset)
    assert len(clips) == 12
    assert {(clip.labels, clip.text) for clip in clips} == {
        (("low",), "a low tone"),
        (("high",), "a high tone"),
    }
    assert sorted(clip.fold or 0 for clip in clips) == 6 * [1] + 6 * [2]


@pytest.mark.parametrize("name", ["smooth-mae", "bandnet", "codec-game", "text-labels"])
def test_a_killed_training_resumes_to_the_same_bytes(runs: tuple[Path, dict[str, Any]], name: str) -> None:
    root, results = runs
    assert results[name] == {"codes": [0, -9, 0], "left": ["step-000003"], "differences": []}
    run = root / name / "whole" / "run"
    assert verify(run) == []
    assert "<svg" in (run / "report.html").read_text()


def test_the_optimisers_take_turns(runs: tuple[Path, dict[str, Any]]) -> None:
    run = runs[0] / "codec-game" / "whole" / "run"
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    rates = {"lr/critic", "lr/encoder", "lr/decoder", "lr/critic_head"}
    assert rates | {"critic/loss", "codec/loss", "codec/error"} <= set(lines[-1])
    assert lines[0]["lr/encoder"] == pytest.approx(0.5 * lines[0]["lr/decoder"])
    assert lines[0]["lr/critic_head"] == pytest.approx(2 * lines[0]["lr/critic"])


def test_a_trained_classifier_predicts(
    site: Path, runs: tuple[Path, dict[str, Any]], dataset: Path, tmp_path: Path
) -> None:
    model = runs[0] / "bandnet" / "whole" / "run"
    folds = ["--folds", FOLDS[-1]]  # what it has not learned from
    scores = avtool(
        site, "predict", dataset, "--model", model, *folds, "--out", tmp_path / "scores", "--json"
    ).json
    assert scores["schema_version"] == 1
    report = avtool(
        site, "eval", "--benchmark", "field-notes-scores", "--predictions", tmp_path / "scores",
        "--out", tmp_path / "report", "--json",
    ).json["report"]  # fmt: skip
    assert 0 <= report["metrics"]["top-1"] <= 100
    assert verify(tmp_path / "report") == []


def test_a_benchmark_of_folds_trains_and_reports(site: Path, notes: Path, tmp_path: Path) -> None:
    report = avtool(
        site, "eval", "--benchmark", "field-notes", "--data", notes, "--runs", tmp_path / "runs",
        "--epochs", 1, "--out", tmp_path / "report", "--json",
    ).json["report"]  # fmt: skip
    assert np.sum(report["metrics"]["confusion"]["counts"]) == 12
    assert "chance" in (tmp_path / "report" / "report.html").read_text()


def test_nothing_in_avtool_knows_the_plugin() -> None:
    sources = [path.read_text() for path in (REPOSITORY / "avtool").rglob("*.py")]
    assert not any("avtool_plugin" in text for text in sources)
    assert os.path.commonpath([PLUGIN, REPOSITORY / "tests"]) == str(REPOSITORY / "tests")
