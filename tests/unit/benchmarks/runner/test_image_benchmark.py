"""A folder of images, as ImageNet is laid out."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avtool.benchmarks.runner.image_folder import read_image_splits
from avtool.cli.main import run
from avtool.core.errors import BadInputError
from tests.harness import save_encoder

COLOURS = {"blue": (30, 40, 220), "green": (30, 200, 60), "red": (220, 40, 30)}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for part, count in (("train", 6), ("validation", 3)):
        for label, colour in COLOURS.items():
            (folder / part / label).mkdir(parents=True)
            for number in range(count):
                noise = rng.integers(-30, 30, (40, 50 + number, 3))
                image = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
                Image.fromarray(image).save(folder / part / label / f"{number}.jpg")
    return folder


def test_the_folder_is_read(images: Path) -> None:
    clips = read_image_splits(images)
    train, test = clips.select("train"), clips.select("test")
    assert (len(train), len(test)) == (18, 9)
    assert (test[0].clip_id, test[0].labels) == ("validation/blue/0.jpg", ("blue",))


@pytest.mark.parametrize(
    ("protocol", "more"), [("linear", []), ("finetune", ["--epochs", "1"]), ("frozen", ["--epochs", "1"])]
)
def test_an_encoder_is_evaluated(images: Path, tmp_path: Path, capsys, protocol: str, more) -> None:
    encoder = save_encoder(tmp_path / "mae", "mae_tiny_pretrain")
    code = run(
        [
            "eval", "--benchmark", "imagenet-folder", "--data", str(images), "--encoder", str(encoder),
            "--protocol", protocol, "--device", "cpu", "--runs", str(tmp_path / "runs"), *more,
            "--set", f"random_init={'true' if protocol == 'linear' else 'false'}",
            "--json", "-q", "--no-progress",
        ]
    )  # fmt: skip
    assert code == 0
    metrics = json.loads(capsys.readouterr().out)["report"]["metrics"]
    assert sum(map(sum, metrics["confusion"]["counts"])) == 9
    if protocol == "linear":
        assert metrics["accuracy"] == 100
        assert set(metrics["splits"]) == {"mae", "random init"}


def test_what_is_refused(images: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no folder"):
        read_image_splits(tmp_path / "absent")
    (tmp_path / "train" / "a").mkdir(parents=True)
    with pytest.raises(BadInputError, match=r"has no `train` and `val` \(train\)"):
        read_image_splits(tmp_path)
    (tmp_path / "val" / "b").mkdir(parents=True)
    with pytest.raises(BadInputError, match="no images in folders of classes"):
        read_image_splits(tmp_path)
    for place in ("train/a", "val/b"):
        Image.new("RGB", (8, 8)).save(tmp_path / place / "x.png")
    with pytest.raises(BadInputError, match="has the class `b`, which `train` has not"):
        read_image_splits(tmp_path)
