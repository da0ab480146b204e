"""Every command line in the README and the documentation is one that avtool understands."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from avtool.cli.main import app
from avtool.cli.verbs import VERBS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHIPPED = ROOT / "recipes"
RECIPES = {path.relative_to(SHIPPED).with_suffix("").as_posix() for path in SHIPPED.rglob("*.toml")}
GROUP = typer.main.get_command(app)


def command_lines(text: str) -> Iterator[list[str]]:
    """The words behind `avtool`, of lines of code and of code within a line."""
    text = text.replace("\\\n", " ")
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`(avtool [^`\n]+)`", text)
    for line in lines:
        for command in re.split(r" (?:&&|\||;) ", line):
            words = shlex.split(command, comments=True) if command.startswith("avtool ") else []
            if len(words) > 1 and words[1] in VERBS:
                yield words[1:]


def complaint(words: list[str]) -> str | None:
    """What avtool would not understand."""
    context = typer.Context(GROUP)
    command = GROUP.get_command(context, words[0])
    rest = words[1:]
    while rest and (chosen := getattr(command, "commands", {}).get(rest[0].partition("|")[0])):
        command, rest = chosen, rest[1:]
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {
        "--help"
    }
    for place, word in enumerate(rest):
        if re.match(r"--?[a-zA-Z]", word) and word.partition("=")[0] not in known:
            return f"no option {word}"
        if word == "--recipe" and not rest[place + 1].endswith(".toml") and rest[place + 1] not in RECIPES:
            return f"no recipe {rest[place + 1]}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_command_lines_are_understood(page: Path) -> None:
    lines = list(command_lines(page.read_text(encoding="utf-8")))
    wrong = {" ".join(words): problem for words in lines if (problem := complaint(words))}
    assert not wrong


def test_a_wrong_command_line_would_be_seen() -> None:
    (words,) = command_lines("```sh\navtool tag 'x' --no-such # what\n```\n")
    assert complaint(words) == "no option --no-such"
    assert complaint(["finetune", "data", "--recipe", "finetune/none"]) == "no recipe finetune/none"
