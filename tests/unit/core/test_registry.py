import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from avtool.core import registry as module
from avtool.core.errors import BadInputError, MissingError
from avtool.core.registry import Registry

ENTRY = "from {home} import REGISTRY\nREGISTRY.add('{name}', {value})\n"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry[int]]:
    """A registry whose package has two folders with an `entry` module and one without."""
    home = tmp_path / "home_of_entries"
    for folder, value in {"first": 1, "second": 2, "bare": None}.items():
        (home / folder).mkdir(parents=True)
        (home / folder / "__init__.py").touch()
        if value is not None:
            text = ENTRY.format(home=home.name, name=f"{folder}_entry", value=value)
            (home / folder / "entry.py").write_text(text)
    (home / "__init__.py").write_text(
        "from avtool.core.registry import Registry\n"
        "REGISTRY = Registry('colour', 'avtool colours', group='avtool.colours')\n"
        "REGISTRY.live_in(__name__, leaf='entry')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield __import__(home.name).REGISTRY
    for name in [name for name in sys.modules if name.startswith(home.name)]:
        del sys.modules[name]


def with_points(monkeypatch: pytest.MonkeyPatch, **points: str) -> None:
    found = [EntryPoint(name, value, "avtool.colours") for name, value in points.items()]
    monkeypatch.setattr(module, "entry_points", lambda group: [p for p in found if p.group == group])


def test_entries_are_found_on_first_use(registry: Registry[int]) -> None:
    assert "home_of_entries.first.entry" not in sys.modules
    assert registry.find("second_entry") == 2
    assert registry.names() == ["first_entry", "second_entry"]
    assert registry.names("f*") == ["first_entry"]
    assert dict(registry.items()) == {"first_entry": 1, "second_entry": 2}


def test_a_mistyped_name_is_answered_by_near_ones(registry: Registry[int]) -> None:
    with pytest.raises(BadInputError, match="no colour is called `frist_entry`") as caught:
        registry.find("frist_entry")
    assert "`first_entry`" in caught.value.hint
    with pytest.raises(BadInputError) as caught:
        registry.find("zzz")
    assert caught.value.hint == "`avtool colours` shows them all"


def test_a_name_is_given_once(registry: Registry[int]) -> None:
    registry.add("third", 3)
    with pytest.raises(ValueError, match="two colours are called `third`"):
        registry.add("third", 4)


def test_other_packages_add_entries(
    registry: Registry[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "foreign_entries.py").write_text(ENTRY.format(home="home_of_entries", name="theirs", value=7))
    with_points(monkeypatch, theirs="foreign_entries")
    assert registry.find("theirs") == 7
    assert registry.broken() == {}
    del sys.modules["foreign_entries"]


def test_a_broken_package_costs_its_own_names_alone(
    registry: Registry[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_points(monkeypatch, theirs="package_that_is_absent")
    assert registry.names() == ["first_entry", "second_entry"]
    assert list(registry.broken()) == ["theirs"]
    with pytest.raises(MissingError, match=r"`theirs_tiny` cannot be loaded: .*package_that_is_absent"):
        registry.find("theirs_tiny")


@pytest.mark.parametrize("text", ["import sys\nsys.exit(3)", "{entry}\nraise RuntimeError('late')"])
def test_a_package_that_stops_half_way_adds_nothing(
    registry: Registry[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    entry = ENTRY.format(home="home_of_entries", name="theirs", value=7)
    (tmp_path / "stopping_entries.py").write_text(text.format(entry=entry))
    with_points(monkeypatch, theirs="stopping_entries")
    assert registry.names() == ["first_entry", "second_entry"]
    assert list(registry.broken()) == ["theirs"]


def test_an_entry_of_another_kind_is_refused() -> None:
    whole: Registry[int] = Registry("number", "avtool numbers", accepts=lambda entry: isinstance(entry, int))
    with pytest.raises(TypeError, match="`third` is registered as a number and is none: 'x'"):
        whole.add("third", "x")  # type: ignore[arg-type]
