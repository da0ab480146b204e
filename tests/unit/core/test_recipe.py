"""Recipes: precedence, extension, and errors that name every problem."""

import os
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field

from avtool.core.errors import BadInputError
from avtool.core.recipe import Recipe, iter_keys, load, option, parse_value, read_recipe_file


class Optimizer(Recipe):
    lr: float = option(1e-3, "Learning rate.", flag="--lr", gt=0)
    name: str = option("adamw", "Optimiser.")


class Train(Recipe):
    epochs: int = option(3, "Passes over the data.", flag="--epochs", ge=1)
    classes: int | None = option(None, "Classes.")
    optimizer: Optimizer = Field(default_factory=Optimizer)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_defaults_come_from_the_model():
    assert load(Train, environment={}) == Train()


def test_precedence_is_flag_then_set_then_environment_then_file(tmp_path):
    recipe = write(tmp_path / "a.toml", "epochs = 5\n[optimizer]\nlr = 5.0\n")
    environment = {"AVTOOL_EPOCHS": "6", "AVTOOL_OPTIMIZER__LR": "6.0"}
    assert load(Train, recipe=recipe, environment={}).optimizer.lr == 5.0
    assert load(Train, recipe=recipe, environment=environment).optimizer.lr == 6.0
    settings = ["optimizer.lr=7.0"]
    assert load(Train, recipe=recipe, settings=settings, environment=environment).optimizer.lr == 7.0
    flags = {"optimizer.lr": 8.0, "epochs": None}
    resolved = load(Train, recipe=recipe, settings=settings, flags=flags, environment=environment)
    assert (resolved.optimizer.lr, resolved.epochs) == (8.0, 6)


def test_extends_merges_tables_and_the_nearer_file_wins(tmp_path):
    write(tmp_path / "base.toml", 'epochs = 9\n[optimizer]\nname = "sgd"\nlr = 1.0\n')
    child = write(tmp_path / "child.toml", 'extends = "base.toml"\n[optimizer]\nlr = 2.0\n')
    resolved = load(Train, recipe=child, environment={})
    assert (resolved.epochs, resolved.optimizer.name, resolved.optimizer.lr) == (9, "sgd", 2.0)


def test_a_recipe_that_extends_itself_is_refused(tmp_path):
    write(tmp_path / "a.toml", 'extends = "b.toml"\n')
    write(tmp_path / "b.toml", 'extends = "a.toml"\n')
    with pytest.raises(BadInputError, match="extends itself"):
        read_recipe_file(tmp_path / "a.toml")


def test_all_problems_are_named_at_once_with_the_nearest_key():
    with pytest.raises(BadInputError) as caught:
        load(Train, settings=["epoch=4", "optimizer.lr=-1"], environment={})
    assert "unknown key `epoch`" in caught.value.message
    assert "`optimizer.lr`: input should be greater than 0, got -1" in caught.value.message
    assert "did you mean `epochs`" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("true", True),
        ("[1, 2]", [1, 2]),
        ("webrtc", "webrtc"),
        ('"7"', "7"),
        ("a.b/c", "a.b/c"),
    ],
)
def test_values_are_toml_or_plain_text(text, value):
    assert parse_value(text) == value


def test_a_setting_without_a_value_is_refused():
    with pytest.raises(BadInputError, match="key=value"):
        load(Train, settings=["epochs"], environment={})


def test_a_value_is_not_a_table():
    with pytest.raises(BadInputError, match="not a table"):
        load(Train, settings=["epochs=1", "epochs.more=2"], environment={})


def test_nan_is_not_a_setting():
    with pytest.raises(BadInputError, match="finite"):
        load(Train, settings=["optimizer.lr=nan"], environment={})


@pytest.mark.parametrize(("text", "reason"), [("epochs = = 3", "not TOML"), ("\xff", "not TOML")])
def test_files_that_are_not_toml(tmp_path, text, reason):
    (tmp_path / "x.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInputError, match=reason):
        read_recipe_file(tmp_path / "x.toml")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadInputError, match="No such file"):
        read_recipe_file(tmp_path / "none.toml")


def test_keys_are_dotted():
    assert [key for key, _ in iter_keys(Train)] == ["epochs", "classes", "optimizer.lr", "optimizer.name"]


class Dataset(Recipe):
    data: str = option("here", "Where.")


def test_variables_with_a_meaning_of_their_own_are_no_settings():
    assert load(Dataset, environment={"AVTOOL_DATA": "/data"}).data == "here"


class Renamed(Recipe):
    cutmix: float = option(0.0, "Probability.", formerly="splice")
    optimizer: Optimizer = Field(default_factory=Optimizer, json_schema_extra={"formerly": "optimiser"})


def test_settings_win_over_a_file_under_either_name_of_a_key(tmp_path: Path) -> None:
    new = write(tmp_path / "new.toml", "cutmix = 0.1\n[optimizer]\nlr = 0.1\n")
    old = write(tmp_path / "old.toml", "splice = 0.1\n[optimiser]\nlr = 0.1\n")
    assert load(Renamed, recipe=new, environment={}) == load(Renamed, recipe=old, environment={})
    for file in (new, old):
        for given in (["splice=0.5", "optimiser.lr=0.5"], ["cutmix=0.5", "optimizer.lr=0.5"]):
            found = load(Renamed, recipe=file, settings=given, environment={})
            assert (found.cutmix, found.optimizer.lr) == (0.5, 0.5)
        assert load(Renamed, recipe=file, flags={"cutmix": 0.7}, environment={}).cutmix == 0.7
    both = write(tmp_path / "both.toml", "cutmix = 0.1\nsplice = 0.2\n")
    with pytest.raises(BadInputError, match="`splice` is the former name of `cutmix`"):
        load(Renamed, recipe=both, environment={})


def test_a_recipe_is_a_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(BadInputError, match=r"pipe\.toml` is no regular file"):
        read_recipe_file(tmp_path / "pipe.toml")
    with pytest.raises(BadInputError, match="`/dev/zero` is no regular file"):
        read_recipe_file(write(tmp_path / "a.toml", 'extends = "/dev/zero"'))
    with pytest.raises(BadInputError, match="`extends` is 3"):
        read_recipe_file(write(tmp_path / "b.toml", "extends = 3"))


class Listing(Recipe):
    formats: tuple[Literal["vtt", "srt"], ...] = option(("vtt",), "Formats.", min_length=1)


@pytest.mark.parametrize(("given", "problems"), [([], 1), (["ass"], 1), (["ass", "doc"], 2)])
def test_a_list_is_not_also_too_short_for_want_of_refused_items(given: list[str], problems: int) -> None:
    with pytest.raises(BadInputError) as caught:
        load(Listing, flags={"formats": given}, environment={})
    assert caught.value.message.count("`formats") == problems
