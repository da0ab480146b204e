"""`avtool zoo run` on the command line: detectors and segmenters over images and films."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from avtool.jobs.zoo.draw import colour_of, draw
from avtool.media.probe import probe
from avtool.models.zoo.catalogue import find_row
from avtool.models.zoo.dense_prediction import Box, Found, Segment
from avtool.models.zoo.networks import build
from tests.harness import prepare_tones, run_avtool, write_grey_film

YOLOS = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
YOLOS |= {"num_detection_tokens": 5}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_a_detector_draws_the_boxes_that_the_library_finds(photo: Path, tmp_path: Path) -> None:
    """With given weights: the boxes of the JSON are those of the library's own post-processing."""
    torch.manual_seed(0)
    network = build(find_row("yolos-ti"), num_classes=2, options=YOLOS).eval()
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    done = run_avtool(
        "zoo", "run", "yolos-ti", photo, "--weights", tmp_path / "w.safetensors", "--classes",
        tmp_path / "names.txt", "--options", json.dumps(YOLOS), "--image-size", "64", "--threshold", "0",
        "--device", "cpu", "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    assert done.json["files"][0]["objects"] == 5
    line = json.loads((tmp_path / "out" / "photo-yolos-ti.jsonl").read_text())
    from transformers import YolosImageProcessor

    processor = YolosImageProcessor(size={"shortest_edge": 64, "longest_edge": 107})
    batch = processor(images=np.array(Image.open(photo)), return_tensors="pt")
    with torch.no_grad():
        outputs = network(pixel_values=batch["pixel_values"])
    (wanted,) = processor.post_process_object_detection(outputs, 0.0, target_sizes=[(60, 90)])
    for box, label, corners in zip(line["boxes"], wanted["labels"], wanted["boxes"], strict=True):
        assert box["label"] == ("cat", "dog")[int(label)]
        assert box["box"] == pytest.approx(corners.tolist(), abs=0.1)
    drawn = np.asarray(Image.open(tmp_path / "out" / "photo-yolos-ti.png"))
    assert drawn.shape == (60, 90, 3)
    assert (drawn != np.asarray(Image.open(photo))).any()


def test_a_film_is_segmented_frame_by_frame(tmp_path: Path) -> None:
    film = write_grey_film(tmp_path / "film.mp4")
    options = json.dumps({"embed_dim": 64, "depth": 1})
    done = run_avtool(
        "zoo", "run", "segmenter-seg-s-mask-16", film, "--options", options, "--image-size", "32",
        "--fps", "4", "--device", "cpu", "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    assert "has random weights" in done.stderr
    lines = [json.loads(line) for line in (tmp_path / "out" / done_name("jsonl")).read_text().splitlines()]
    assert [line["time"] for line in lines] == [n / 4 for n in range(len(lines))]
    assert all(sum(one["share"] for one in line["segments"]) == pytest.approx(1, abs=1e-3) for line in lines)
    drawn = probe(tmp_path / "out" / done_name("mp4"))
    assert drawn.duration_s == pytest.approx(len(lines) / 4, abs=0.05)
    assert done.json["files"][0]["frames"] == len(lines)


def done_name(suffix: str) -> str:
    return f"film-segmenter-seg-s-mask-16.{suffix}"


def test_drawing_in_closed_form() -> None:
    black = np.zeros((40, 60, 3), np.uint8)
    mask = np.zeros((40, 60), bool)
    mask[:, :10] = True
    drawn = draw(black, Found([Box("cat", 0.9, 20, 25, 50, 38)], [Segment("sky", mask)]))
    assert tuple(drawn[39, 0]) == tuple(round(0.45 * value) for value in colour_of("sky"))
    assert tuple(drawn[38, 49]) == colour_of("cat")
    assert tuple(drawn[10, 40]) == (0, 0, 0)
    assert colour_of("cat") != colour_of("dog")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["swin-t"], 2, "classifies images"),
        (["dino-4scale-r50-12-ep"], 2, "has no builder"),
        (["segmenter-seg-s-mask-16", "--pretrained"], 3, "no hub is known"),
        (["yolos-ti", "--weights", "none.pt"], 2, "do not exist"),
        (["yolos-ti", "--weights", "none.pt", "--pretrained"], 2, "both given"),
        (["yolos-ti", "--options", "["], 2, "--options is not JSON"),
        (["yolos-ti", "--options", '{"hiden_size": 3}'], 2, "did you mean `hidden_size`"),
        (["yolos-ti", "--threshold", "2"], 2, "`--threshold`: input should be less than or equal to 1"),
    ],
)
def test_bad_input(photo: Path, tmp_path: Path, arguments: list[str], code: int, message: str) -> None:
    done = run_avtool("zoo", "run", arguments[0], photo, *arguments[1:], "--device", "cpu", "--out", tmp_path)
    assert done.code == code
    assert message in done.stderr


def test_a_wrong_device_names_its_flag(photo: Path, tmp_path: Path) -> None:
    done = run_avtool("zoo", "run", "yolos-ti", photo, "--device", "gpuu", "--out", tmp_path)
    assert done.code == 2
    assert "`--device`: string should match" in done.stderr


