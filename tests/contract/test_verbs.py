"""Every verb of the command line through the same tests."""

import shlex

import pytest
import typer

from avtool.cli.command import SCHEMAS
from avtool.cli.main import app
from avtool.cli.verbs import VERBS, load_verb
from avtool.core import paths
from avtool.core.recipe import iter_keys
from tests.harness import run_avtool

GROUP = typer.main.get_command(app)


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_has_one_summary_and_two_examples(name: str) -> None:
    command = typer.main.get_command(load_verb(name))
    assert command.help.splitlines()[0] == VERBS[name].summary
    assert len(command.epilog.splitlines()) >= 2


@pytest.mark.parametrize("name", VERBS)
def test_the_examples_of_a_verb_are_understood(name: str) -> None:
    for line in typer.main.get_command(load_verb(name)).epilog.splitlines():
        words = shlex.split(line.partition(" < ")[0].partition(" > ")[0])
        assert words[:2] == ["avtool", name]
        command, rest = GROUP.get_command(typer.Context(GROUP), name), words[2:]
        while rest and (chosen := getattr(command, "commands", {}).get(rest[0])):
            command, rest = chosen, rest[1:]
        context = command.make_context(name, list(rest))
        if recipe := context.params.get("recipe_name"):
            assert paths.find_recipe(recipe).is_file()


@pytest.mark.parametrize("name", VERBS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_in_sections(name: str, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app([name, flag], standalone_mode=False) in {0, None}
    text = capsys.readouterr().out
    assert "\nExamples:\n  avtool " in text


@pytest.mark.parametrize("name", SCHEMAS.names())
def test_a_recipe_describes_its_keys(name: str) -> None:
    assert all(field.description for _, field in iter_keys(SCHEMAS.find(name)))


@pytest.mark.parametrize("name", SCHEMAS.names())
def test_a_flag_is_listed_once(name: str) -> None:
    command = GROUP
    for word in name.split():
        command = command.get_command(typer.Context(GROUP), word)
    flags = [flag for parameter in command.params for flag in parameter.opts]
    assert len(flags) == len(set(flags))


@pytest.mark.parametrize(
    "words",
    ["doctor", "models list", "recipes list", "cache list", "eval --list", "tag 'dog barking'"],
)
def test_json_states_its_schema_first(words: str) -> None:
    done = run_avtool(*shlex.split(words), "--json")
    assert done.code == 0
    assert next(iter(done.json)) == "schema_version"
