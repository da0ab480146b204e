"""Every registered task trained: its plan, its page, its shipped recipes, kill and resume."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from avtool.core import paths
from avtool.core.artifact import verify
from avtool.core.recipe import flag_of, iter_keys, load, read_recipe_file
from avtool.tasks import TASKS
from avtool.training.metrics_log import read_metrics
from avtool.training.task import Task
from tests.annotated_images import write_annotated
from tests.captioned_films import write_captioned
from tests.clip_models import write_clip, write_image_split
from tests.harness import (
    prepare_tones,
    run_avtool,
    run_module,
    save_autoencoder,
    write_audio_clips,
    write_cues,
    write_images,
    write_video_clips,
)
from tests.queried_films import write_queried

SHORT = {
    "loop.max_steps": 6,
    "loop.batch_size": 4,
    "loop.log_every": 2,
    "loop.checkpoint_every": "3 steps",
    "loop.validate_every": "3 steps",
    "loop.workers": 0,
    "loop.tensorboard": False,
    "runtime.device": "cpu",
    "runtime.precision": "fp32",
}
TINY = {"model.preset": "tiny"}
AUDIO = {"data.seconds": 1.28, "data.audio.num_mel_bins": 32}
VIDEO = {f"data.video.{key}": value for key, value in (("num_frames", 4), ("seconds", 1.0))}
VIDEO |= {"data.video.size": 32, "data.video.short_side": 36}
PAIRS = {
    "data.pairs.num_frames": 4,
    "data.pairs.size": 16,
    "data.pairs.speeds": [1, 2],
    "data.pairs.audio_frames": 40,
    "data.spans.short_side": 24,
    "data.audio.num_mel_bins": 32,
    "data.crops": 4,
    "temporal.queue": 16,
    "temporal.negatives": 8,
    "temporal.top": 3,
}
PROMPTS = {
    "prompt.backbone": "{clip}",
    "prompt.context": 4,
    "prompt.visual": 2,
    "prompt.top_k": 2,
    "prompt.guide_epochs": 1,
    "data.shots": 2,
    "visual.schedule.warmup_epochs": 1.0,
    "generator.schedule.warmup_epochs": 1.0,
}
VIDEO_AUTOENCODER = {"model.name": "pvdm_autoencoder_tiny", "data.size": "32", "data.frames": 4}
DETR: dict[str, Any] = {"backbone": "resnet10t", "encoder_layers": 1, "decoder_layers": 1, "d_model": 32}
DETR |= {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "num_queries": 5}
DETR = {f"model.options.{key}": value for key, value in DETR.items()}
QUICK: dict[str, tuple[str, str, dict[str, Any]]] = {
    "classification": ("classification", "tones", {"model.name": "cnn_tiny", "data.audio.num_mel_bins": 32}),
    "dense-prediction": ("dense-prediction", "annotated", {"data.side": 64, **DETR}),
    "lm-bff": (
        "lm-bff",
        "cues",
        {"data.task": "{cues}/kind.toml", "model.path": "{cues}/lm", "data.k": 2, "demos.mode": "random"},
    ),
    "clip": ("clip", "split", {**PROMPTS, "prompt.method": "dpt"}),
    "dense-captioning": (
        "dense-captioning",
        "captioned",
        {
            "model.name": "masked_transformer_tiny",
            "data.features": ["{captioned}/features"],
            "data.step": 0.5,
            "data.window": 60,
            "loss.given": 0.8,
        },
    ),
    "query-localisation": (
        "query-localisation",
        "queried",
        {
            "model.name": "minotaur_tiny",
            "data.index": "{queried}/index",
            "data.text_encoder": "{queried}/text",
            "data.window": 16,
            "data.stride": 2,
        },
    ),
    "image-mae": ("image-mae", "images", {**TINY, "data.size": 32}),
    "audio-mae": ("audio-mae", "audio", {**TINY, **AUDIO, "mask.kind": "time-frequency", "data.roll": True}),
    "video-mae": ("video-mae", "video", {**TINY, **VIDEO, "mask.ratio": 0.75, "mask.decode_fraction": 0.5}),
    "mavil": ("mavil", "video", {**TINY, **VIDEO, **AUDIO, "ema.decay": 0.9}),
    "video-autoencoder": ("video-autoencoder", "video", VIDEO_AUTOENCODER),
    "video-diffusion": (
        "video-diffusion",
        "video",
        {"model.name": "pvdm_unet_tiny", "model.autoencoder": "{autoencoder}", "data.windows": 4},
    ),
    "avt": ("avt", "video", {**TINY, **PAIRS, "temporal.objective": "avt"}),
}
"""A short training of every task: the task, the dataset it learns from, and its settings."""
MORE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "video-autoencoder-stage2": (
        "video-autoencoder",
        "video",
        {**VIDEO_AUTOENCODER, "stage": 2, "model.init": "{autoencoder}", "loss.widths": [8, 16]},
    ),
    "mavil-stage2": ("mavil", "video", {**QUICK["mavil"][2], "mavil.stage": 2, "mavil.teacher": "{mavil}"}),
    **{
        f"avt-{objective}": ("avt", "video", {**TINY, **PAIRS, "temporal.objective": objective})
        for objective in ("infonce", "nnclr", "avid", "gdt")
    },
    **{
        method: ("clip", "split", {**PROMPTS, "prompt.method": method})
        for method in ("coop", "cocoop", "vpt-shallow", "vpt-deep", "vlp")
    },
    "coop-features": ("clip", "split", {**PROMPTS, "prompt.method": "coop", "data.augment": "none"}),
    "dpt-features": ("clip", "split", {**PROMPTS, "prompt.method": "dpt", "data.augment": "none"}),
}
RECIPES = [
    (task.name, name)
    for _, task in TASKS.items()
    for name in paths.list_recipes()
    if read_recipe_file(paths.find_recipe(name)).get("command") == task.subcommand()
]


@pytest.fixture(scope="session")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small dataset of each kind, with clips for validation."""
    root = tmp_path_factory.mktemp("datasets")
    return {
        "tones": prepare_tones(root / "tones", train=4, val=1),
        "audio": write_audio_clips(root / "audio", 8, val=2),
        "video": write_video_clips(root / "video", 8, seconds=2.6, val=2),
        "images": write_images(root / "images", 8, val=2),
        "cues": write_cues(root / "cues"),
        "annotated": write_annotated(root / "annotated", val=True),
        "split": write_image_split(root / "split"),
        "clip": write_clip(root / "clip"),
        "captioned": write_captioned(root / "captioned", train=3, val=1),
        "queried": write_queried(root / "queried"),
        "autoencoder": save_autoencoder(root / "autoencoder"),
    }


