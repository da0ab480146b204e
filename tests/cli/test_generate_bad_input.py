"""Bad input of `avtool generate`: one line that names it, the right exit code, and nothing half written."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import create
from tests.harness import run_avtool, save_autoencoder, save_encoder, sine, write_video_clips, write_wav

CACHE, CLIPS = ("cache",), ("train-autoencoder", "--recipe", "generate/autoencoder-tiny")
SMALL = (*CLIPS, "--size", 32, "--frames", 4, "--max-steps", 1)
LATENTS = ("train", "--recipe", "generate/diffusion-tiny", "--max-steps", 1)
DRAW = ("--steps", 2, "--next-steps", 2)
ROWS: dict[str, tuple[int, str, tuple[Any, ...]]] = {
    "no such source": (2, "does not exist", (*CACHE, "{root}/absent")),
    "an empty folder": (2, "holds no videos", (*CACHE, "{root}/empty")),
    "an audio file": (2, "tone.wav` has no video", (*CACHE, "{root}/tone.wav")),
    "a damaged film": (2, "is not a readable film", (*CACHE, "{root}/damaged")),
    "frames that no video has": (2, "it has 16 frames, needs 99", (*CACHE, "{films}", "--frames", 99)),
    "no frames": (2, "`--frames`", (*CACHE, "{films}", "--frames", 0)),
    "a size that is none": (2, "is no size", (*CACHE, "{films}", "--size", "64x")),
    "a cache without processes": (2, "cannot be 0 processes", (*CACHE, "{films}", "--jobs", 0)),
    "latents of a U-Net": (2, "is no autoencoder", (*CACHE, "{films}", "--autoencoder", "{unet}")),
    "patches that do not fit": (2, "do not fit height = 60", (*CLIPS, "{films}", "--size", 60)),
    "a model of another kind": (2, "is no autoencoder", (*CLIPS, "{films}", "--model", "pvdm_unet_tiny")),
    "stage 2 without a start": (2, "starts from weights of stage 1", (*SMALL, "{films}", "--stage", 2)),
    "stage 2 from another network": (
        2, "holds no weight", (*SMALL, "{films}", "--stage", 2, "--init", "{unet}"),
    ),
    "weights of another size": (2, "in the weights and", (*SMALL, "{films}", "--size", 64, "--init", "{ae}")),
    "a damaged start": (4, "cannot read the tensors", (*SMALL, "{films}", "--init", "{root}/x.safetensors")),
    "discriminators without channels": (
        2, "`loss.widths`", (*SMALL, "{films}", "--stage", 2, "--init", "{ae}", "--set", "loss.widths=[]"),
    ),
    "no autoencoder": (2, "no autoencoder is given", (*LATENTS, "{films}")),
    "a U-Net as autoencoder": (2, "is no autoencoder", (*LATENTS, "{films}", "--autoencoder", "{unet}")),
    "an autoencoder as U-Net": (
        2, "is no diffusion model",
        (*LATENTS, "{films}", "--autoencoder", "{ae}", "--model", "pvdm_autoencoder_tiny"),
    ),
    "an encoder without videos": (
        2, "takes no video", (*LATENTS, "{films}", "--autoencoder", "{ae}", "--fvd-encoder", "{cnn}"),
    ),
    "a stage-1 run that is sampled": (2, "is no diffusion model", ("sample", "{ae}", *DRAW)),
    "a dataset that is sampled": (2, "holds no model", ("sample", "{films}", *DRAW)),
    "damaged weights": (4, "cannot read the weights", ("sample", "{root}/cut", *DRAW)),
    "no autoencoder beside the U-Net": (4, "lacks its autoencoder", ("sample", "{root}/alone", *DRAW)),
    "planes of other sizes": (4, "4 frames of 8 x 4 patches", ("sample", "{root}/planes", *DRAW)),
    "too many steps": (2, "`--steps`", ("sample", "{unet}", "--steps", 1001)),
    "a seed that no generator takes": (2, "`--seed`", ("sample", "{unet}", *DRAW, "--seed", 2**64 - 1)),
    "a frame in a quarter of an hour": (2, "`--fps`", ("sample", "{unet}", *DRAW, "--fps", 0.001)),
    "damaged real videos": (2, "0 of 1 videos", ("sample", "{unet}", *DRAW, "--real", "{root}/damaged")),
    "no such device": (3, "cannot use --device cuda:99", ("sample", "{unet}", "--device", "cuda:99")),
    "no such prefix": (2, "does not exist", ("continue", "{unet}", "{root}/absent.mp4")),
    "a prefix without frames": (2, "holds no frames", ("continue", "{unet}", "{root}/empty")),
    "a prefix without video": (2, "has no video", ("continue", "{unet}", "{root}/tone.wav")),
    "a prefix that is too short": (2, "fewer than the 4 frames", ("continue", "{unet}", "{root}/short.npy")),
    "an array that is no video": (2, "holds float64 values", ("continue", "{unet}", "{root}/floats.npy")),
}  # fmt: skip


OWN = ("--encoder", "{encoder}", "--size", 32)
EVALUATIONS: dict[str, tuple[str, str, tuple[Any, ...]]] = {
    "no network": ("ucf101-fvd", "no network is given", ("--data", "{films}", "--generated", "{films}")),
    "nothing generated": ("sky-fvd", "--generated is not", ("--data", "{films}", "--encoder", "{encoder}")),
    "too few clips": (
        "ucf101-fvd", "full rank needs",
        ("--data", "{films}", "--generated", "{films}", *OWN, "--frames", 4),
    ),
    "videos that are too short": (
        "sky-fvd", "99 or more readable frames",
        ("--data", "{films}", "--generated", "{films}", *OWN, "--frames", 99),
    ),
    "a U-Net that reconstructs": (
        "video-reconstruction", "is no autoencoder", ("--data", "{films}", "--autoencoder", "{unet}"),
    ),
    "an autoencoder that continues": (
        "video-continuation", "is no diffusion model", ("--data", "{films}", "--model", "{ae}"),
    ),
    "nothing to continue": (
        "video-continuation", "holds no videos", ("--data", "{root}/empty", "--model", "{unet}"),
    ),
}  # fmt: skip


def save_generator(folder: Path, autoencoder: Path | None, **clip: int) -> Path:
    """A model folder of the tiny U-Net over four frames of 32 x 32, with an autoencoder beside it or none."""
    grid = {"frames": 4, "rows": 4, "columns": 4}
    assets = {"autoencoder": autoencoder} if autoencoder else {}
    description = ModelDescription("pvdm_unet_tiny", grid, {"task": "video-diffusion"}, assets=assets)
    save_model(folder, create("pvdm_unet_tiny", **grid).state_dict(), description)
    return folder


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("inputs")
    (root / "empty").mkdir()
    (root / "damaged").mkdir()
    (root / "damaged" / "a.mp4").write_bytes(b"no film")
    (root / "x.safetensors").write_bytes(b"xxxx")
    write_wav(root / "tone.wav", sine(1.0))
    np.save(root / "floats.npy", np.zeros((2, 4, 4)))
    np.save(root / "short.npy", np.zeros((3, 8, 8, 3), np.uint8))
    autoencoder, tall = save_autoencoder(root / "ae"), {"frames": 4, "height": 64, "width": 32}
    other = ModelDescription("pvdm_autoencoder_tiny", tall, {"task": "video-autoencoder", **tall})
    save_model(root / "tall", create("pvdm_autoencoder_tiny", **tall).state_dict(), other)
    unet = save_generator(root / "unet", autoencoder)
    save_generator(root / "alone", None)
    save_generator(root / "planes", root / "tall")
    shutil.copytree(unet, root / "cut")
    weights = (root / "cut" / "model.safetensors").read_bytes()
    (root / "cut" / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    films = write_video_clips(root / "films", 3, seconds=1.0, val=1)
    encoders = {"cnn": save_encoder(root / "cnn"), "encoder": save_encoder(root / "encoder", "avt_tiny")}
    return {"root": root, "ae": autoencoder, "unet": unet, "films": films, **encoders}


@pytest.mark.parametrize("name", ROWS)
def test_bad_input_is_refused_in_one_line(
    name: str, places: dict[str, Path], cache: Path, tmp_path: Path
) -> None:
    code, message, words = ROWS[name]
    given = [str(word).format(**places) for word in words]
    device = () if "--device" in given or given[0] == "cache" else ("--device", "cpu")
    done = run_avtool("generate", *given, *device, "--no-progress", "--out", tmp_path / "out")
    assert done.code == code, done.stderr
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert message in error
    assert list(tmp_path.iterdir()) == [], "nothing is half there"


@pytest.mark.parametrize("name", EVALUATIONS)
def test_bad_input_of_evaluation_is_refused_in_one_line(
    name: str, places: dict[str, Path], cache: Path, tmp_path: Path
) -> None:
    benchmark, message, options = EVALUATIONS[name]
    given = [str(word).format(**places) for word in options]
    done = run_avtool(
        "eval",
        "--benchmark",
        benchmark,
        *given,
        "--device",
        "cpu",
        "--no-progress",
        "--out",
        tmp_path / "out",
    )
    assert done.code == 2, done.stderr
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert message in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [("a.mp4", "is the name of a film"), ("file", "is a file"), ("folder", "is not an avtool artifact")],
)
def test_an_output_that_cannot_be_is_refused(
    name: str, message: str, places: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").write_text("mine")
    words = ("generate", "sample", places["unet"], *DRAW, "--device", "cpu", "--no-progress")
    done = run_avtool(*words, "--out", tmp_path / name)
    assert done.code == 2
    assert message in done.stderr
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder", "mine"]
