"""Python in README and documentation: blocks parse, and the names of avtool exist."""

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
DOTTED = re.compile(r"`(avtool(?:\.\w+)+)`")
GROUPS = {"avtool.models", "avtool.tasks", "avtool.readers", "avtool.benchmarks"}
"""Entry-point groups, which are named like modules."""


def names_of(block: str) -> set[str]:
    """The dotted names that a block takes of avtool."""
    taken = set()
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("avtool"):
            taken |= {f"{node.module}.{alias.name}" for alias in node.names}
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "avtool":
            taken.add(f"avtool.{node.attr}")
    return taken


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    *parents, last = name.split(".")
    if not parents:
        return last == "avtool"
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        value = _value(".".join(parents))
        return value is not None and (hasattr(value, last) or last in getattr(value, "__annotations__", {}))
    return True


def _value(name: str) -> object:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        parent, _, last = name.rpartition(".")
        return getattr(_value(parent), last, None) if parent else None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_python_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    names = set(DOTTED.findall(text)).union(*map(names_of, BLOCK.findall(text)))
    assert {name for name in names - GROUPS if not exists(name)} == set()
