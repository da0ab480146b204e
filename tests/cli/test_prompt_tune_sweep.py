"""Sweeps of prompt tuning and its benchmarks: one table, resume after a kill, protocols, wrong input."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from avtool.core.artifact import verify
from avtool.tasks.clip_prompts.sweep import SweepRow, sweep_report
from tests.clip_models import write_clip, write_image_split
from tests.harness import differences, environment, run_avtool

DYING = (
    "import sys; from tests.contract.kill_runs import die_in_update; from avtool.cli.main import run; "
    "die_in_update(int(sys.argv[1])); sys.exit(run(sys.argv[2:]))"
)
BENCH = ["--shots", 2, "--seeds", 2, "--epochs", 1, "--device", "cpu", "--no-progress"]
BENCH += ["--training", "prompt-tune/coop-tiny"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweeps")
    write_clip(folder / "clip")
    write_image_split(folder / "data")
    return folder


def words_of(root: Path, out: Path, *more: object) -> list[str]:
    words = [
        "prompt-tune", "sweep", root / "data" / "split.json", "--backbone", root / "clip", "--epochs", 2,
        "--ctx", 4, "--device", "cpu", "--no-progress", "--methods", "zeroshot,coop", "--shot-list", "1,2",
        "--seeds", "1,2", "--set", "loop.workers=0", "--set", "loop.tensorboard=false", *more,
        "--set", "data.augment=none", "--runs", out / "runs", "--out", out / "sweep",
    ]  # fmt: skip
    return [str(word) for word in words]


def rows_of(out: Path) -> list[list[str]]:
    with (out / "sweep" / "runs.csv").open(newline="") as stream:
        return [row[:5] for row in csv.reader(stream)]  # without seconds and folder


def test_a_sweep_is_one_table_and_survives_a_kill(root: Path, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    first = run_avtool(*words_of(root, whole), "--json")
    assert first.code == 0, first.stderr
    assert len(rows_of(whole)) == 1 + 1 + 4 + 4  # zero-shot once, CoOp and the probe at two shots and seeds
    table = first.json["report"]["tables"][0]
    assert table["columns"] == ["method", "1 shot", "2 shots"]
    assert [row[0] for row in table["rows"]] == ["zeroshot", "coop", "linear-probe"]
    page = (whole / "sweep" / "report.html").read_text()
    assert "<svg" in page
    assert re.search(r"<code>prompt.context</code></td><td>4<", page)
    assert "{&#39;" not in page
    assert verify(whole / "sweep") == []
    dying = [sys.executable, "-c", DYING, "5", *words_of(root, broken)]  # in the second of four trainings
    assert subprocess.run(dying, env=environment(), check=False, capture_output=True).returncode == -9
    assert not (broken / "sweep").exists()
    resumed = run_avtool(*words_of(root, broken))
    assert resumed.code == 0, resumed.stderr
    assert rows_of(broken) == rows_of(whole)
    for run in sorted((whole / "runs").iterdir()):
        assert differences(broken / "runs" / run.name / "model", run / "model") in ([], ["README.md"])
    again = run_avtool(*words_of(root, whole), "--json")
    assert "is finished already" in again.stderr
    assert again.json["report"]["tables"] == first.json["report"]["tables"]


@pytest.mark.parametrize(
    ("best", "expected"),
    [
        (("coop", 1), "best: coop at 1 shot, 90.0 %"),
        (("coop", 0), "best: coop at all images, 90.0 %"),
        (("zeroshot", None), "best: zeroshot without training, 90.0 %"),
    ],
)
def test_the_headline_of_a_sweep(best: tuple[str, int | None], expected: str) -> None:
    names = {("coop", 1), ("coop", 4), ("coop", 0), ("zeroshot", None)}
    rows = [SweepRow(*name, 1, 0.9 if name == best else 0.3, 0.3) for name in sorted(names, key=str)]
    assert sweep_report(rows).headline == expected


@pytest.mark.parametrize(
    "more",
    [("--seeds", "1,-2"), ("--seeds", "1,1"), ("--shot-list", "2,2"), ("--backbone", "/no"), ("--ctx", "22"),
     ("--methods", "zeroshot,dpt", "--set", "prompt.aware_from=9"), ("--images", "/nowhere")],
)  # fmt: skip
def test_a_sweep_is_checked_before_any_training(root: Path, tmp_path: Path, more: tuple[str, ...]) -> None:
    done = run_avtool(*words_of(root, tmp_path, *more))
    assert (done.code, "Traceback" in done.stderr) == (2, False), done.stderr
    assert not list(tmp_path.iterdir())


def evaluate(root: Path, tmp_path: Path, name: str, *more: object) -> dict[str, object]:
    done = run_avtool(
        "eval", "--benchmark", name, "--backbone", root / "clip", *BENCH, "--runs", tmp_path / "runs",
        "--out", tmp_path / "report", "--json", *more,
    )  # fmt: skip
    assert done.code == 0, done.stderr
    report: dict[str, object] = done.json["report"]
    return report


@pytest.mark.parametrize(
    ("protocol", "metrics"), [("few-shot", {"accuracy"}), ("base-to-new", {"base", "new", "H"})]
)
def test_a_benchmark_puts_published_numbers_beside_ours(
    root: Path, tmp_path: Path, protocol: str, metrics: set[str]
) -> None:
    data = root / "data" / "split.json"
    report = evaluate(root, tmp_path, "clip-eurosat", "--data", data, "--protocol", protocol)
    names = [row[0] for row in report["tables"][0]["rows"]]
    assert names[0] == "coop"
    assert "DPT, ViT-B/16 (image)" in names
    assert set(report["metrics"]["scores"]["coop"]) == metrics
    assert any("full test split" in note for note in report["notes"])


def write_domain(root: Path, folder: Path, images: str, *, numbered: bool) -> None:
    """The images of the split as CoOp's instructions lay out a variant of ImageNet: a folder a class."""
    names: dict[int, str] = {}
    for path, label, name in json.loads((root / "data" / "split.json").read_text())["test"]:
        names[label] = name
        image = folder / images / (str(label) if numbered else f"n{label:08}") / Path(path).name
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes((root / "data" / path).read_bytes())
    lines = [f"n{label:08} {name}\n" for label, name in sorted(names.items())]
    (folder / "classnames.txt").write_text("".join(lines))


