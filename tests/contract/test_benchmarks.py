"""Every registered benchmark through the same tests."""

import pytest

from avtool.benchmarks import BENCHMARKS
from avtool.benchmarks.toml_benchmark import TomlBenchmark
from avtool.core.recipe import iter_keys
from avtool.evaluation.published import STANDINGS
from tests.harness import run_avtool

NAMES = BENCHMARKS.names()
NEEDED = {
    "sams-tags": {"data": "tags.csv"},
    "sdh": {"data": "film.mkv", "predictions": "film.vtt"},
}
"""Settings without a default."""
OF_DATA = [name for name, benchmark in BENCHMARKS.items() if isinstance(benchmark, TomlBenchmark)]


@pytest.fixture(scope="module")
def listing() -> str:
    return run_avtool("eval", "--list").stdout


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_states_its_facts(name: str) -> None:
    facts = BENCHMARKS.find(name).facts
    assert facts.title
    assert facts.summary.endswith(".")
    assert facts.data
    assert facts.metric
    assert facts.protocols


@pytest.mark.parametrize("name", NAMES)
def test_it_is_listed(name: str, listing: str) -> None:
    assert any(line.split()[:1] == [name] for line in listing.splitlines())


@pytest.mark.parametrize("name", NAMES)
def test_published_numbers_have_a_source_and_a_standing(name: str) -> None:
    for row in BENCHMARKS.find(name).facts.published:
        assert row.source
        assert row.standing in STANDINGS
        assert row.metrics


@pytest.mark.parametrize("name", NAMES)
def test_its_settings_are_written_and_read_again(name: str) -> None:
    schema = BENCHMARKS.find(name).settings
    settings = schema.model_validate(NEEDED.get(name, {}))
    assert schema.model_validate(settings.model_dump(mode="json")) == settings
    assert all(field.description for _, field in iter_keys(schema))


@pytest.mark.parametrize("name", OF_DATA)
def test_without_data_it_says_what_to_give(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("AVTOOL_DATA", str(tmp_path))
    done = run_avtool("eval", "--benchmark", name, "--no-progress")
    assert done.code in {2, 3}
    assert done.stderr.startswith("error: ")
    assert "\nhint: " in done.stderr
    assert done.stdout == ""
