"""Benchmarks as TOML files: what is refused, which settings follow, and what a listing shows."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from avtool.benchmarks import BENCHMARKS, find_benchmark
from avtool.benchmarks.settings import complete
from avtool.benchmarks.toml_benchmark import TomlBenchmark
from avtool.cli.main import run
from avtool.core.errors import BadInputError
from avtool.core.recipe import flag_of, iter_keys
from avtool.evaluation.published import STANDINGS

TABLES = [name for name, benchmark in BENCHMARKS.items() if isinstance(benchmark, TomlBenchmark)]
MINE = """
title = "Barks"
summary = "Two breeds."
{top}
[data]
reader = "csv"
column = "fold"
folds = [1, 2]
{data}
[protocols.linear]
metric = "accuracy"
{more}
"""


def write(folder: Path, top: str = "", data: str = "", more: str = "") -> TomlBenchmark:
    path = folder / "barks.toml"
    path.write_text(MINE.format(top=top, data=data, more=more))
    found = find_benchmark(str(path))
    assert isinstance(found, TomlBenchmark)
    return found


def flags(name: str) -> list[str]:
    return [flag for _, field in iter_keys(find_benchmark(name).settings) if (flag := flag_of(field))]


@pytest.mark.parametrize("name", TABLES)
def test_every_published_number_has_a_source(name: str) -> None:
    tables = find_benchmark(name).spec.published
    assert tables
    for rows in tables.values():
        for row in rows:
            assert row.standing in STANDINGS
            assert row.source
            assert all(0 < value <= 100 for value in row.metrics.values())


def test_the_best_known_numbers() -> None:
    rows = find_benchmark("audioset").spec.published["results"]
    found = {(row.model, row.inputs, row.training): row.metrics for row in rows}
    assert found["MBT-B", "audio + video", "AS-500K, from ImageNet-21k"] == {"mAP": 52.3}
    listeners = find_benchmark("esc10").spec.published["results"][0]
    assert (listeners.model, listeners.metrics) == ("human listeners", {"accuracy": 95.7})


def test_a_subset_extends_its_whole_but_for_published_numbers() -> None:
    whole, part = find_benchmark("esc50").spec, find_benchmark("esc10").spec
    assert part.protocols == whole.protocols
    assert part.data.folds == whole.data.folds
    assert whole.facts("linear").published
    assert not part.facts("linear").published


_DRAW_NOTHING = {"desed", "vggsounder"}
"""They score predictions that are there, and train nothing."""


@pytest.mark.parametrize("name", sorted(BENCHMARKS.names()))
def test_a_benchmark_takes_few_flags(name: str) -> None:
    assert len(flags(name)) <= 16
    assert {"--seed", "--seeds"} & set(flags(name)) or name in _DRAW_NOTHING


@pytest.mark.parametrize("name", sorted(BENCHMARKS.names()))
def test_help_shows_the_flags_of_the_benchmark(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["eval", "--benchmark", name, "--help"]) == 0
    page = capsys.readouterr().out
    assert all(flag in page for flag in flags(name))
    assert ("--encoder" in page) == ("--encoder" in flags(name))


def test_flags_follow_from_the_protocols() -> None:
    assert {"--model", "--download", "--encoder", "--folds"} <= set(flags("esc50"))
    assert not {"--model", "--predictions", "--download"} & set(flags("ucf101"))
    assert flags("audioset") == ["--predictions", "--unverified", "--seed"]


def test_a_file_of_ones_own_is_a_benchmark(tmp_path: Path) -> None:
    mine = write(tmp_path, more="[defaults]\nwindows = 3")
    assert mine.facts.title == "Barks"
    assert mine.settings().windows == 3
    assert complete(mine.spec, mine.settings(encoder="m")).protocol == "linear"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"top": "titel = 1"}, "unknown key `titel`"),
        ({"more": "[protocols.train]\nmetric = 'accuracy'"}, "protocols.train needs a recipe"),
        ({"data": "colour = 1"}, "unknown key `data.colour`"),
        ({"top": "classical_baselines = true"}, "needs data.seconds"),
        ({"more": "[protocols.guess]\nmetric = 'x'"}, "`protocols.guess"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        _ = write(tmp_path, **changes).spec


def test_a_default_of_a_foreign_setting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="has no setting `epochs`"):
        _ = write(tmp_path, more="[defaults]\nepochs = 3").settings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"encoder": "m"}, "--encoder needs a --protocol"),
        ({"protocol": "knn"}, "--protocol knn needs an --encoder"),
        ({"protocol": "knn", "encoder": "m", "predictions": "p"}, "--encoder and --predictions"),
        ({"protocol": "linear", "model": "m"}, "--model and --protocol linear"),
        ({"folds": [7]}, "has no fold 7"),
    ],
)
def test_settings_that_do_not_belong_together(values: dict, message: str) -> None:
    esc50 = find_benchmark("esc50")
    with pytest.raises(BadInputError, match=message):
        complete(esc50.spec, esc50.settings.model_validate(values))


def test_another_package_adds_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    module = """from pathlib import Path
from avtool.benchmarks import add_tables
add_tables(Path(__file__).parent)
"""
    (tmp_path / "barking.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("barks", "barking", "avtool.benchmarks")
    monkeypatch.setattr("avtool.core.registry.entry_points", lambda group: [point])
    monkeypatch.setattr(BENCHMARKS, "_loaded", False)
    monkeypatch.setattr(BENCHMARKS, "_entries", dict(BENCHMARKS._entries))
    try:
        assert BENCHMARKS.find("barks").facts.title == "Barks"
    finally:
        sys.modules.pop("barking", None)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("folds = [9]", "protocols.linear.folds: 9 is none of data.folds"),
        ("[defaults]\nseed = []\njobs = 2.5", "`seed`: input should be a valid integer.*; `jobs`: "),
    ],
)
def test_values_that_no_run_can_use_are_refused_at_once(tmp_path: Path, more: str, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        _ = write(tmp_path, more=more).settings


def test_a_split_column_has_no_other_field_than_fold(tmp_path: Path) -> None:
    path = tmp_path / "barks.toml"
    path.write_text(MINE.format(top="", data="", more="").replace('"fold"', '"split_{x}"'))
    with pytest.raises(BadInputError, match=r"`split_\{x\}` has a field other than \{fold\}"):
        _ = find_benchmark(str(path)).settings


def test_a_wrong_table_of_another_package_does_not_break_the_listing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "meows.toml").write_text("title = 3")
    monkeypatch.setitem(BENCHMARKS._entries, "meows", TomlBenchmark(tmp_path / "meows.toml"))
    assert run(["eval", "--list"]) == 0
    shown = capsys.readouterr()
    assert "esc50" in shown.out
    assert "benchmark `meows`: " in shown.err
