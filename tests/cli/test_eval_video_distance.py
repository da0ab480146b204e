"""`avtool eval --benchmark ucf101-fvd`: folders of clips, networks, the protocol, the cache, bad input."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from avtool.evaluation.metrics.frechet import FeatureMoments, frechet_distance
from avtool.media.encode import FilmSettings, write_film
from tests.harness import run_avtool, save_encoder

COUNT, FRAMES, SIZE = 12, 6, 16


class Means(torch.nn.Module):
    """A stand-in for a published file, with its arguments: mean colours of the first and the last frame."""

    def forward(
        self, video: torch.Tensor, rescale: bool, resize: bool, return_features: bool
    ) -> torch.Tensor:
        assert rescale
        assert resize
        assert return_features
        means = video.float().mean(dim=(3, 4)) / 255
        return torch.cat([means[:, :, 0], means[:, :, -1]], dim=1)


class Scores(torch.nn.Module):
    """A stand-in for a classifier of clips."""

    def forward(self, video: torch.Tensor) -> torch.Tensor:
        return video.float().mean(dim=(2, 3, 4))


@pytest.fixture
def scripts(tmp_path: Path) -> tuple[Path, Path]:
    for name, module in (("means", Means()), ("scores", Scores())):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            torch.jit.script(module).save(str(tmp_path / f"{name}.pt"))
    return tmp_path / "means.pt", tmp_path / "scores.pt"


def colours(seed: int, count: int = COUNT) -> np.ndarray:
    """(count, FRAMES, 3): a colour for each frame."""
    return np.random.default_rng(seed).integers(0, 256, (count, FRAMES, 3)).astype(np.uint8)


def write_frames(folder: Path, found: np.ndarray) -> Path:
    for number, clip in enumerate(found):
        (folder / f"clip{number}").mkdir(parents=True)
        for place, colour in enumerate(clip):
            frame = np.broadcast_to(colour, (20, 28, 3)).copy()
            Image.fromarray(frame).save(folder / f"clip{number}" / f"{place}.png")
    return folder


def evaluate(real: Path, generated: Path, *options: object, name: str = "ucf101-fvd"):
    return run_avtool(
        "eval", "--benchmark", name, "--data", real, "--generated", generated,
        "--frames", FRAMES, "--size", SIZE, "--no-progress", "--json", *options,
    )  # fmt: skip


def metrics_of(done) -> dict:
    assert done.code == 0, done.stderr
    return json.loads(done.stdout)["report"]["metrics"]


def test_the_distance_is_that_of_the_features_and_the_protocol_is_stated(cache, scripts, tmp_path) -> None:
    real, made = colours(0), colours(1)
    folders = write_frames(tmp_path / "real", real), write_frames(tmp_path / "made", made)
    done = evaluate(*folders, "--weights", scripts[0], "--out", tmp_path / "report")
    metrics = metrics_of(done)
    ends = [np.concatenate([one[:, 0], one[:, -1]], axis=1) / 255 for one in (real, made)]
    expected = frechet_distance(*(FeatureMoments.of(one) for one in ends))
    assert metrics["fvd"] == pytest.approx(expected, rel=1e-4)
    means, variances = [one.mean(0) for one in ends], [one.var(0, ddof=1).sum() for one in ends]
    assert metrics["terms"]["means"] == pytest.approx(np.square(means[0] - means[1]).sum(), rel=1e-4)
    assert metrics["terms"]["real_variance"] == pytest.approx(variances[0], rel=1e-4)
    assert metrics["terms"]["generated_variance"] == pytest.approx(variances[1], rel=1e-4)
    counts = f"{COUNT} real, {COUNT} generated"
    assert metrics["name"] == f"fvd{FRAMES} (I3D TorchScript means; {counts}; random clips)"
    protocol = metrics["protocol"]
    assert (protocol["frames"], protocol["real_clips"], protocol["size"]) == (FRAMES, COUNT, SIZE)
    assert len(protocol["network_sha256"]) == 64
    assert "published distances are of 2048" in done.stderr
    assert f"frames of {SIZE} x {SIZE} pixels: published distances are of 256" in done.stderr
    assert "scaled up" not in done.stderr
    assert "PVDM" not in (tmp_path / "report" / "report.html").read_text()
    larger = evaluate(*folders, "--weights", scripts[0], "--size", 24, name="sky-fvd")
    assert larger.code == 0
    for side in ("real", "generated"):
        assert f"{side} frames are scaled up to 24 x 24 pixels: `clip" in larger.stderr


def test_features_are_kept_by_content(cache, scripts, tmp_path) -> None:
    folders = (
        write_frames(tmp_path / "real", colours(0)),
        write_frames(tmp_path / "made", colours(1)),
    )
    first = metrics_of(evaluate(*folders, "--weights", scripts[0]))
    again = evaluate(*folders, "--weights", scripts[0], "-v")
    assert metrics_of(again) == first
    assert again.stderr.count("12 of 12 features") == 2
    Image.fromarray(np.zeros((20, 28, 3), np.uint8)).save(tmp_path / "made" / "clip3" / "0.png")
    changed = evaluate(*folders, "--weights", scripts[0], "-v")
    assert changed.stderr.count("12 of 12 features") == 1
    assert changed.stderr.count("11 of 12 features") == 1
    assert metrics_of(changed)["fvd"] != first["fvd"]


def test_films_and_frame_files_and_an_inception_score(cache, scripts, tmp_path) -> None:
    films = tmp_path / "films"
    for number, clip in enumerate(colours(2)):
        films.mkdir(exist_ok=True)
        frames = [np.broadcast_to(colour, (32, 32, 3)).copy() for colour in clip]
        write_film(films / f"{number}.mp4", FilmSettings(fps=10), frames=frames)
    real = write_frames(tmp_path / "real", colours(0))
    done = evaluate(real, films, "--weights", scripts[0], "--is-weights", scripts[1])
    metrics = metrics_of(done)
    assert 1 <= metrics["is"]["mean"] <= 3
    assert metrics["is"]["clips"] == COUNT


def test_an_encoder_of_ones_own_has_a_name_of_its_own(cache, tmp_path) -> None:
    real, made = (
        write_frames(tmp_path / "real", colours(0)),
        write_frames(tmp_path / "made", colours(1)),
    )
    encoder = save_encoder(tmp_path / "encoder", "mbt_tiny")
    done = evaluate(real, made, "--encoder", encoder, "--force")
    metrics = metrics_of(done)
    assert "fvd" not in metrics
    assert metrics["fvd_own"] > 0
    assert metrics["name"].startswith("fvd_own6 (encoder;")
    same = metrics_of(evaluate(real, real, "--encoder", encoder, "--force"))
    assert same["fvd_own"] < metrics["fvd_own"] / 100


def baseline(real: Path, weights: Path, *options: object) -> dict:
    done = run_avtool(
        "eval", "--benchmark", "ucf101-fvd", "--data", real, "--weights", weights, "--size", SIZE,
        "--force", "--no-progress", "--json", *options,
    )  # fmt: skip
    return metrics_of(done)


def film_of_drift(folder: Path, frames: int = 400) -> Path:
    """One film of colours that drift."""
    walk = np.cumsum(np.random.default_rng(7).normal(0, 6, (frames, 3)), axis=0)
    return write_frames(folder, (128 + 100 * np.sin(walk / 60)).astype(np.uint8)[None]) / "clip0"


@pytest.mark.parametrize("places", ["even", "random"])
def test_a_baseline_is_made_of_other_real_clips(cache, scripts, tmp_path, places) -> None:
    """One film, whose halves share no frame."""
    film = film_of_drift(tmp_path / "film")
    options: tuple[object, ...] = ("--frames", 4, "--clips", 40)
    options += ("--set", "places='random'") if places == "random" else ()
    found = {
        name: baseline(film, scripts[0], *options, "--baseline", name, *more)
        for name, more in {
            "real": (), "frozen": (), "shuffled": (), "noise": ("--set", "noise=0.6"),
        }.items()
    }  # fmt: skip
    for name, metrics in found.items():
        protocol = metrics["protocol"]
        assert (protocol["real_clips"], protocol["generated_clips"]) == (40, 40), name
        assert protocol["drawn"] == f"{places} halves"
        assert metrics["name"].endswith(f"40 real, 40 generated; {places} halves)")
        assert "half 1 of 2" in protocol["real_rule"]
        assert "half 2 of 2" in protocol["generated_rule"]
    assert "noise of 0.6" in found["noise"]["protocol"]["generated_rule"]
    assert 0 < found["real"]["fvd"] < found["noise"]["fvd"]
    assert len({metrics["fvd"] for metrics in found.values()}) == 4


def test_subsets_of_the_clips_show_the_bias_of_few(cache, scripts, tmp_path) -> None:
    film = film_of_drift(tmp_path / "film", 1200)
    more = ("--frames", FRAMES, "--clips", 70, "--baseline", "real", "--set", "draws=5")
    metrics = baseline(film, scripts[0], *more, "--out", tmp_path / "report")
    assert metrics["protocol"]["real_clips"] == metrics["protocol"]["generated_clips"] == 70
    assert {kind: list(found) for kind, found in metrics["subsets"].items()} == {
        "random": ["32", "64"],
        "even": ["32", "64"],
    }
    few, some = (np.mean(metrics["subsets"]["random"][count]["distance"]) for count in ("32", "64"))
    assert len(metrics["subsets"]["random"]["32"]["energy_distance"]) == 5
    assert len(metrics["subsets"]["even"]["32"]["distance"]) == 2, "clips are in two such subsets"
    assert few > some > 0
    assert metrics["extrapolated"] < few
    assert "FVD6 against clips of each side" in (tmp_path / "report" / "report.html").read_text()


def test_bad_input_is_refused_in_a_line(cache, scripts, tmp_path) -> None:
    real, made = (
        write_frames(tmp_path / "real", colours(0)),
        write_frames(tmp_path / "made", colours(1, 5)),
    )
    (tmp_path / "junk.pt").write_bytes(b"junk")
    cases = [
        (("--weights", scripts[0]), "5 generated clips for 6 features"),
        ((), "no network is given"),
        (("--weights", tmp_path / "none.pt"), "does not exist"),
        (("--weights", tmp_path / "junk.pt"), "no checkpoint of plain tensors"),
        (("--weights", scripts[1], "--force"), "does not take clips"),
        (("--weights", scripts[0], "--frames", 9), "0 of 12 videos"),
        (("--weights", scripts[0], "--force", "--is-weights", tmp_path / "junk.pt"), "no TorchScript file"),
        (("--weights", scripts[0], "--encoder", tmp_path), "both given"),
        (("--weights", scripts[0], "--baseline", "real"), "both given"),
    ]
    for options, message in cases:
        done = evaluate(real, made, *options)
        assert done.code == 2, (options, done.stderr)
        errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1
        assert message in errors[0], done.stderr
    done = run_avtool("eval", "--benchmark", "ucf101-fvd", "--data", real, "--weights", scripts[0])
    assert done.code == 2
    assert "--generated is not given" in done.stderr
