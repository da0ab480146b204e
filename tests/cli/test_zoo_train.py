"""`avtool zoo train` on the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.harness import call, prepare_tones, run_avtool

TINY = """command = "zoo train"
cnn = "{cnn}"
[data.video]
num_frames = 1
size = 32
short_side = 36
[loop]
epochs = {epochs}
batch_size = 8
workers = 0
[augment]
mixup = "none"
[runtime]
precision = "fp32"
[rows.deit-ti]
embed_dim = 32
depth = 2
num_heads = 2
[rows.localvit-t]
embed_dim = 32
depth = 2
num_heads = 2
"""


def recipe(folder: Path, cnn: str = "timm:test_efficientnet", epochs: int = 2) -> Path:
    path = folder / "rows.toml"
    path.write_text(TINY.format(cnn=cnn, epochs=epochs))
    return path


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Red and blue noise: what a linear probe of the inputs tells apart too."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for split, count in (("train", 12), ("val", 6)):
        for label, channel in (("red", 0), ("blue", 2)):
            (folder / "files" / split / label).mkdir(parents=True)
            for number in range(count):
                image = rng.integers(0, 120, (48, 48, 3), np.uint8)
                image[..., channel] += 120
                Image.fromarray(image).save(folder / "files" / split / label / f"{number}.png")
    split = {
        key: [
            [f"files/{key}/{label}/{number}.png", index, label]
            for index, label in enumerate(("blue", "red"))
            for number in range(count)
        ]
        for key, count in (("train", 12), ("val", 6))
    }
    (folder / "split.json").write_text(json.dumps(split))
    assert call("prepare", folder / "split.json", "--out", folder / "data", "-q") == 0
    return folder / "data"


def test_rows_are_trained_compared_and_skipped_when_done(photos: Path, tmp_path: Path) -> None:
    command = (
        "zoo",
        "train",
        "--data",
        photos,
        "--recipe",
        recipe(tmp_path),
        "--seeds",
        "2",
        "--device",
        "cpu",
    )
    done = run_avtool(*command, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.stderr
    models = {one["name"]: one for one in done.json["comparison"]["models"]}
    assert set(models) == {
        "DeiT-Ti", "LocalViT-T", "CNN (timm:test_efficientnet)", "linear probe of raw inputs",
    }  # fmt: skip
    assert models["linear probe of raw inputs"]["interval"]["value"] == 1
    assert all(len(one["seeds"]) == 2 for name, one in models.items() if "probe" not in name)
    report = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert report["overrides"]["DeiT-Ti"] == "embed_dim = 32, depth = 2, num_heads = 2"
    assert report["facts"]["clips"] == "24 to train, 12 to compare on"
    assert report["costs"]["DeiT-Ti"]["params"] == 32 * 3 * 256 + 32 + 32 + 5 * 32 + 2 * 12704 + 64 + 2 * 33
    page = (tmp_path / "out" / "compare.html").read_text()
    assert "<svg" in page
    assert "src=" not in page
    assert "| DeiT-Ti |" in (tmp_path / "out" / "compare.md").read_text()
    weights = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.safetensors")}
    again = run_avtool(*command, "--out", tmp_path / "out", "--json")
    assert again.json["comparison"] == done.json["comparison"]
    assert weights == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.safetensors")}


def test_a_row_more_trains_that_row_alone(photos: Path, tmp_path: Path) -> None:
    command = ("zoo", "train", "--data", photos, "--recipe", recipe(tmp_path, cnn="", epochs=1))
    command = (*command, "--seeds", "1", "--device", "cpu", "--out", tmp_path / "out")
    assert run_avtool(command[0], command[1], "deit-ti", *command[2:]).code == 0
    plan = run_avtool(command[0], command[1], "deit-ti", "localvit-t", *command[2:], "--dry-run", "--json")
    assert plan.code == 0, plan.stderr
    assert plan.json["plan"] == [["DeiT-Ti", 0, "done"], ["LocalViT-T", 0, "to do"]]
    other = run_avtool(
        command[0], command[1], "deit-ti", *command[2:], "--epochs", "2", "--dry-run", "--json"
    )
    assert other.json["plan"] == [["DeiT-Ti", 0, "to do"]]


def test_the_plan_counts_data_steps_parameters_and_memory(photos: Path, tmp_path: Path) -> None:
    words = ("zoo", "train", "deit-ti", "localvit-t", "--data", photos, "--recipe", recipe(tmp_path, cnn=""))
    words = (*words, "--max-steps", 5, "--device", "cpu", "--out", tmp_path / "out", "--dry-run")
    plan = run_avtool(*words, "--json")
    assert plan.code == 0, plan.stderr
    assert len(plan.json["plan"]) == 6
    assert list(plan.json["models"]) == ["DeiT-Ti", "LocalViT-T"]
    params = 32 * 3 * 256 + 32 + 32 + 5 * 32 + 2 * 12704 + 64 + 2 * 33
    deit = plan.json["models"]["DeiT-Ti"]
    expected = {"train_clips": 24, "val_clips": 12, "classes": 2, "steps": 5, "samples_per_step": 8}
    assert {key: deit[key] for key in expected} == expected
    assert deit["parameters"] == params
    assert deit["state_mib"] == pytest.approx(16 * params / 2**20, abs=0.06)
    assert deit["activations_mib"] > 0
    text = run_avtool(*words).stdout
    for shown in ("train clips", "5 of 8 samples", "0.05", "localvit-t", "to do"):
        assert shown in text.casefold()
    assert not (tmp_path / "out").exists()


def test_spectrograms_have_one_channel(tmp_path: Path) -> None:
    data = prepare_tones(tmp_path, train=4, val=2)
    done = run_avtool(
        "zoo", "train", "deit-ti", "--data", data, "--recipe", recipe(tmp_path, cnn="cnn_tiny", epochs=1),
        "--image-size", "32", "--seeds", "1", "--device", "cpu", "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    report = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert report["facts"]["inputs"] == "spectrograms of 32 pixels"
    assert report["facts"]["seeds"].startswith("1, so that differences")
    assert "one seed shows nothing" in done.stderr
    assert report["costs"]["DeiT-Ti"]["params"] == 32 * 256 + 32 + 32 + 5 * 32 + 2 * 12704 + 64 + 2 * 33
    assert "CNN (cnn_tiny)" in report["costs"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["deit-ti", "deit-ti"], "`deit-ti` is named twice"),
        (["focal-t"], "`Focal-T` has no builder"),
        (["deit-ti", "--set", "loop.final=best"], "chooses checkpoints by the clips"),
        (["deit-ti", "--set", "cnn=cnn_tiny"], "takes audio, not images"),
        (["timm:no_such"], "has no `no_such`"),
        (["deit-ti", "--image-size", "40"], "it takes multiples of 16: 32 or 48 is near"),
        (["deit-ti", "--recipe", "zoo/none"], "no recipe is called"),
    ],
)
def test_bad_input(photos: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    own = [] if "--recipe" in arguments else ["--recipe", recipe(tmp_path, cnn="")]
    done = run_avtool("zoo", "train", *arguments, "--data", photos, *own, "--out", tmp_path / "out")
    assert done.code in {2, 3}
    assert message in done.stderr
    assert done.stderr.count("error:") == 1


def test_data_without_validation_clips(tmp_path: Path) -> None:
    data = prepare_tones(tmp_path, train=2, val=0)
    done = run_avtool("zoo", "train", "deit-ti", "--data", data, "--out", tmp_path / "out")
    assert done.code == 2
    assert "no validation clips to compare rows on" in done.stderr


def test_shipped_recipes_name_rows_that_are_built() -> None:
    from avtool.core.paths import find_recipe
    from avtool.core.recipe import load
    from avtool.jobs.zoo.train_recipe import ZooTrainRecipe, find_entrants

    for name, kind in (("zoo/ten-images", "images"), ("zoo/ten-spectrograms", "spectrograms")):
        found = find_entrants([], load(ZooTrainRecipe, recipe=find_recipe(name)), kind)
        assert len(found) == 11
        assert [one.is_baseline for one in found] == [False] * 10 + [True]
        assert len({one.row.heading for one in found if one.row and not one.is_baseline}) == 9
