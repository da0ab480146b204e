"""`avtool pretrain` and `avtool reconstruct` as a user runs them: learn, resume, use, and bad input."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avtool.core.artifact import verify
from avtool.core.artifact_folder import partial_folder
from tests.harness import call, write_audio_clips, write_images, write_video_clips

QUICK = ["--preset", "tiny", "--batch-size", 4, "--max-steps", 2, "--workers", 0, "--device", "cpu"]
SOUND = ["--seconds", 1.28, "--set", "data.audio.num_mel_bins=32"]
VIDEO = ["--frames", 4, *(f"--set=data.video.{key}" for key in ("seconds=1.0", "size=32", "short_side=36"))]
PAIRS = [
    "--frames",
    "4",
    "--speeds",
    "1,2",
    "--set",
    "data.audio.num_mel_bins=32",
    "--set",
    "data.pairs.size=16",
]
PAIRS += [
    "--set",
    "data.spans.short_side=24",
    "--set",
    "data.pairs.audio_frames=40",
    "--objective",
    "infonce",
]


@pytest.fixture(scope="module")
def sounds(tmp_path_factory) -> Path:
    return write_audio_clips(tmp_path_factory.mktemp("data") / "sounds", 8, val=4)


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> Path:
    return write_video_clips(tmp_path_factory.mktemp("data") / "films", 8, seconds=2.6, val=4)


@pytest.fixture(scope="module")
def audio_run(sounds, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "audio"
    assert call("pretrain", "audio-mae", sounds, *QUICK, *SOUND, "--out", out, "-q") == 0
    return out


@pytest.fixture(scope="module")
def mavil_run(films, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "mavil"
    assert call("pretrain", "mavil", films, *QUICK, *SOUND, *VIDEO, "--out", out, "-q") == 0
    return out


def test_a_run_describes_its_model_and_shows_what_it_rebuilds(audio_run):
    assert verify(audio_run) == []
    preprocess = json.loads((audio_run / "model" / "preprocess.json").read_text())
    assert list(preprocess["inputs"]) == ["audio"]
    assert preprocess["inputs"]["audio"]["num_frames"] == 128
    assert preprocess["target"] == "patch"
    assert (
        json.loads((audio_run / "model" / "config.json").read_text())["builder"] == "audio_mae_tiny_pretrain"
    )
    page = (audio_run / "report.html").read_text()
    assert page.count("data:image/png") == 3 * 4
    assert "each masked patch was given the true mean and contrast" in page
    assert "trivial loss 0.9961" in page


def test_a_finished_run_is_not_trained_again(audio_run, sounds, capsys):
    command = ["pretrain", "audio-mae", sounds, *QUICK, *SOUND, "--out", audio_run]
    assert call(*command, "--json") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["result"]["steps"] == 2
    assert "is finished already" in captured.err
    assert call(*command, "--mask-ratio", 0.7) == 2
    assert "made with other settings" in capsys.readouterr().err


def test_a_classifier_starts_from_the_encoder(audio_run, sounds, tmp_path, capsys):
    arguments = ["--model", "audio_mae_tiny", "--init", audio_run, *SOUND, "--batch-size", 4]
    more = ["--max-steps", 1, "--workers", 0, "--device", "cpu", "--out", tmp_path / "run"]
    labelled = tmp_path / "labelled"
    for number in range(4):
        folder = tmp_path / "files" / "train" / f"class{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(sounds / f"{number}.wav", folder)
    assert call("prepare", tmp_path / "files", "--out", labelled, "-q") == 0
    assert call("finetune", labelled, *arguments, *more) == 0
    error = capsys.readouterr().err
    assert "started from" in error
    assert "encoder.blocks" not in error  # nothing of the encoder is missing


def test_files_are_rebuilt_into_a_picture(audio_run, sounds, tmp_path, capsys):
    out = tmp_path / "sheet.png"
    files = [sounds / "0.wav", sounds / "1.wav"]
    assert call("reconstruct", audio_run, *files, "--out", out, "--device", "cpu", "--json") == 0
    result = json.loads(capsys.readouterr().out)["result"]
    assert [item["modality"] for item in result["modalities"]] == ["audio"]
    assert result["modalities"][0]["trivial"] == pytest.approx(255 / 256, rel=1e-3)
    with Image.open(out) as picture:
        assert picture.width > 1000
        assert np.asarray(picture.convert("L")).std() > 10
    assert call("reconstruct", audio_run, *files, "--out", out) == 2
    assert "exists" in capsys.readouterr().err
    assert call("reconstruct", audio_run, *files, "--out", out, "--overwrite", "--device", "cpu", "-q") == 0
    Image.new("RGB", (8, 8)).save(tmp_path / "mine.png")
    for theirs, told in ((tmp_path / "mine.png", "is no sheet"), (files[0], "is an input")):
        before = theirs.read_bytes()
        assert call("reconstruct", audio_run, *files, "--out", theirs, "--overwrite") == 2
        assert told in capsys.readouterr().err
        assert theirs.read_bytes() == before


def test_a_student_learns_from_a_teacher(mavil_run, films, tmp_path, capsys):
    out = tmp_path / "stage2"
    teacher = ["--stage", 2, "--teacher", mavil_run]
    assert call("pretrain", "mavil", films, *QUICK, *SOUND, *VIDEO, *teacher, "--out", out, "-q") == 0
    files = [f / "model" / "preprocess.json" for f in (mavil_run, out)]
    scales = [json.loads(file.read_text())["inputs"]["audio"]["mean"] for file in files]
    assert scales[0] == scales[1]
    capsys.readouterr()
    assert call("reconstruct", out, films / "0.mp4", "--out", tmp_path / "sheet.png") == 2
    assert "reconstructs no patches" in capsys.readouterr().err


def test_pairs_are_learned_from_and_drawn(films, tmp_path):
    out = tmp_path / "run"
    assert call("pretrain", "avt", films, *QUICK, *PAIRS, "--out", out, "-q") == 0
    line = json.loads((out / "metrics.jsonl").read_text().splitlines()[-1])
    assert {"contrast_va", "order_va_accuracy", "order_va_chance"} <= line.keys()
    sheet = tmp_path / "pairs.png"
    assert call("pretrain", "preview", films, *PAIRS, "--out", sheet, "--count", 1, "-q") == 0
    with Image.open(sheet) as picture:
        assert picture.width > 500


def test_pictures_are_learned_from(tmp_path):
    pictures = write_images(tmp_path / "pictures")
    out = tmp_path / "run"
    assert call("pretrain", "image-mae", pictures, *QUICK, "--size", 32, "--out", out, "-q") == 0
    assert (out / "report.html").read_text().count("data:image/png") == 3 * 6


def test_a_plan_writes_nothing(sounds, tmp_path, capsys):
    out = tmp_path / "run"
    assert call("pretrain", "audio-mae", sounds, *QUICK, "--out", out, "--dry-run", "--json") == 0
    plan = json.loads(capsys.readouterr().out)["plan"]
    assert plan["model"] == "audio_mae_tiny_pretrain"
    assert (plan["train_clips"], plan["val_clips"], plan["steps"]) == (4, 4, 2)
    assert plan["parameters"] > 100_000
    assert not out.exists()
    assert not partial_folder(out).exists()


@pytest.mark.parametrize(
    ("method", "data", "arguments", "words"),
    [
        ("audio-mae", "sounds", ["--mask-ratio", 1.0], "--mask-ratio"),
        ("audio-mae", "sounds", ["--mask-ratio", 0.999], "leaves 0 of 16 tokens visible"),
        (
            "audio-mae",
            "sounds",
            ["--set", "data.audio.num_mel_bins=40"],
            "num_mel_bins 40 is not a multiple of the patch's 16",
        ),
        ("audio-mae", "sounds", ["--preset", "huge"], "no model is called `audio_mae_huge_pretrain`"),
        ("audio-mae", "sounds", ["--init", "/nowhere"], "do not exist"),
        ("audio-mae", "sounds", ["--set", "model.arguments.mask_ratio=0.5"], "set by another key"),
        ("audio-mae", "sounds", ["--set", "model.arguments.embed_dim=63"], "do not divide a width of 63"),
        ("audio-mae", "sounds", ["--folds", "1-4"], "has no folds"),
        (
            "audio-mae",
            "sounds",
            ["--set", "decoder=window", "--set", "mask.decode_fraction=0.5"],
            "needs all masked tokens",
        ),
        (
            "audio-mae",
            "sounds",
            ["--lr", "1e-4", "--set", "optimizer.base_lr=1e-4"],
            "both set the learning rate",
        ),
        ("audio-mae", "sounds", ["--set", "data.mean=-4"], "belong together"),
        ("video-mae", "sounds", [], "has no video"),
        ("mavil", "sounds", [], "has no video"),
        ("mavil", "films", ["--batch-size", 1], "at least 2 clips"),
        ("mavil", "films", ["--stage", 2], "stage 2 learns from a teacher"),
        ("mavil", "films", ["--teacher", "somewhere"], "stage 1 has no teacher"),
        ("avt", "films", ["--speeds", "1,3"], "must be powers of two"),
        ("avt", "films", ["--speeds", "1,2,2"], "hold one twice"),
        ("avt", "films", ["--tasks", "speeed"], "--tasks"),
        ("avt", "films", ["--objective", "avt", "--batch-size", 2, "--set", "temporal.queue=2"], "queue"),
        ("avt", "films", ["--batch-size", 1], "at least 2 clips"),
        ("avt", "films", ["--frames", 200], "the order of two clips of 12.5 s cannot be learned"),
        ("avt", "films", ["--set", "model.video_arch=r2d2"], "no video encoder is called `r2d2`"),
        ("avt", "sounds", [], "no clip of .* has video"),
        ("avt", "films", ["--set", "temporal.contrast=vx"], "temporal.contrast"),
    ],
)
def test_bad_input_is_told_in_one_line(
    request, films, sounds, tmp_path, capsys, method, data, arguments, words
):
    more = {"audio-mae": SOUND, "video-mae": VIDEO, "mavil": [*SOUND, *VIDEO], "avt": PAIRS}[method]
    out = tmp_path / "run"
    dataset = {"films": films, "sounds": sounds}[data]
    assert call("pretrain", method, dataset, *QUICK, *more, *arguments, "--out", out, "-q") == 2
    error = capsys.readouterr().err
    assert re.search(words if ".*" in words else re.escape(words), error), error
    assert "Traceback" not in error
    assert "internal error" not in error
    assert not out.exists()
    assert not partial_folder(out).exists()


def test_a_teacher_must_fit(mavil_run, audio_run, films, tmp_path, capsys):
    stage = ["pretrain", "mavil", films, *QUICK, *VIDEO, "--stage", 2, "--out", tmp_path / "run", "-q"]
    assert call(*stage, "--seconds", 0.6, "--set", "data.audio.num_mel_bins=32", "--teacher", mavil_run) == 2
    assert "the teacher has num_frames 128 and the student 64" in capsys.readouterr().err
    assert call(*stage, *SOUND, "--teacher", audio_run) == 2
    assert "stage 2 learns from a MAViL" in capsys.readouterr().err


def test_a_device_that_is_not_there_has_its_own_exit_code(sounds, tmp_path, capsys):
    arguments = ["--device", "cuda:63", "--out", tmp_path / "run", "-q"]
    assert call("pretrain", "audio-mae", sounds, *QUICK, *SOUND, *arguments) == 3
    assert "cuda:63" in capsys.readouterr().err


def test_a_loss_that_is_not_finite_stops_the_run(sounds, tmp_path, capsys):
    out = tmp_path / "run"
    wild = ["--lr", 1, "--set", "optimizer.clip_norm=0", "--set", "data.std=1e-30", "--set", "data.mean=0"]
    wild += ["--set", "mask.norm_target=false", "--out", out]
    assert call("pretrain", "audio-mae", sounds, *QUICK, *SOUND, *wild) == 1
    assert "crash.json" in capsys.readouterr().err
    record = json.loads((partial_folder(out) / "crash.json").read_text())
    assert record["step"] >= 1
    assert len(record["samples"]) == 4