def test_images_that_are_not_there_are_refused_before_a_network_is_built(tmp_path: Path) -> None:
    done = run_avtool("zoo", "run", "yolos-ti", tmp_path / "none.png", "--out", tmp_path / "out")
    assert done.code == 2
    assert "none.png` does not exist" in done.stderr
    assert "random weights" not in done.stderr


@pytest.mark.parametrize("place", ["photos/drawn", "photos", "."])
def test_a_folder_is_its_images_and_films_without_earlier_outputs(
    place: str, photo: Path, tmp_path: Path
) -> None:
    """Wherever these lie: in a folder in it, in itself, or above it."""
    photos = tmp_path / "photos"
    photos.mkdir()
    photo.rename(photos / photo.name)
    (photos / "notes.txt").write_text("no image")
    words = ("zoo", "run", "yolos-ti", photos, "--options", json.dumps(YOLOS), "--image-size", 64)
    words = (*words, "--device", "cpu", "--out", tmp_path / place, "--json")
    for more in ((), ("--overwrite",)):
        done = run_avtool(*words, *more)
        assert done.code == 0, done.stderr
        assert [Path(one["source"]).name for one in done.json["files"]] == ["photo.png"]
        assert "building `YOLOS-Ti` by transformers" in done.stderr


def test_folders_without_images_and_datasets_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no image")
    data = prepare_tones(tmp_path, train=2, val=1)
    for folder, message in (
        (tmp_path / "empty", "empty` holds no image or film"),
        (data, f"`{data}` is a dataset artifact of avtool"),
    ):
        done = run_avtool("zoo", "run", "yolos-ti", folder, "--out", tmp_path / "out")
        assert done.code == 2
        assert message in " ".join(done.stderr.split())
        assert "building" not in done.stderr


def test_published_weights_need_a_network(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    done = run_avtool("zoo", "run", "yolos-ti", photo, "--pretrained", "--out", tmp_path / "out")
    assert done.code == 3
    assert "cannot be downloaded (`hustvl/yolos-tiny`" in done.stderr


def test_files_that_are_none_are_named(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no image")
    done = run_avtool(
        "zoo", "run", "yolos-ti", photo, tmp_path / "broken.png", "--options", json.dumps(YOLOS),
        "--image-size", "64", "--device", "cpu", "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    assert done.code == 1
    assert done.json["failed"][0]["file"].endswith("broken.png")
    assert len(done.json["files"]) == 1


def test_files_of_one_name_do_not_replace_each_other(photo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / photo.name
    other.parent.mkdir()
    other.write_bytes(photo.read_bytes())
    done = run_avtool("zoo", "run", "yolos-ti", photo, other, "--out", tmp_path / "out")
    assert done.code == 2
    assert f"would both be written as `{photo.stem}`" in done.stderr.replace("\n", " ")
    assert not (tmp_path / "out").exists()


def test_files_of_others_are_kept(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    command = (
        "zoo", "run", "yolos-ti", photo, "--options", json.dumps(YOLOS), "--image-size", "64", "--device",
        "cpu", "--out", out,
    )  # fmt: skip
    for suffix in ("png", "jsonl"):
        mine = out / f"photo-yolos-ti.{suffix}"
        mine.write_text("mine")
        done = run_avtool(*command)
        assert done.code == 2
        assert "exists" in done.stderr
        assert "random weights" not in done.stderr  # before a network is built
        assert [file.read_text() for file in out.iterdir()] == ["mine"]
        if suffix == "png":
            mine.unlink()
    assert run_avtool(*command, "--overwrite").code == 0
    assert json.loads((out / "photo-yolos-ti.jsonl").read_text())["time"] == 0
    (out / "artifact.json").write_text("{}")
    done = run_avtool(*command, "--overwrite")
    assert done.code == 2
    assert "is an artifact" in done.stderr


def test_an_image_is_not_replaced_by_what_is_drawn_of_another(photo: Path, tmp_path: Path) -> None:
    other = tmp_path / "photo-yolos-ti.png"
    other.write_bytes(photo.read_bytes())
    done = run_avtool("zoo", "run", "yolos-ti", photo, other, "--out", tmp_path, "--overwrite")
    assert done.code == 2
    assert "is an input" in done.stderr
    assert other.read_bytes() == photo.read_bytes()


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (1, 40), (1, 4000), (2, 60)])
def test_thin_images_are_searched_or_refused_in_a_line(size: tuple[int, int], tmp_path: Path) -> None:
    Image.fromarray(np.full((*size, 3), 90, np.uint8)).save(tmp_path / "thin.png")
    done = run_avtool(
        "zoo", "run", "yolos-ti", tmp_path / "thin.png", "--options", json.dumps(YOLOS), "--image-size", "64",
        "--device", "cpu", "--out", tmp_path / "out",
    )  # fmt: skip
    if size[0] == size[1]:
        assert done.code == 0, done.stderr
        with Image.open(tmp_path / "out" / "thin-yolos-ti.png") as drawn:
            assert drawn.size == size
    else:
        assert done.code == 2, done.stderr
        assert f"{size[0]}x{size[1]} (height x width) has no pixels" in " ".join(done.stderr.split())
