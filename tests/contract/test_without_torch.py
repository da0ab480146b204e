"""Verbs where torch, and all that comes with it, is not installed: the data verbs run, the others say why."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from avtool.core.errors import ExitCode
from tests.harness import environment

BLOCKED = ("torch", "torchaudio", "torchvision", "accelerate", "sklearn", "onnx", "onnxruntime", "silero_vad")
PROGRAM = f"""
import contextlib, io, json, sys
sys.modules.update(dict.fromkeys({BLOCKED}))
from avtool.cli.main import run
for line in json.loads(sys.argv[1]):
    with contextlib.redirect_stderr(io.StringIO()) as stderr, contextlib.redirect_stdout(io.StringIO()):
        code = run(line)
    print(json.dumps([int(code), stderr.getvalue()]))
"""
RUN = [
    ["demo", "--training", "none", "--pretraining", "none", "--films", "2", "--minutes", "2", "--out", "d"],
    ["mine-subtitles", "d/films/films.csv", "--vad", "none", "--sync", "none", "--out", "mined"],
    ["sync", "d/films/film1.mkv", "d/films/film1.srt", "--sync", "none", "--out", "synced.srt"],
    ["caption", "d/films", "--model", "events.csv", "--merge", "auto", "--out", "captions"],
    ["stats", "mined"],
    ["shots", "d/films", "--out", "shots.csv"],
    ["prepare", "d/films", "--out", "prepared"],
    ["show", "mined"],
    ["show", "d/films/film1.mkv"],
    ["tag", "DOOR SLAMS"],
    ["doctor"],
    ["models", "list"],
    ["zoo", "list"],
    ["recipes", "list"],
    ["eval", "--list"],
    ["eval", "--benchmark", "sams-tags", "--help"],
]
NEED_TORCH = [
    ["demo", "--out", "e"],
    ["finetune", "mined", "--model", "cnn_tiny", "--out", "run"],
    ["finetune", "mined", "--model", "cnn_tiny", "--out", "run", "--dry-run"],
    ["pretrain", "audio-mae", "mined", "--out", "run"],
    ["prompt-tune", "clip", "mined", "--out", "run"],
    ["caption", "d/films", "--model", "run", "--out", "other"],
    ["predict", "d/films/film1.mkv", "--model", "run", "--out", "predicted"],
    ["models", "show", "cnn_tiny"],
    ["zoo", "count", "swin-t"],
]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, tuple[int, str]]]:
    """Exit code and stderr of each line, all of them in one process."""
    folder = tmp_path_factory.mktemp("without")
    (folder / "events.csv").write_text("start,end,phrase\n20,21,door slams\n", encoding="utf-8")
    lines = [*RUN, *NEED_TORCH]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(lines)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    return folder, {" ".join(line): (code, text) for line, (code, text) in zip(lines, results, strict=True)}


@pytest.mark.parametrize("line", RUN, ids=" ".join)
def test_what_needs_no_torch_runs_without(ended, line: list[str]) -> None:
    code, stderr = ended[1][" ".join(line)]
    assert code == ExitCode.DONE, stderr


@pytest.mark.parametrize("line", NEED_TORCH, ids=" ".join)
def test_what_needs_torch_names_the_extra(ended, line: list[str]) -> None:
    folder, results = ended
    code, stderr = results[" ".join(line)]
    assert code == ExitCode.MISSING, stderr
    *_, error, hint = stderr.splitlines()
    assert error == "error: this command needs `torch`"
    more = (
        "; or without training: avtool demo --training none --pretraining none" if line[0] == "demo" else ""
    )
    assert hint == f"hint: pip install 'avtool[learn]'{more}"
    assert not (folder / "e/films").exists()


def test_the_absent_detector_is_mentioned_once(ended) -> None:
    notices = [line for line in ended[1][" ".join(RUN[0])][1].splitlines() if "speech detector" in line]
    assert notices == [
        "speech detector: webrtc, as silero is not installed (pip install onnxruntime && "
        "pip install --no-deps 'silero-vad>=6.2.3')"
    ]
    assert "torch" in ended[1]["stats mined"][1]
