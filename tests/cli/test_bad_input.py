"""Bad data, bad files and bad weights: one line and the right exit code, whoever meets them first."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from pyarrow import parquet
from safetensors.numpy import load_file, save_file

from avtool.core.artifact_folder import partial_folder
from tests.harness import RATE, call, class_tone, prepare_tones, write_wav

QUICK = [
    "--set",
    "data.audio.num_mel_bins=32",
    "--batch-size",
    "4",
    "--workers",
    "0",
    "--device",
    "cpu",
    "--epochs",
    "1",
]


def errors_of(capsys, *arguments: object) -> tuple[int, str]:
    """The exit code, and the error with its hint; nothing else may look like one."""
    capsys.readouterr()
    code = call(*arguments)
    lines = capsys.readouterr().err.splitlines()
    told = [line for line in lines if line.startswith(("error:", "hint:"))]
    assert len(told) <= 2
    assert not any("Traceback" in line or "internal error" in line for line in lines)
    return code, "\n".join(told)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    """Low and high tones: six to learn from, two to validate on."""
    return prepare_tones(tmp_path_factory.mktemp("tones"), train=3, val=1)


@pytest.fixture(scope="module")
def cnn(dataset, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("cnn") / "run"
    assert call("finetune", dataset, "--model", "cnn_tiny", *QUICK, "--out", out, "-q") == 0
    return out


@pytest.fixture(scope="module")
def ast(dataset, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("ast") / "run"
    small = ["--model", "ast_tiny", "--set", "model.arguments.depth=1"]
    assert call("finetune", dataset, *small, *QUICK, "--out", out, "-q") == 0
    return out


def changed(dataset: Path, folder: Path, change, classes: tuple[str, ...] = ()) -> Path:
    """The data set with other rows, and perhaps other classes."""
    shutil.copytree(dataset, folder)
    table = parquet.read_table(dataset / "manifest.parquet")
    rows = table.to_pylist()
    change(rows)
    parquet.write_table(pa.Table.from_pylist(rows, schema=table.schema), folder / "manifest.parquet")
    if classes:
        lines = "".join(f"{index},{name}\n" for index, name in enumerate(classes))
        (folder / "labels" / "classes.csv").write_text("index,label\n" + lines)
    return folder


def rename(rows: list[dict]) -> None:
    for number, row in enumerate(rows):
        row["labels"] = [f"odd{number}"]


def double(rows: list[dict]) -> None:
    rows[0]["labels"] = ["high", "low"]


def shorten(rows: list[dict]) -> None:
    rows[0]["end"] = rows[0]["start"] + 0.01


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (rename, "6 labels of"),
        (rename, "not in the class list: `odd0`, `odd1`, `odd2`, `odd3`, `odd4`, …"),
        (double, "1 clips of"),
        (double, "has high, low (single-label)"),
        (shorten, "shorter than one window of 25 ms"),
        (list.clear, "has no clips"),
    ],
)
def test_data_sets_that_do_not_fit_their_task(dataset, tmp_path, capsys, change, words):
    data = changed(dataset, tmp_path / "data", change)
    task = ["--task", "single-label", "--model", "cnn_tiny", *QUICK]
    code, told = errors_of(capsys, "finetune", data, *task, "--out", tmp_path / "run")
    assert code == 2
    assert words in told
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("augment.mixup_probability=1.5", "mixup_probability"),
        ("augment.mixup_alpha=-1", "mixup_alpha"),
        ("augment.modality_dropout=-0.1", "modality_dropout"),
        ("augment.time_roll=2", "time_roll"),
        ("model.arguments.dropout=1.5", "dropout 1.5 is not in [0, 1)"),
        ("loss.smoothing=1", "smoothing"),
        ("data.std=0", "std"),
        ("optimizer.lr=2", "too large for adamw"),
    ],
)
def test_settings_out_of_their_range(dataset, tmp_path, capsys, setting, words):
    command = ["finetune", dataset, "--model", "cnn_tiny", *QUICK, "--set", setting]
    code, told = errors_of(capsys, *command, "--out", tmp_path / "run")
    assert code == 2
    assert words in told
    assert list(tmp_path.iterdir()) == []


def test_classes_without_clips_are_named_and_the_training_goes_on(dataset, tmp_path, capsys):
    data = changed(dataset, tmp_path / "data", lambda rows: None, ("high", "low", "mid"))
    multi = ["--task", "multi-label", "--model", "cnn_tiny", *QUICK]
    assert call("finetune", data, *multi, "--out", tmp_path / "run") == 0
    told = capsys.readouterr().err
    assert "1 of 3 classes have no training clip: `mid`" in told
    assert "1 classes have no clip to validate on, `mid` among them: the mean leaves them out" in told


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """Sound files with something wrong."""
    folder = tmp_path_factory.mktemp("files")
    write_wav(folder / "whole.flac", class_tone("low", 6))
    content = (folder / "whole.flac").read_bytes()
    (folder / "cut.flac").write_bytes(content[: len(content) // 2])
    soundfile.write(folder / "none.wav", np.zeros(0, np.float32), RATE)
    write_wav(folder / "short.wav", class_tone("low", 0.01))
    (folder / "zero.wav").write_bytes(b"")
    header = bytearray((folder / "short.wav").read_bytes())
    header[24:28] = (4_000_000_000).to_bytes(4, "little")
    (folder / "rate.wav").write_bytes(header)
    return folder


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.wav", "shorter than one frame of 25 ms"),
        ("short.wav", "shorter than one frame of 25 ms"),
        ("zero.wav", "is empty"),
        ("rate.wav", "is not a readable film or audio file"),
    ],
)
def test_files_without_sound_are_refused(cnn, files, tmp_path, capsys, name, words):
    code, told = errors_of(capsys, "predict", files / name, "--model", cnn, "--out", tmp_path / "out")
    assert code == 2
    assert words in told
    assert name in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.wav", "lasts 0 s"),
        ("short.wav", "0 to 0.01 s of a file of 0.01 s: less than 25 ms"),
        ("zero.wav", "is empty"),
    ],
)
def test_prepare_leaves_out_files_without_sound(files, tmp_path, capsys, name, words):
    sounds = tmp_path / "sounds" / "low"
    sounds.mkdir(parents=True)
    for file in (name, "whole.flac"):
        shutil.copy(files / file, sounds / file)
    assert call("prepare", sounds.parent, "--out", tmp_path / "data") == 1
    assert words in capsys.readouterr().err
    assert parquet.read_table(tmp_path / "data" / "manifest.parquet").num_rows == 1


def test_a_cut_file_is_used_as_far_as_it_goes_and_told_of_once(cnn, files, tmp_path, capsys):
    damage = "the audio ends at 0:00:02.82 of 0:00:06.00: the file seems cut short"
    assert call("predict", files / "cut.flac", "--model", cnn, "--out", tmp_path / "out") == 0
    assert capsys.readouterr().err.count(f"cut.flac: {damage}") == 1
    sounds = tmp_path / "sounds" / "low"
    sounds.mkdir(parents=True)
    shutil.copy(files / "cut.flac", sounds)
    assert call("prepare", sounds.parent, "--out", tmp_path / "data") == 0
    told = capsys.readouterr().err
    assert told.count(damage) == 1
    assert "damaged: " in told
    assert parquet.read_table(tmp_path / "data" / "manifest.parquet")["end"].to_pylist() == [2.816]


DIVERGING = [
    *["--set", "optimizer.name='sgd'", "--set", "optimizer.clip_norm=0", "--lr", "1000", "--epochs", "30"],
    *["--set", "schedule.name='constant'", "--set", "loop.checkpoint_every='1 step'"],
]


UNSEEN = ["--set", "loop.validate_every='never'"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([], "the logits of the validation clips are not finite after step"),
        (UNSEEN, "weights are not finite after step"),
    ],
)
def test_a_training_that_diverges_ends_and_keeps_the_last_good_state(dataset, tmp_path, capsys, more, words):
    out = tmp_path / "run"
    command = ["finetune", dataset, "--model", "cnn_tiny", *QUICK, *DIVERGING, *more, "--out", out]
    code, told = errors_of(capsys, *command)
    assert code == 1
    assert words in told
    last = partial_folder(out) / "checkpoints" / (partial_folder(out) / "last").read_text().strip()
    assert f"the last good state is `{last}`" in told
    weights = load_file(last / "model" / "model.safetensors")
    assert all(np.isfinite(values).all() for values in weights.values())
    assert not out.exists()


def test_a_loss_that_is_no_number_is_told_where_nothing_was_kept(dataset, tmp_path, capsys):
    out = tmp_path / "run"
    never = [*UNSEEN, "--set", "loop.checkpoint_every='never'"]
    command = ["finetune", dataset, "--model", "cnn_tiny", *QUICK, *DIVERGING, *never, "--out", out]
    code, told = errors_of(capsys, *command)
    assert code == 1
    assert "the loss became" in told
    assert "no checkpoint had been written" in told


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """Files that hold no weights of ours."""
    folder = tmp_path_factory.mktemp("weights")
    save_file({"a": np.zeros(3, np.float32)}, folder / "foreign.safetensors")
    (folder / "junk.pt").write_bytes(b"junk" * 100)
    (folder / "junk.safetensors").write_bytes(b"junk" * 100)
    return folder


@pytest.mark.parametrize(
    ("start", "arguments", "code", "words"),
    [
        ("cnn", ["--model", "ast_tiny"], 2, "of another architecture: 2 of the model's"),
        ("ast", ["--model", "cnn_tiny"], 2, "of another architecture: 2 of the model's"),
        ("cnn", ["--model", "cnn_tiny", "--set", "model.arguments.widths=[8,24]"], 2, "2x32 in the weights"),
        ("foreign.safetensors", ["--model", "cnn_tiny"], 2, "holds no weight of a `cnn_tiny`"),
        ("junk.pt", ["--model", "cnn_tiny"], 2, "no checkpoint of plain tensors"),
        ("junk.safetensors", ["--model", "cnn_tiny"], 4, "cannot read the tensors"),
        (
            "ast",
            ["--model", "ast_tiny", "--set", "model.arguments.depth=1", "--seconds", "0.4"],
            2,
            "the position grid of the weights is 2x5 and the model's is 2x3",
        ),
    ],
)
def test_weights_to_start_from_that_do_not_fit(
    dataset, cnn, ast, weights, tmp_path, capsys, start, arguments, code, words
):
    path = {"cnn": cnn, "ast": ast}.get(start, weights / start)
    command = ["finetune", dataset, *QUICK, *arguments, "--init", path, "--out", tmp_path / "run"]
    found, told = errors_of(capsys, *command)
    assert words in told
    assert found == code
    assert list(tmp_path.iterdir()) == []


def test_positions_of_another_length_can_be_fitted(dataset, ast, tmp_path, capsys):
    more = [
        "--model",
        "ast_tiny",
        "--set",
        "model.arguments.depth=1",
        "--seconds",
        "0.4",
        "--interpolate-pos",
    ]
    assert call("finetune", dataset, *QUICK, *more, "--init", ast, "--out", tmp_path / "run") == 0
    assert "positions: 2x5 → 2x3" in capsys.readouterr().err


def test_a_model_whose_weights_are_of_another_architecture(cnn, ast, files, tmp_path, capsys):
    model = tmp_path / "model"
    shutil.copytree(ast / "model", model)
    shutil.copy(cnn / "model" / "model.safetensors", model)
    command = ["predict", files / "whole.flac", "--model", model, "--out", tmp_path / "out"]
    code, told = errors_of(capsys, *command)
    assert code == 4
    assert "does not fit this AST: it lacks" in told
    (model / "config.json").write_text(
        json.dumps({"schema_version": 1, "builder": "nothing", "arguments": {}})
    )
    code, told = errors_of(capsys, *command)
    assert code == 4
    assert "no model is called `nothing`" in told


@pytest.fixture
def stopped(dataset, tmp_path, capsys) -> tuple[list[object], Path]:
    """The command of a training that ended early, and the checkpoint to go on from."""
    out = tmp_path / "run"
    command = ["finetune", dataset, "--model", "cnn_tiny", *QUICK, *DIVERGING, "--out", out]
    assert call(*command) == 1
    return command, partial_folder(out) / "checkpoints" / (partial_folder(out) / "last").read_text().strip()


@pytest.mark.parametrize(
    ("file", "damage", "words"),
    [
        ("weights.safetensors", "other", "the checkpoint belongs to another network"),
        ("weights.safetensors", "cut", "cannot read the tensors"),
        ("progress.json", "cut", "is not valid JSON"),
    ],
)
def test_a_run_does_not_go_on_from_a_damaged_checkpoint(stopped, ast, capsys, file, damage, words):
    command, checkpoint = stopped
    path = checkpoint / "state" / file
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:20])
    else:
        shutil.copy(ast / "model" / "model.safetensors", path)
    code, told = errors_of(capsys, *command)
    assert code == 4
    assert words in told


def test_a_run_does_not_go_on_with_another_architecture(stopped, capsys):
    command, _ = stopped
    code, told = errors_of(capsys, *command, "--model", "ast_tiny")
    assert code == 2
    assert "made with other settings (recipe.model.name: 'cnn_tiny' then, 'ast_tiny' now)" in told


def test_a_training_without_a_dataset(cnn, tmp_path, capsys):
    for source, words in {tmp_path / "nowhere": "does not exist", cnn: "is a run artifact"}.items():
        for more in ([], ["--dry-run"]):
            code, told = errors_of(capsys, "finetune", source, *QUICK, *more)
            assert code == 2
            assert words in told
