"""`avtool generate`: an autoencoder, a diffusion model, videos of seeds, continuations, bad input."""

import gc
import json
import os
import signal
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from avtool.core.reporter import Silent
from avtool.core.runtime import RuntimeRecipe
from avtool.inference.generation.generator import SamplingRecipe, VideoGenerator
from avtool.media.probe import probe
from avtool.media.still_images import read_image
from avtool.media.video_frames import iter_frames
from avtool.models.load import load_model
from avtool.models.model_folder import ModelDescription, save_model
from tests.harness import (
    differences,
    in_child,
    run_avtool,
    save_autoencoder,
    save_encoder,
    write_video_clips,
)

QUICK = ("--device", "cpu", "--precision", "fp32", "--no-progress")
STEPS = ("--steps", 4, "--next-steps", 3)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video_clips(tmp_path_factory.mktemp("films") / "d", 4, seconds=1.0, val=1)


@pytest.fixture(scope="module")
def model(films: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVTOOL_CACHE_DIR", str(root / "cache"))
        trained = run_avtool(
            "generate", "train-autoencoder", films, "--recipe", "generate/autoencoder-tiny", "--size", 32,
            "--frames", 4, "--max-steps", 2, *QUICK, "--out", root / "autoencoder",
        )  # fmt: skip
        assert trained.code == 0, trained.stderr
        assert "in the place of LPIPS" in trained.stderr
        done = run_avtool(
            "generate", "train", films, "--recipe", "generate/diffusion-tiny", "--autoencoder",
            root / "autoencoder", "--max-steps", 2, "--ema", 0, *QUICK, "--out", root / "run",
        )  # fmt: skip
        assert done.code == 0, done.stderr
        assert "cannot distinguish them" not in done.stderr
    return root / "run"


def draw(model: Path, out: Path, *options: object, verb: str = "sample", first: tuple[object, ...] = ()):
    words = ("generate", verb, model, *first, "--out", out, "--device", "cpu", "--no-progress", "--json")
    return run_avtool(*words, *STEPS, *options)


def frames_of(folder: Path) -> np.ndarray:
    return np.stack([read_image(file) for file in sorted(folder.glob("*.png"))])


def test_a_video_is_a_function_of_its_seed(model: Path, tmp_path: Path) -> None:
    done = draw(model, tmp_path / "a", "--count", 3, "--clips", 2, "--format", "frames")
    assert done.code == 0, done.stderr
    assert done.json["result"]["frames"] == 8
    assert "s on this processor" in done.stderr
    assert "s a clip, by one step" in done.stderr
    one = frames_of(tmp_path / "a" / "sample-00002")
    assert one.shape == (8, 32, 32, 3)
    assert (
        draw(model, tmp_path / "b", "--count", 1, "--clips", 2, "--format", "frames", "--seed", 2).code == 0
    )
    again = frames_of(tmp_path / "b" / "sample-00002")
    assert np.abs(one.astype(int) - again).max() <= 1, "neither on its neighbours nor on the batch"
    other = frames_of(tmp_path / "a" / "sample-00001")
    assert np.abs(one.astype(int) - other).max() > 1
    record = json.loads((tmp_path / "a" / "samples.json").read_text())
    assert [video["seed"] for video in record["videos"]] == [0, 1, 2]
    assert record["recipe"]["sampling"]["steps"] == 4
    assert len(record["weights_sha256"]) == 64


def test_films_gifs_and_the_sheet_beside_real_clips(model: Path, films: Path, cache, tmp_path: Path) -> None:
    done = draw(model, tmp_path / "mp4", "--count", 2, "--fps", 10, "--real", films)
    assert done.code == 0, done.stderr
    found = probe(tmp_path / "mp4" / "sample-00001.mp4").video[0]
    assert (found.width, found.height, found.fps, found.num_frames) == (32, 32, 10, 4)
    assert read_image(tmp_path / "mp4" / "sheet.png").shape == (2 * (2 * 36 + 14), 4 * 36, 3)
    assert draw(model, tmp_path / "gif", "--count", 1, "--format", "gif").code == 0
    assert sum(1 for _ in iter_frames(tmp_path / "gif" / "sample-00000.gif")) == 4
    assert read_image(tmp_path / "gif" / "sheet.png").shape == (36 + 14, 4 * 36, 3)


def test_a_video_is_continued(model: Path, films: Path, tmp_path: Path) -> None:
    options = ("--format", "frames")
    done = draw(model, tmp_path / "more", *options, verb="continue", first=(films / "0.mp4",))
    assert done.code == 0, done.stderr
    assert frames_of(tmp_path / "more" / "sample-00000").shape == (4, 32, 32, 3)
    assert json.loads((tmp_path / "more" / "samples.json").read_text())["prefix"].endswith("0.mp4")
    guided = draw(
        model, tmp_path / "guided", *options, "--guidance", 3, verb="continue", first=(films / "0.mp4",)
    )
    assert guided.code == 0, guided.stderr


def test_decoded_noise_is_a_baseline(model: Path, tmp_path: Path) -> None:
    done = draw(model, tmp_path / "noise", "--count", 2, "--sampler", "noise", "--format", "frames")
    assert done.code == 0, done.stderr
    decoder = load_model(model / "model" / "autoencoder").model
    noise = torch.randn(4, decoder.grid.length, generator=torch.Generator().manual_seed(1)).clamp(-1, 1)
    with torch.no_grad():
        wanted = ((decoder.decode(noise[None])[0] + 1) * 127.5).round().clamp(0, 255).byte()
    found = frames_of(tmp_path / "noise" / "sample-00001")
    assert np.abs(found.astype(int) - wanted.permute(1, 2, 3, 0).numpy()).max() <= 1


def test_planes_that_look_alike_are_named(model: Path, films: Path, tmp_path: Path) -> None:
    done = run_avtool(
        "generate", "train", films, "--recipe", "generate/diffusion-tiny", "--autoencoder",
        model.parent / "autoencoder", "--max-steps", 1, "--set", "model.arguments.plane_embed=false", *QUICK,
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    assert "cannot distinguish them" in done.stderr
    assert "--set model.arguments.plane_embed=true" in done.stderr


def damage(video: Path) -> None:
    """What a power failure may leave: a film that ends early, an empty GIF, an empty frame."""
    if video.suffix == ".mp4":
        os.truncate(video, video.stat().st_size * 3 // 4)
    else:
        os.truncate(video / "00003.png" if video.is_dir() else video, 0)


@pytest.mark.parametrize("kind", ["mp4", "gif", "frames"])
def test_killed_drawing_is_resumed(model: Path, kind: str, tmp_path: Path) -> None:
    """Batches that are whole are kept, and the folder is that of an undisturbed run, byte by byte."""
    options = ("--count", 6, "--clips", 2, "--format", kind, "--set", "sampling.batch_size=2")
    assert draw(model, tmp_path / "whole", *options).code == 0
    partial = tmp_path / "broken.partial"

    def die() -> None:
        drawn = VideoGenerator.clips

        def dying(self, seeds, *args, **named):
            for number, clips in enumerate(drawn(self, seeds, *args, **named)):
                if seeds[0] == 4 and number == 1:
                    os.kill(os.getpid(), signal.SIGKILL)
                yield clips

        VideoGenerator.clips = dying
        draw(model, tmp_path / "broken", *options)

    assert in_child(die) == -signal.SIGKILL
    assert not (tmp_path / "broken").exists()
    kept = {path: path.stat().st_mtime_ns for path in partial.glob("sample-*")}
    assert sorted(path.stem for path in kept) == [f"sample-0000{number}" for number in range(4)]
    other = draw(model, tmp_path / "broken", *options, "--seed", 1)
    assert "was made with other settings" in error_of(other)
    first, second, damaged, _ = sorted(kept)
    damage(damaged)
    done = draw(model, tmp_path / "broken", *options)
    assert done.code == 0, done.stderr
    assert "2 of 6 videos are there already" in done.stderr
    for path in (first, second):
        assert (tmp_path / "broken" / path.name).stat().st_mtime_ns == kept[path]
    assert differences(tmp_path / "broken", tmp_path / "whole") == []
    again = draw(model, tmp_path / "broken", *options)
    assert again.json["result"]["seconds"] == 0
    assert draw(model, tmp_path / "broken", *options, "--seed", 1).code == 2
    assert draw(model, tmp_path / "broken", *options, "--seed", 1, "--overwrite").code == 0
    assert (tmp_path / "broken" / f"sample-00006{'' if kind == 'frames' else '.' + kind}").exists()


@pytest.mark.parametrize("verb", ["sample", "continue"])
def test_ctrl_c_is_a_line_and_keeps_whole_batches(
    model: Path, films: Path, verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--count", 4, "--format", "frames", "--set", "sampling.batch_size=2")
    first = (films / "0.mp4",) if verb == "continue" else ()
    drawn = VideoGenerator.clips

    def interrupted(self, seeds, *args, **named):
        if seeds[0] == 2:
            signal.raise_signal(signal.SIGINT)
        return drawn(self, seeds, *args, **named)

    with monkeypatch.context() as patch:
        patch.setattr(VideoGenerator, "clips", interrupted)
        stopped = draw(model, tmp_path / "out", *options, "-q", verb=verb, first=first)
    assert stopped.code == 130
    assert [line for line in stopped.stderr.splitlines() if line] == [
        "warning: interrupted: finished work is kept, repeat the command to resume it"
    ]
    assert not (tmp_path / "out").exists()
    done = draw(model, tmp_path / "out", *options, verb=verb, first=first)
    assert done.code == 0
    assert "2 of 4 videos are there already" in done.stderr


def test_drawing_holds_one_clip_at_a_time(model: Path) -> None:
    """128 frames: no clip, nor the latents of one, is alive when the one after the next is drawn."""
    generator = VideoGenerator.open(model, RuntimeRecipe(device="cpu"), Silent())
    recipe, alive, most = SamplingRecipe(steps=2, next_steps=2), [], 0
    latents: list[weakref.ref] = []
    decode = generator.autoencoder.decode
    generator.autoencoder.decode = lambda drawn: (latents.append(weakref.ref(drawn)), decode(drawn))[1]
    clips = generator.clips([0], 128 // generator.frames, recipe)
    for frames in clips:
        alive.append(weakref.ref(frames))
        del frames
        gc.collect()
        most = max(most, *(sum(one() is not None for one in kind) for kind in (alive, latents)))
    assert len(alive) == 32
    assert most <= 2


def test_the_plan_of_the_large_model_counts_its_memory(films: Path, tmp_path: Path) -> None:
    """On the meta device: weights, gradients and moments of 528 M parameters; activations by the batch."""
    description = ModelDescription("pvdm_autoencoder", {}, {"task": "video-autoencoder"})
    save_model(tmp_path / "ae", {"weight": torch.zeros(1)}, description)
    found = []
    for batch in (1, 2, 4):
        plan = run_avtool(
            "generate", "train", films, "--recipe", "generate/diffusion-l", "--autoencoder", tmp_path / "ae",
            "--batch-size", batch, "--device", "cpu", "--precision", "fp32", "--dry-run", "--json", "-q",
        )  # fmt: skip
        assert plan.code == 0, plan.stderr
        found.append(plan.json["plan"])
    assert {plan["parameters"] for plan in found} == {528_273_412}
    assert found[0]["state_mib"] >= 16 * 528_273_412 / 2**20
    activations = [plan["activations_mib"] for plan in found]
    assert activations[1] == pytest.approx(2 * activations[0], rel=0.02)
    assert activations[2] == pytest.approx(4 * activations[0], rel=0.02)


def error_of(done) -> str:
    assert done.code in {2, 4}, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    return errors[0]


def test_bad_input_of_sampling(model: Path, films: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "there" / "0.png")
    assert "exists and is not an avtool artifact" in error_of(draw(model, tmp_path / "there"))
    assert "is no diffusion model" in error_of(draw(save_encoder(tmp_path / "cnn"), tmp_path / "x"))
    assert "`--steps`" in draw(model, tmp_path / "x", "--steps", 1001).stderr
    absent = draw(model, tmp_path / "x", verb="continue", first=(tmp_path / "no.mp4",))
    assert "does not exist" in error_of(absent)
    short = draw(model, tmp_path / "x", verb="continue", first=(tmp_path / "there",))
    assert "fewer than the 4 frames" in error_of(short)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cnn", "there"], "nothing is half there"


def test_bad_input_of_training(films: Path, cache, tmp_path: Path) -> None:
    train = ("generate", "train-autoencoder", films, *QUICK, "--out", tmp_path / "run")
    assert "give --init" in run_avtool(*train, "--stage", 2).stderr
    assert "is no size" in run_avtool(*train, "--size", "big").stderr
    assert "do not fit height = 100" in run_avtool(*train, "--size", "100").stderr
    long = run_avtool(*train, "--recipe", "generate/autoencoder-tiny", "--frames", 200)
    assert "videos have 200 or more readable frames" in error_of(long)
    diffusion = ("generate", "train", films, *QUICK, "--out", tmp_path / "run")
    assert "no autoencoder is given" in error_of(run_avtool(*diffusion))
    wrong = save_encoder(tmp_path / "cnn")
    assert "is no autoencoder of videos" in error_of(run_avtool(*diffusion, "--autoencoder", wrong))
    plan = run_avtool(*diffusion, "--autoencoder", save_autoencoder(tmp_path / "ae"), "--dry-run", "--json")
    assert plan.json["plan"]["latents"] == "4 x 48 (4 frames of 4 x 4 patches)"
    none = run_avtool("generate", "train-autoencoder", tmp_path / "cnn", *QUICK)
    assert "holds no videos" in error_of(none) or "no dataset" in error_of(none)
