"""Prompt tuning through the command line: a run, its model in other verbs, sweeps, and wrong input."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from avtool.core.artifact import verify
from avtool.data.readers.layouts import read_source
from avtool.models.clip.hub import TOWERS
from avtool.models.clip.towers import TowerPair
from avtool.models.load import load_model
from tests.clip_models import CLASSES, tokenizer, write_clip, write_image_split
from tests.harness import run_avtool, write_video_clips

QUICK = [
    "--shots", 2, "--epochs", 2, "--ctx", 4, "--device", "cpu", "--no-progress",
    "--set", "loop.workers=0", "--set", "loop.tensorboard=false", "--set", "data.augment=none",
]  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prompts")
    write_clip(folder / "clip")
    write_image_split(folder / "data")
    done = train(folder, "dpt", out=folder / "dpt")
    assert done.code == 0, done.stderr
    return folder


def train(root: Path, method: str, *more: object, out: Path, data: Path | None = None, **set_: Any) -> Any:
    return run_avtool(
        "prompt-tune", "clip", data or root / "data" / "split.json", "--backbone", root / "clip",
        "--method", method, *QUICK, *more, "--out", out,
    )  # fmt: skip


def test_a_run_lists_what_it_drew_and_scored(root: Path) -> None:
    run = root / "dpt"
    assert verify(run) == []
    drawn = json.loads((run / "fewshot.json").read_text())
    assert [row[1:] for row in drawn["train"]] == [[n // 2, CLASSES[n // 2]] for n in range(8)]
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["protocol"].startswith("all classes (4), 2 shots, seed 0; scored: all images of the test")
    assert metrics["top_k_hits"] == 1.0  # ten of four classes are all
    rows = (run / "predictions.csv").read_text().splitlines()
    assert len(rows) == 1 + 8
    again = read_source(run / "fewshot.json", "coop-split")
    assert len(again.clips) == len(drawn["train"]) + len(drawn["val"])


def test_a_model_holds_the_prompts_alone_and_gives_the_same_logits(root: Path, tmp_path: Path) -> None:
    model = root / "dpt" / "model"
    assert (model / "model.safetensors").stat().st_size < 100_000
    one, two = load_model(model).model, load_model(model).model
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(one(images).logits, two(images).logits)
    host = root / "clip"
    words = ["predict", root / "data" / "test", "--model", model, "--out", tmp_path / "p"]
    host.rename(tmp_path / "elsewhere")
    try:
        gone = run_avtool(*words)
        write_clip(host, seed=1)  # another host in its place
        changed = run_avtool(*words)
    finally:
        shutil.rmtree(host)
        (tmp_path / "elsewhere").rename(host)
    for done in (gone, changed):
        assert (done.code, done.stderr.count("error: ")) == (4, 1)
        assert "was trained on frozen weights of SHA-256" in done.stderr


def test_predict_takes_images_folders_and_films(root: Path, tmp_path: Path) -> None:
    films = write_video_clips(tmp_path / "films", 1, seconds=1.5)
    done = run_avtool(
        "predict", root / "data" / "test", next(films.glob("*.mp4")), "--model", root / "dpt",
        "--out", tmp_path / "out", "--json", "--no-progress",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    assert {file["label"] for file in done.json["files"]} <= set(CLASSES)
    assert len(done.json["files"]) == 9


def test_predictions_agree_with_the_run_and_are_scored(root: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    assert run_avtool("prepare", root / "data" / "split.json", "--out", dataset, "--no-progress").code == 0
    done = run_avtool(
        "predict", dataset, "--model", root / "dpt", "--out", tmp_path / "p", "--set", "split=test",
        "--no-progress",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    scored = run_avtool("eval", "--predictions", tmp_path / "p", "--json", "--no-progress")
    assert scored.code == 0, scored.stderr
    accuracy = json.loads((root / "dpt" / "metrics.json").read_text())["accuracy"]
    assert scored.json["report"]["metrics"]["top-1"] == pytest.approx(100 * accuracy)


def test_a_prompted_model_is_exported(root: Path, tmp_path: Path) -> None:
    for form in ("torch-export", "onnx"):
        done = run_avtool("export", root / "dpt", "--format", form, "--out", tmp_path / form, "--json")
        assert done.code == 0, done.stderr
        assert done.json["result"]["largest_difference"] < 1e-4


def test_zero_shot_learns_nothing_and_is_a_model(root: Path, tmp_path: Path) -> None:
    done = train(root, "zeroshot", out=tmp_path / "zeroshot")
    assert done.code == 0, done.stderr
    assert load_model(tmp_path / "zeroshot").description.builder == "clip_prompts"
    assert "nothing is trained" in done.stderr


def test_other_classes_are_scored_on_request_alone(root: Path, tmp_path: Path) -> None:
    train(root, "coop", "--classes", "base", out=tmp_path / "base")
    data = [root / "data" / "split.json", "--set", "data.classes=new"]
    words = ["prompt-tune", "eval", tmp_path / "base", *data]
    refused = run_avtool(*words)
    assert refused.code == 2
    assert "others among them: `blue bird`, `tree`" in refused.stderr
    done = run_avtool(*words, "--transfer", "--json")
    assert done.code == 0, done.stderr
    assert done.json["result"]["classes"] == 2
    dpt = run_avtool("prompt-tune", "eval", root / "dpt", *data, "--transfer")
    assert "DPT loses 40 to 60 points" in dpt.stderr
    train(root, "coop", "--set", "prompt.class_specific=true", out=tmp_path / "csc")
    words[2] = tmp_path / "csc"
    assert "class-specific prompts fit no other classes" in run_avtool(*words, "--transfer").stderr


def test_text_prompts_fit_a_pair_of_towers_and_visual_ones_do_not(root: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    config = {
        "model_type": TOWERS, "image": "resnet10t", "embed_dim": 512, "scale": 30.0, "size": 32,
        "text": {"model_type": "bert", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
                 "intermediate_size": 32, "vocab_size": 100, "max_position_embeddings": 24},
    }  # fmt: skip
    pair = tmp_path / "pair"
    pair.mkdir()
    (pair / "config.json").write_text(json.dumps(config))
    tokenizer().save_pretrained(pair)
    save_file(dict(TowerPair(config).state_dict()), pair / "model.safetensors")
    done = train(root, "coop", "--backbone", pair, out=tmp_path / "run")
    assert done.code == 0, done.stderr
    load_model(tmp_path / "run")
    refused = train(root, "vpt-deep", "--backbone", pair, out=tmp_path / "other")
    assert refused.code == 2
    assert "needs a ViT image tower" in refused.stderr
    assert "--method coop" in refused.stderr


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--backbone", "nowhere/at/all"], "there is no folder `nowhere/at/all`"),
        (["--backbone", ""], "no --backbone given"),
        (["--template", "a photo"], "has no {} for the class"),
        (["--set", "prompt.aware_from=9"], "class-aware prompts from layer 9: the host has 1 to 4"),
        (["--vis-tokens", 0], "--vis-tokens"),
        (["--ctx", 22], "`dog` takes 27 tokens and the text tower 24"),
        (["--images", "/nowhere"], "of 8 images are missing or unreadable"),
        (["--shots", 9, "--set", "data.strict_shots=true"], "4 classes have fewer than 9 training images"),
        (["--template", "a {x} {}", "--set", "data.area=[0.5,0.1]"], "data.area = (0.5, 0.1) must rise"),
        (["--set", "loop.final=best"], "would select on the test split"),
        (["--method", "cocoop", "--set", "prompt.class_specific=true"], "cocoop shares its text prompts"),
        (["--batch-size", 1000000], "a step of 1000000 samples takes each of the 8 many times"),
    ],
)  # fmt: skip
def test_wrong_input_is_named(root: Path, tmp_path: Path, more: list[object], message: str) -> None:
    refuse(root, tmp_path, message, *more)


def refuse(root: Path, tmp_path: Path, message: str, *more: object, data: Path | None = None) -> None:
    done = train(root, "dpt", *more, out=tmp_path / "run", data=data)
    assert (done.code, message in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr
    assert not (tmp_path / "run").exists()


LEAK = '{"train": [["a.png", 0, "a"], ["b.png", 1, "b"]], "test": [["a.png", 0, "a"]]}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("null", "has no key `train` (it has NoneType)"),
        ('{"train": [["a.png", 0, "a"]], "val"', "is not JSON"),
        ('{"val": [], "test": []}', "has no key `train` (it has val, test)"),
        ('{"train": {}, "test": []}', "`train` is no list"),
        ('{"train": [["a.png", ' + "9" * 5000 + ', "a"]], "test": []}', "is not JSON"),
        (LEAK, "1 of its training images in the test split"),
    ],
)  # fmt: skip
def test_a_wrong_split_file_is_named(root: Path, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.json").write_text(text)
    refuse(root, tmp_path, message, data=tmp_path / "mine.json")


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("vision_config", "hidden_size", 63),
        ("vision_config", "hidden_size", "x"),
        ("vision_config", "patch_size", 0),
        ("text_config", "num_attention_heads", 0),
        ("text_config", "hidden_act", "evil"),
        ("text_config", "num_hidden_layers", 10**6),
        (None, "projection_dim", "a"),
    ],
)
def test_a_host_that_builds_nothing_is_one_line(
    root: Path, tmp_path: Path, part: str | None, key: str, value: object
) -> None:
    host = write_clip(tmp_path / "host")
    config = json.loads((host / "config.json").read_text())
    (config[part] if part else config)[key] = value
    (host / "config.json").write_text(json.dumps(config))
    refuse(root, tmp_path, "error: ", "--backbone", host)


def test_a_host_without_its_own_vocabulary_is_refused(root: Path, tmp_path: Path) -> None:
    host = write_clip(tmp_path / "host")
    vocabulary = json.loads((host / "tokenizer.json").read_text())
    vocabulary["model"]["vocab"] = {w: n + 50 for w, n in vocabulary["model"]["vocab"].items() if n < 98}
    (host / "tokenizer.json").write_text(json.dumps(vocabulary))
    refuse(root, tmp_path, "and its text tower has 100", "--backbone", host)
    (host / "tokenizer.json").unlink()
    refuse(root, tmp_path, "holds no tokenizer", "--backbone", host)


def test_missing_images_are_skipped_on_request(root: Path, tmp_path: Path) -> None:
    file = write_image_split(tmp_path / "data")
    (tmp_path / "data" / "test" / "0-0.png").unlink()
    (tmp_path / "data" / "test" / "1-0.png").write_text("no image")
    cut = tmp_path / "data" / "test" / "2-0.png"
    cut.write_bytes(cut.read_bytes()[:1000])
    done = train(root, "coop", "--set", "data.skip_missing=true", out=tmp_path / "run", data=file)
    assert done.code == 0, done.stderr
    assert "3 of 8 images are missing or unreadable" in done.stderr
    assert len((tmp_path / "run" / "skipped.csv").read_text().splitlines()) == 4


def test_a_folder_of_classes_and_a_table_are_datasets(root: Path, tmp_path: Path) -> None:
    file = write_image_split(tmp_path / "data")
    rows = ["path,label,split"]
    for split, items in json.loads(file.read_text()).items():
        for path, label, name in items:
            rows.append(f"{path},{name},{split}")
            if split == "train":
                target = tmp_path / "folder" / name / f"{label}-{Path(path).name}"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes((file.parent / path).read_bytes())
    (tmp_path / "data" / "list.csv").write_text("\n".join(rows))
    for data, words in (
        (tmp_path / "data" / "list.csv", "test split"),
        (tmp_path / "folder", "were not drawn"),
    ):
        out = tmp_path / f"run-{data.name}"
        done = train(root, "coop", out=out, data=data)
        assert done.code == 0, done.stderr
        assert words in json.loads((out / "metrics.json").read_text())["protocol"]


def test_the_words_nearest_to_initial_words_are_these_words(root: Path, tmp_path: Path) -> None:
    train(root, "coop", "--ctx-init", "do ca", "--set", "optimizer.lr=1e-9", out=tmp_path / "run")
    done = run_avtool("prompt-tune", "nearest-words", tmp_path / "run", "--json")
    assert done.code == 0, done.stderr
    words = [vector["words"][0] for vector in done.json["vectors"]]
    assert "".join(words) == "doca"
    refused = run_avtool("prompt-tune", "nearest-words", root / "data")
    assert refused.code == 2


def test_attention_is_drawn_and_sums_to_one(root: Path, tmp_path: Path) -> None:
    image = root / "data" / "test" / "0-0.png"
    done = run_avtool("prompt-tune", "attention", root / "dpt", image, "--out", tmp_path / "a.png", "--json")
    assert done.code == 0, done.stderr
    for row in done.json["classes"]:
        assert row["on patches"] + row["on the class token"] + row["on the memory"] == pytest.approx(
            1, abs=2e-4
        )
    assert (tmp_path / "a.png").stat().st_size > 1000
    before = image.read_bytes()
    replaced = run_avtool("prompt-tune", "attention", root / "dpt", image, "--out", image)
    assert (replaced.code, "is an input" in replaced.stderr) == (2, True)
    assert image.read_bytes() == before
    train(root, "coop", out=tmp_path / "coop")
    refused = run_avtool("prompt-tune", "attention", tmp_path / "coop", image, "--out", tmp_path / "b.png")
    assert (refused.code, "has no class-aware prompts" in refused.stderr) == (2, True)


def test_prompts_are_exported_with_their_class_texts(root: Path, tmp_path: Path) -> None:
    done = run_avtool("export", root / "dpt", "--format", "onnx", "--out", tmp_path / "onnx")
    assert done.code == 0, done.stderr
    assert (tmp_path / "onnx" / "model.onnx").is_file()
