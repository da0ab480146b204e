"""Prompt tuning on real images of clothes with the stand-in of two real towers, which is no CLIP."""

import json
from pathlib import Path

import pytest

from tests.harness import run_avtool
from tests.prompt_hosts import find_towers

QUICK = ["--device", "cpu", "--no-progress", "--set", "loop.workers=0", "--set", "loop.tensorboard=false"]


@pytest.fixture(scope="module")
def towers(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """all-MiniLM-L6-v2 and EfficientNet-Lite0 in one folder."""
    return find_towers(test_data, tmp_path_factory.mktemp("hosts") / "towers")


@pytest.mark.slow
def test_text_prompts_learn_clothes(towers: Path, test_data: Path, tmp_path: Path) -> None:
    split = test_data / "images" / "clothing" / "split.json"
    found = {}
    for method, words in (("zeroshot", []), ("coop", ["--recipe", "prompt-tune/coop-tiny", "--seed", 1])):
        done = run_avtool(
            "prompt-tune", "clip", split, "--backbone", towers, "--method", method, *words, *QUICK, "--out",
            tmp_path / method,
        )  # fmt: skip
        assert done.code == 0, done.stderr
        found[method] = json.loads((tmp_path / method / "metrics.json").read_text())["accuracy"]
    assert found["zeroshot"] == pytest.approx(0.283, abs=0.03)
    assert found["coop"] > found["zeroshot"] + 0.015
    assert (tmp_path / "coop" / "model" / "model.safetensors").stat().st_size < 500_000