def flags_of(task: type[Task[Any]]) -> set[str]:
    """The flags of a task's recipe."""
    return {flag for _, field in iter_keys(task.recipe_type) if (flag := flag_of(field))}


def command_line(run: tuple[str, str, dict[str, Any]], datasets: dict[str, Path], root: Path) -> list[str]:
    """The words of a short training."""
    name, data, settings = run
    words = [*TASKS.find(name).subcommand().split(), str(datasets[data])]
    for key, value in {**SHORT, **settings}.items():
        places = {
            "mavil": root / "mavil/whole/run/model",
            "cues": Path(datasets["cues"]).parent,
            "clip": datasets["clip"],
            "captioned": datasets["captioned"].parent,
            "queried": datasets["queried"].parent,
            "autoencoder": datasets["autoencoder"],
        }
        listed = value if isinstance(value, list) else [value]
        texts = [one.format(**places) if isinstance(one, str) else one for one in listed]
        text = texts if isinstance(value, list) else texts[0]
        words += ["--set", f"{key}={json.dumps(text)}"]
    return words


def kill_and_resume(
    runs: dict[str, tuple[str, str, dict[str, Any]]], datasets: dict[str, Path], root: Path
) -> dict[str, Any]:
    """Runs `kill_runs` and returns its results by name."""
    lines = {name: command_line(run, datasets, root) for name, run in runs.items()}
    (root / "lines.json").write_text(json.dumps(lines))
    run_module("tests.contract.kill_runs", root, root / "lines.json", root / "results.json", timeout=1200)
    return json.loads((root / "results.json").read_text())