DOMAINS = {
    "imagenet-v2": ("imagenetv2", "imagenetv2-matched-frequency-format-val"),
    "imagenet-sketch": ("imagenet-sketch", "images"),
    "imagenet-a": ("imagenet-adversarial", "imagenet-a"),
    "imagenet-r": ("imagenet-rendition", "imagenet-r"),
}


def test_prompts_of_imagenet_meet_other_datasets_and_domains(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVTOOL_DATA", str(tmp_path / "sets"))
    words = ["--data", root / "data" / "split.json", "--protocol", "domain", "--method", "coop"]
    none = run_avtool("eval", "--benchmark", "clip-imagenet", "--backbone", root / "clip", *BENCH, *words)
    assert (none.code, "none of the 4 target datasets is in" in none.stderr) == (3, True), none.stderr
    for name, (folder, images) in DOMAINS.items():
        write_domain(root, tmp_path / "sets" / folder, images, numbered=name == "imagenet-v2")
    scores = evaluate(root, tmp_path, "clip-imagenet", *words)["metrics"]["scores"]
    assert set(scores["coop"]) == {"imagenet", *DOMAINS}
    for method in ("coop", "zeroshot"):  # the same images under the same names, whatever the layout
        assert len({round(value, 9) for value in scores[method].values()}) == 1, scores[method]
    made = write_image_split(tmp_path / "sets" / "dtd" / "images", ("dot", "line", "net"), train=1)
    made.rename(tmp_path / "sets" / "dtd" / "split_zhou_DescribableTextures.json")
    words[3] = "cross-dataset"
    scores = evaluate(root, tmp_path / "cross", "clip-imagenet", *words)["metrics"]["scores"]
    assert set(scores["coop"]) == {"imagenet", "dtd"}
    assert scores["zeroshot"]["dtd"] * 6 / 100 == pytest.approx(round(scores["zeroshot"]["dtd"] * 6 / 100))


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (["--data", "{root}/none.json"], 2, "none.json"),
        (["--data", "{root}/clip/model.safetensors"], 2, "model.safetensors"),
        (["--data", "{root}/clip"], 2, "clip"),
        (["--data", "{root}/data/split.json", "--backbone", "{root}/data"], 2, "holds no host"),
        (["--data", "{root}/data/split.json", "--training", "mae/tiny"], 2, "recipe"),
        (["--data", "{root}/data/split.json", "--images", "{root}/clip"], 2, "missing or unreadable"),
        (["--data", "{root}/data/split.json", "--shots", "0"], 2, "shots"),
        (["--data", "{root}/data/split.json", "--protocol", "domain"], 2, "domain"),
        (["--data", "{root}/data/split.json", "--device", "tpu"], 2, "tpu"),
    ],
)
def test_a_benchmark_refuses_wrong_input_in_one_line(
    root: Path, tmp_path: Path, more: list[str], code: int, message: str
) -> None:
    words = ["eval", "--benchmark", "clip-eurosat", "--backbone", root / "clip", *BENCH]
    done = run_avtool(
        *words,
        *(word.format(root=root) for word in more),
        "--runs",
        tmp_path / "runs",
        "--out",
        tmp_path / "r",
    )
    assert done.code == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    assert not (tmp_path / "r").exists()
