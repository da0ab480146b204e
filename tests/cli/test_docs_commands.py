"""Every command line in the README and the documentation is one that avtool understands."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from avtool.benchmarks import BENCHMARKS
from avtool.cli.command import SCHEMAS
from avtool.cli.eval import command_of, named_benchmark
from avtool.cli.main import app
from avtool.cli.verbs import VERBS
from avtool.core.recipe import iter_keys

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "docs" / "reference" / "cli.md"
PAGES = [ROOT / "README.md", *sorted(set((ROOT / "docs").rglob("*.md")) - {GENERATED})]
SHIPPED = ROOT / "recipes"
RECIPES = {path.relative_to(SHIPPED).with_suffix("").as_posix() for path in SHIPPED.rglob("*.toml")}
GROUP = typer.main.get_command(app)
OF_OTHERS = {"--gss", "--skip-sync-on-low-quality", "--multi_gpu", "--num_processes"}
"""Flags of ffsubsync and accelerate that pages speak of."""


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
    command, name, rest = GROUP.get_command(context, words[0]), words[0], words[1:]
    while rest and (chosen := getattr(command, "commands", {}).get(rest[0].partition("|")[0])):
        command, name, rest = chosen, f"{name} {rest[0]}", rest[1:]
    if default := getattr(command, "default", ""):
        command, name = command.commands[default], f"{name} {default}"
    benchmark = (named_benchmark(rest) or "").partition("|")[0] if name == "eval" else ""
    benchmark = "esc50" if benchmark.endswith(".toml") else benchmark
    if benchmark in BENCHMARKS.names():  # `NAME` is a placeholder
        command = command_of(benchmark)
    known = {flag for option in command.params for flag in (*option.opts, *option.secondary_opts)}
    for word, value in zip(rest, [*rest, ""][1:], strict=True):
        if re.match(r"--?[a-zA-Z]", word) and word.partition("=")[0] not in known | {"--help"}:
            return f"no option {word}"
        if word == "--recipe" and not value.endswith(".toml") and value not in RECIPES:
            return f"no recipe {value}"
        if word == "--set" and not has_key(name, rest, value.partition("=")[0]):
            return f"no key {value}"
    return None


def has_key(command: str, words: list[str], key: str) -> bool:
    """Whether a command's recipe has a key; `audio.…` stands for any key of its table."""
    benchmark = named_benchmark(words)
    schema = BENCHMARKS.find(benchmark).settings if benchmark else SCHEMAS.find(command)
    keys = [known for known, _ in iter_keys(schema)]
    prefix = key.removesuffix("…")
    return (
        key in keys
        or any(key.startswith(f"{known}.") for known in keys)
        or (prefix != key and any(known.startswith(prefix) for known in keys))
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_command_lines_are_understood(page: Path) -> None:
    lines = list(command_lines(page.read_text(encoding="utf-8")))
    wrong = {" ".join(words): problem for words in lines if (problem := complaint(words))}
    assert not wrong


def flags(command: object) -> set[str]:
    """The flags of a command and of its subcommands."""
    inner = getattr(command, "commands", {}).values()
    own = {flag for option in command.params for flag in (*option.opts, *option.secondary_opts)}
    return own.union(*map(flags, inner))


@pytest.fixture(scope="module")
def known_flags() -> set[str]:
    """The flags of all verbs, and of `avtool eval` with any benchmark."""
    verbs = [GROUP.get_command(typer.Context(GROUP), verb) for verb in VERBS]
    return OF_OTHERS.union(*map(flags, [GROUP, *verbs, *map(command_of, BENCHMARKS.names())]))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_flags_in_the_text_exist(page: Path, known_flags: set[str]) -> None:
    named = re.findall(r"`(--[a-z][\w-]*)[^`\n]*`", page.read_text(encoding="utf-8"))
    assert set(named) <= known_flags, set(named) - known_flags


def test_a_wrong_command_line_would_be_seen() -> None:
    (words,) = command_lines("```sh\navtool tag 'x' --no-such # what\n```\n")
    assert complaint(words) == "no option --no-such"
    assert complaint(["finetune", "data", "--recipe", "finetune/none"]) == "no recipe finetune/none"
    assert complaint(["sync", "a.mkv", "a.srt", "--set", "sync.no=1"]) == "no key sync.no=1"