@pytest.fixture(scope="module")
def quick(datasets: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    root = tmp_path_factory.mktemp("quick")
    return root, kill_and_resume(QUICK, datasets, root)


@pytest.fixture(scope="module")
def more(datasets: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    root = tmp_path_factory.mktemp("more")
    return root, kill_and_resume({"mavil": QUICK["mavil"], **MORE}, datasets, root)


def check_resumed(runs: tuple[Path, dict[str, Any]], name: str) -> None:
    root, results = runs
    expected = {"codes": [0, -9, 0], "left": ["step-000003"], "differences": []}
    assert results[name] == expected
    lines = read_metrics(root / name / "whole" / "run" / "metrics.jsonl")
    for split, count in (("train", 3), ("val", 2)):
        terms = [set(line) for line in lines if line["split"] == split]
        assert len(terms) == count
        assert all(names == terms[0] for names in terms), "every line has every term"
    assert all(line.get("loss", line.get("generator/loss")) is not None for line in lines)


def test_every_task_has_a_short_training() -> None:
    assert sorted(QUICK) == sorted(TASKS.names())


@pytest.mark.parametrize("name", QUICK)
def test_a_killed_training_ends_with_the_bytes_of_an_undisturbed_one(
    quick: tuple[Path, dict[str, Any]], name: str
) -> None:
    check_resumed(quick, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", MORE)
def test_so_does_every_variant(more: tuple[Path, dict[str, Any]], name: str) -> None:
    check_resumed(more, name)


@pytest.mark.parametrize("name", QUICK)
def test_a_run_is_whole_and_has_a_page(quick: tuple[Path, dict[str, Any]], name: str) -> None:
    run = quick[0] / name / "whole" / "run"
    assert verify(run) == []
    assert {"report.html", "recipe.toml", "command.txt", "env.json", "outcome.json"} <= {
        path.name for path in run.iterdir()
    }
    assert "<svg" in (run / "report.html").read_text()
    files = {"artifact.json", "config.json", "preprocess.json", "model.safetensors", "README.md"}
    optional = {"tokenizer", "learned.parquet", "autoencoder"}  # of texts; of clips; of latents
    assert {path.name for path in (run / "model").iterdir()} - optional == files


@pytest.mark.parametrize("name", QUICK)
def test_a_plan_writes_nothing(datasets: dict[str, Path], name: str, tmp_path: Path) -> None:
    words = command_line(QUICK[name], datasets, tmp_path)
    plan = run_avtool(*words, "--out", tmp_path / "run", "--dry-run", "--json", "-q").json["plan"]
    assert plan["steps"] == SHORT["loop.max_steps"]
    assert plan["parameters"] > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", TASKS.names())
def test_the_help_page_has_every_flag_with_its_help(name: str) -> None:
    task = TASKS.find(name)
    page = run_avtool(*task.subcommand().split(), "--help")
    assert page.code == 0
    text = " ".join(page.stdout.split())
    assert task.summary in text
    flags = flags_of(task)
    assert [flag for flag in flags if not re.search(rf"{flag.split('/')[0].split()[0]}\b", text)] == []


@pytest.mark.parametrize(("name", "recipe"), RECIPES)
def test_a_shipped_recipe_is_valid(name: str, recipe: str) -> None:
    load(TASKS.find(name).recipe_type, recipe=paths.find_recipe(recipe), environment={})


def test_every_task_ships_a_recipe() -> None:
    assert {name for name, _ in RECIPES} == set(TASKS.names())
