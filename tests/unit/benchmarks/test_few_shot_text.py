"""The text tasks as benchmarks: the published table, a run on splits, what is refused."""

import tomllib
from pathlib import Path

import pytest

from avtool.benchmarks import BENCHMARKS
from avtool.core.errors import BadInputError
from avtool.core.reporter import Recorder
from tests.harness import call, run_avtool, save_masked_lm

NAMES = [name for name in BENCHMARKS.names() if name.startswith("few-shot-")]
TABLE = Path("avtool/benchmarks/few_shot_text/published.toml")


def test_there_are_fifteen_with_whole_rows() -> None:
    assert len(NAMES) == 15
    table = tomllib.loads(TABLE.read_text())
    assert {f"few-shot-{name}" for name in table["tasks"]} == set(NAMES)
    for row in table["rows"]:
        assert len(row["means"]) == 15
        assert len(row.get("deviations", row["means"])) == 15


def test_published_rows_have_their_standing() -> None:
    rows = {row.model: row for row in BENCHMARKS.find("few-shot-sst-2").facts.published}
    manual = rows["RoBERTa-large, prompt fine-tuning, manual"]
    assert manual.metrics == {"accuracy": 92.7, "deviation": 0.9}
    assert manual.standing == "listing"
    assert rows["RoBERTa-large, the same with filtered demonstrations: LM-BFF"].standing == "paper"
    assert not any("majority" in row.model for row in BENCHMARKS.find("few-shot-sts-b").facts.published)


@pytest.fixture(scope="module")
def lm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_masked_lm(tmp_path_factory.mktemp("lm") / "lm")


def test_published_splits_are_run_seed_by_seed(lm: Path, tmp_path: Path) -> None:
    texts = [f"it was {word} {number}" for number in range(20) for word in ("good", "bad")]
    (tmp_path / "all.tsv").write_text(
        "sentence\tlabel\n" + "".join(f"{t}\t{n % 2}\n" for n, t in enumerate(texts))
    )
    for seed in (13, 21):
        words = [
            "prompt-tune",
            "split",
            tmp_path / "all.tsv",
            "--task",
            "sst-2",
            "--k",
            2,
            "--split-seed",
            seed,
        ]
        assert call(*words, "--out", tmp_path / "data" / f"2-{seed}", "-q") == 0
    words = ["eval", "--benchmark", "few-shot-sst-2", "--data", tmp_path / "data", "--model", lm, "--k", 2]
    words += ["--seeds", "13,21", "--lrs", "1e-4", "--batch-sizes", "2", "--max-steps", 2, "--device", "cpu"]
    done = run_avtool(
        *words, "--runs", tmp_path / "runs", "--out", tmp_path / "report", "--json", "--no-progress"
    )
    assert done.code == 0, done.stderr
    report = done.json["report"]
    assert {"prompt fine-tuning", "classifier fine-tuning", "majority"} <= report["metrics"]["methods"].keys()
    assert report["metrics"]["runs"] == 4
    shown = [row[0] for row in report["tables"][0]["rows"]]
    assert any("LM-BFF" in name for name in shown)
    assert any("Not the published protocol" in note for note in report["notes"])
    assert (tmp_path / "report" / "report.html").is_file()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--seeds", "-1"], "grid.seeds"),
        (["--seeds", "13,13"], "13 comes twice"),
        (["--lrs", "-1"], "grid.lrs"),
        (["--batch-sizes", "0"], "grid.batch_sizes"),
        (["--device", "tpu"], "runtime.device"),
        (["--k", "0"], "greater than or equal to 1"),
        (["--model", "{folder}"], "is no folder of transformers"),
        (["--data", "{folder}"], "has no train file"),
        (["--data", "{folder}/lm/model.safetensors"], "is no text file"),
        (["--templates", "{folder}/all.tsv"], "no templates"),
        (["--test", "{folder}/none.csv"], "does not exist"),
    ],
)
def test_wrong_input_is_one_line(lm: Path, tmp_path: Path, more: list[str], message: str) -> None:
    (tmp_path / "all.tsv").write_text("sentence\tlabel\n" + "good\t1\nbad\t0\n" * 3)
    (tmp_path / "lm").symlink_to(lm)
    words = ["eval", "--benchmark", "few-shot-sst-2", "--data", tmp_path / "all.tsv", "--model", lm, "--k", 1]
    done = run_avtool(*words, *(word.format(folder=tmp_path) for word in more), "--runs", tmp_path / "runs")
    assert (done.code, message in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr


def test_without_model_or_data_it_is_refused(
    lm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVTOOL_DATA", str(tmp_path))
    benchmark = BENCHMARKS.find("few-shot-rte")
    with pytest.raises(BadInputError, match="no masked LM given"):
        benchmark.run(benchmark.settings(), Recorder())
    with pytest.raises(BadInputError, match="the data of RTE are not in"):
        benchmark.run(benchmark.settings(model=lm), Recorder())
