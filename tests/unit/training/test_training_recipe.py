"""The settings of a training: their defaults, their checks, their flags."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from avtool.core.errors import BadInputError
from avtool.core.recipe import flag_of, identity, iter_keys, load
from avtool.training.recipe import GroupRecipe, OptimizationRecipe, TrainRecipe, in_steps


def test_eight_keys_have_a_flag() -> None:
    flags = {flag_of(field) for _, field in iter_keys(TrainRecipe)} - {""}
    assert flags == {
        "--seed",
        "--lr",
        "--epochs",
        "--max-steps",
        "--batch-size",
        "--workers",
        "--device",
        "--precision",
    }


class AdversarialRecipe(TrainRecipe):
    """A task with an optimiser and a parameter group of its own."""

    critic: OptimizationRecipe = Field(default_factory=OptimizationRecipe)
    text: GroupRecipe = Field(default_factory=GroupRecipe)


def test_a_task_gives_its_optimizers_and_groups_tables_without_flags(tmp_path: Path) -> None:
    assert {key: flag for key, field in iter_keys(AdversarialRecipe) if (flag := flag_of(field))} == {
        key: flag for key, field in iter_keys(TrainRecipe) if (flag := flag_of(field))
    }
    path = tmp_path / "recipe.toml"
    path.write_text(
        "[optimizer]\nlr = 1e-4\n[critic.optimizer]\nname = 'sgd'\nlr = 2.0\n[text]\nrate = 0.5\n"
        "[text.schedule]\nname = 'linear'\nwarmup_epochs = 0.1\n"
    )
    settings, flags = ["critic.schedule.name=plateau"], {"optimizer.lr": 3e-4}
    recipe = load(AdversarialRecipe, recipe=path, settings=settings, flags=flags)
    assert (recipe.main.optimizer.lr, recipe.critic.optimizer.lr) == (3e-4, 2.0)
    assert (recipe.main.schedule.name, recipe.critic.schedule.name) == ("cosine", "plateau")
    assert recipe.text.schedule is not None
    assert (recipe.text.rate, recipe.text.schedule.name) == (0.5, "linear")
    assert identity(recipe)["critic"]["optimizer"]["lr"] == 2.0
    with pytest.raises(BadInputError, match=r"unknown key `critic\.optimizer\.rate`"):
        load(AdversarialRecipe, settings=["critic.optimizer.rate=1"])


def test_the_settings_load_without_torch() -> None:
    code = "import sys, avtool.training.recipe; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_every_key_says_what_it_is() -> None:
    assert all(field.description for _, field in iter_keys(TrainRecipe))


def test_a_huge_learning_rate_is_for_sgd() -> None:
    assert load(TrainRecipe, settings=["optimizer.name=sgd", "optimizer.lr=2"]).optimizer.lr == 2
    with pytest.raises(BadInputError, match="lr = 2 is too large for adamw, which moves every weight"):
        load(TrainRecipe, settings=["optimizer.lr=2"])


def test_a_base_rate_follows_the_clips_of_a_step() -> None:
    settings = load(TrainRecipe, settings=["optimizer.base_lr=1.5e-4"]).optimizer
    assert settings.peak_rate(4096) == pytest.approx(2.4e-3)
    assert load(TrainRecipe, settings=["optimizer.lr=2e-4"]).optimizer.peak_rate(4096) == 2e-4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["optimizer.base_lr=1e-4", "optimizer.lr=1e-4"], "both set the learning rate"),
        (["optimizer.base_lr=2"], "base_lr = 2 is too large for adamw"),
        (["ema.decay=0.9", "average.first_epoch=1"], "two averages of the weights: set one"),
        (["schedule.name=one-cycle", "schedule.warmup_steps=5"], "has its own warm-up"),
        (["schedule.warmup_epochs=1", "schedule.warmup_steps=5"], "both set a warm-up"),
        (["average.first_epoch=5", "average.last_epoch=4"], "epochs 5 to 4 are none"),
        (["optimizer.betas=[0.9, 1.0]"], r"must lie in \[0, 1\)"),
        (["runtime.device=gpu"], "runtime.device"),
        (["loop.validate_every=1 day"], "`1 day` is no interval: write `500 steps`"),
        (["loop.checkpoint_every=0 steps"], "no interval"),
        (["optimizer.learning_rate=1"], "unknown key `optimizer.learning_rate`"),
    ],
)
def test_settings_that_do_not_fit_are_refused_in_words(settings: list[str], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        load(TrainRecipe, settings=settings)


@pytest.mark.parametrize(
    ("interval", "steps"),
    [
        ("500 steps", 500),
        ("1 step", 1),
        ("1 epoch", 40),
        ("2 epochs", 80),
        ("0.5 epochs", 20),
        ("0.001 epochs", 1),
        ("never", 0),
    ],
)
def test_intervals_in_steps(interval: str, steps: int) -> None:
    recipe: Any = load(TrainRecipe, settings=[f"loop.validate_every={interval}"])
    assert in_steps(recipe.loop.validate_every, 40) == steps
