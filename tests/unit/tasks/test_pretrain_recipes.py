"""The settings of pretrainings, and the recipes that ship."""

import pytest

from avtool.cli.recipes import check_recipe
from avtool.core.errors import BadInputError
from avtool.core.paths import find_recipe, list_recipes
from avtool.core.recipe import flag_of, iter_keys, load
from avtool.tasks import TASKS
from avtool.tasks.masked.recipe import MavilRecipe

METHODS = [name for name, task in TASKS.items() if task.verb == "pretrain"]
RECIPES = [name for name in list_recipes() if name.startswith("pretrain/")]


@pytest.mark.parametrize("name", RECIPES)
def test_shipped_recipes_are_for_their_method(name: str) -> None:
    command, recipe = check_recipe(find_recipe(name))
    method = TASKS.find(command.removeprefix("pretrain "))
    assert isinstance(recipe, method.recipe_type)
    assert method.name in name


@pytest.mark.parametrize("method", METHODS)
def test_each_method_ships_its_published_recipe_and_a_tiny_twin(method: str) -> None:
    assert {f"pretrain/{method}-base", f"pretrain/{method}-tiny"} <= set(RECIPES)


@pytest.mark.parametrize(
    ("name", "clips", "rate", "ratio"),
    [
        ("image-mae-base", 4096, 2.4e-3, 0.75),
        ("audio-mae-base", 512, 4e-4, 0.8),
        ("video-mae-base", 1024, 6e-4, 0.9),
        ("mavil-base", 512, 4e-4, 0.8),
    ],
)
def test_published_rates_and_masks(name: str, clips: int, rate: float, ratio: float) -> None:
    _, recipe = check_recipe(find_recipe(f"pretrain/{name}"))
    assert recipe.loop.batch_size * recipe.loop.accumulate == clips
    assert recipe.optimizer.peak_rate(clips) == pytest.approx(rate)
    assert recipe.optimizer.betas == (0.9, 0.95)
    assert recipe.mask.ratio == ratio


@pytest.mark.parametrize("method", METHODS)
def test_flags_of_a_method_differ(method: str) -> None:
    recipe_type = TASKS.find(method).recipe_type
    flags = [flag for _, field in iter_keys(recipe_type) if (flag := flag_of(field))]
    assert len(flags) == len(set(flags))
    assert all(field.description for _, field in iter_keys(recipe_type))


def test_stage_one_has_no_teacher() -> None:
    with pytest.raises(BadInputError, match="stage 1 has no teacher"):
        load(MavilRecipe, settings=["mavil.teacher=somewhere"])
