"""`avtool zoo bench` and `pareto` on the command line."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch

from avtool.jobs.zoo.bench import _time_row
from avtool.jobs.zoo.recipes import BenchRecipe
from avtool.jobs.zoo.time_row import times_of
from avtool.jobs.zoo.timing import Timing
from avtool.models.zoo.catalogue import find_row
from avtool.models.zoo.latency import is_out_of_memory, measure
from avtool.models.zoo.row import Row
from tests.harness import call, in_child, run_avtool

QUICK = ("--image-size", 64, "--runs", 3, "--warmup", 1, "--device", "cpu")
HEADER = "name,precision,batch,images_per_s,score,latency_ms_p50,device,machine"


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def test_timings(tmp_path: Path) -> None:
    out = tmp_path / "bench.csv"
    done = run_avtool(
        "zoo",
        "bench",
        "mobilevit-xxs",
        "deit-ti",
        *QUICK,
        "--batch",
        "1,2",
        "--precision",
        "fp32,bf16",
        "--out",
        out,
    )
    assert done.code == 0, done.stderr
    rows = rows_of(out)
    assert [(row["key"], row["precision"], row["batch"]) for row in rows] == [
        (key, precision, batch)
        for key in ("mobilevit-xxs", "deit-ti")
        for precision in ("fp32", "bf16")
        for batch in ("1", "2")
    ]
    for row in rows:
        assert 0 < float(row["latency_ms_p50"]) <= float(row["latency_ms_p90"])
        per_s = 1000 * int(row["batch"]) / float(row["latency_ms_p50"])
        assert float(row["images_per_s"]) == pytest.approx(per_s, rel=1e-2)
        assert float(row["peak_mib"]) > 50
        assert row["height"] == row["width"] == "64"
        assert row["score"] == {"mobilevit-xxs": "69.0", "deit-ti": "72.2"}[row["key"]]


def _bench_until_the_second_row(out: Path) -> None:
    """Kills its own process when it begins with `deit-ti`."""

    def dies(row: Row, recipe: BenchRecipe, device: torch.device) -> Iterator[Timing]:
        if row.key == "deit-ti":
            os.kill(os.getpid(), signal.SIGKILL)
        return times_of(row, recipe, device)

    pytest.MonkeyPatch().setattr("avtool.jobs.zoo.bench.times_of", dies)
    call("zoo", "bench", "mobilevit-xxs", "deit-ti", *QUICK, "--out", out)


def test_a_killed_bench_keeps_the_rows_that_are_timed(tmp_path: Path) -> None:
    out = tmp_path / "bench.csv"
    words = ("zoo", "bench", "mobilevit-xxs", "deit-ti", *QUICK, "--out", out)
    assert in_child(partial(_bench_until_the_second_row, out)) == -signal.SIGKILL
    assert not out.exists()
    parts = tmp_path / "bench.csv.parts"
    (kept,) = parts.glob("*.row.json")
    first = json.loads(kept.read_text())
    changed = run_avtool(*words, "--batch", 2)
    assert changed.code == 2
    assert "was made with other settings (batches: [1, 32] then, [2] now)" in " ".join(changed.stderr.split())
    done = run_avtool(*words)
    assert done.code == 0, done.stderr
    rows = rows_of(out)
    assert [row["key"] for row in rows] == ["mobilevit-xxs"] * 2 + ["deit-ti"] * 2
    assert [float(row["latency_ms_p50"]) for row in rows[:2]] == [round(one["p50_ms"], 3) for one in first]
    assert not parts.exists()


@pytest.mark.parametrize("content", ["", "{", "null", "[1]", '[{"batch": 1}]', "[]"])
def test_the_row_of_a_damaged_part_is_timed_again(content: str, tmp_path: Path) -> None:
    """As a power failure leaves it."""
    row, recipe = find_row("mobilevit-xxs"), BenchRecipe(image_size="64", batches=(1,), warmup=1, runs=1)
    (found,) = _time_row(row, recipe, torch.device("cpu"), tmp_path)
    (part,) = tmp_path.glob("*.row.json")
    part.write_text(content)
    (again,) = _time_row(row, recipe, torch.device("cpu"), tmp_path)
    assert again.p50_ms != found.p50_ms
    assert _time_row(row, recipe, torch.device("cpu"), tmp_path) == [again]


def test_overwrite_times_everything_again(tmp_path: Path) -> None:
    out = tmp_path / "bench.csv"
    assert in_child(partial(_bench_until_the_second_row, out)) == -signal.SIGKILL
    (kept,) = (tmp_path / "bench.csv.parts").glob("*.row.json")
    first = json.loads(kept.read_text())
    done = run_avtool("zoo", "bench", "mobilevit-xxs", *QUICK, "--batch", 1, "--out", out, "--overwrite")
    assert done.code == 0, done.stderr
    (row,) = rows_of(out)
    assert float(row["latency_ms_p50"]) != round(first[0]["p50_ms"], 3)
    assert not (tmp_path / "bench.csv.parts").exists()


def test_a_bench_that_measures_nothing_leaves_nothing(tmp_path: Path) -> None:
    done = run_avtool(
        "zoo", "bench", "deit-ti", "--image-size", 100, "--device", "cpu", "--out", tmp_path / "b"
    )
    assert done.code == 2
    assert not list(tmp_path.iterdir())


def test_detectors_and_tokens_are_timed() -> None:
    done = run_avtool("zoo", "bench", "yolos-ti", *QUICK, "--batch", 1, "--json")
    assert done.code == 0, done.stderr
    (timing,) = done.json["timings"]
    assert timing["images_per_s"] > 0
    assert timing["note"] is None


def test_latency_counts_what_is_timed() -> None:
    calls = []
    found = measure(
        lambda: calls.append(torch.is_inference_mode_enabled()), torch.device("cpu"), warmup=3, runs=5
    )
    assert calls == [True] * 8
    assert 0 <= found.median_ms <= found.p90_ms


def test_peak_memory_is_that_of_the_pass() -> None:
    """In a process of its own: others keep freed memory for themselves."""
    code = """
import torch
from avtool.models.zoo.catalogue import find_row
from avtool.models.zoo.latency import measure
for mib in (1, 400, 1):
    found = measure(lambda: torch.ones(mib * 2**18).sum(), torch.device("cpu"), warmup=0, runs=1)
    print(found.peak_mib)
"""
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    small, large, again = map(float, printed.split())
    assert 350 < large - small < 450
    assert again < large - 350


@pytest.mark.slow
def test_out_of_memory_reports_the_largest_batch_that_fitted(tmp_path: Path) -> None:
    """In a process of its own, whose address space is limited once everything is imported."""
    code = f"""
import resource, sys, timm, torch
from pathlib import Path
from avtool.cli.main import run
from avtool.jobs.zoo import bench
timm.create_model("mobilevit_xxs")(torch.zeros(2, 3, 64, 64))
size = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmSize"))
limit = int(size.split()[1]) * 1024 + 500 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
sys.exit(run(["zoo", "bench", "mobilevit-xxs", "deit-ti", "--image-size", "64", "--runs", "1",
    "--warmup", "0", "--device", "cpu", "--batch", "4096", "--threads", "1",
    "--out", {str(tmp_path / "b.csv")!r}]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, second = rows_of(tmp_path / "b.csv")
    assert (first["key"], second["key"]) == ("mobilevit-xxs", "deit-ti")
    assert int(first["batch"]) < 4096
    assert first["note"] == f"out of memory at 4096 images; {first['batch']} fitted"
    assert first["note"] in done.stderr


def test_what_is_out_of_memory() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["deit-ti", "--batch", "0"], 2, "`--batch`: input should be greater than or equal to 1, got 0"),
        (["deit-ti", "--batch", "1,1"], 2, "`--batch`: 1 comes twice"),
        (["deit-ti", "--batch", "1.5"], 2, "`--batch`: input should be a valid integer"),
        (["deit-ti", "--image-size", "64x"], 2, "`--image-size`: 64x is no SIDE or HEIGHTxWIDTH"),
        (["deit-ti", "--precision", "fp8"], 2, "got 'fp8'"),
        (["deit-ti", "--precision", "fp16", "--device", "cpu"], 2, "fp16 needs a CUDA device"),
        (["deit-ti", "--runs", "0"], 2, "greater than or equal to 1"),
        (["deit-ti", "--device", "tpu"], 2, "`--device`: string should match"),
        (["deit-ti", "--image-size", "100", "--device", "cpu"], 2, "multiples of 16: 96 or 112"),
        (["focal-t"], 2, "has no builder"),
        ([], 2, "name some rows"),
    ],
)
def test_what_cannot_be_timed(words: list[str], code: int, text: str) -> None:
    done = run_avtool("zoo", "bench", *words)
    assert done.code == code
    assert text in done.stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there() -> None:
    done = run_avtool("zoo", "bench", "deit-ti", "--device", "cuda")
    assert done.code == 3
    assert "no CUDA device found" in done.stderr


def test_the_page(tmp_path: Path) -> None:
    table, out = tmp_path / "b.csv", tmp_path / "p.html"
    lines = [
        "A,fp32,1,10,70,5,cpu,m",
        "B<b>,fp32,1,20,80,4,cpu,m",
        "C,fp32,1,30,60,3,cpu,m",
        "D,fp32,1,9,,1,cpu,m",
    ]
    table.write_text("\n".join([HEADER, *lines]) + "\n")
    done = run_avtool("zoo", "pareto", table, "--out", out, "--json")
    assert done.code == 0, done.stderr
    assert [best[0].partition(",")[0] for best in done.json["best"]] == ["B<b>", "C"]
    assert done.json["points"] == 3
    page = out.read_text()
    assert page.count("<title>") == 4  # of the page, and of each point
    assert "<title>B&lt;b&gt;, fp32, batch 1: images_per_s 20, score 80</title>" in page
    assert "<b></b>" not in page
    assert "1 more without both numbers" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    again = ("zoo", "pareto", table, "--x", "latency_ms_p50", "--out", out, "--json")
    assert run_avtool(*again).code == 2
    assert out.read_text() == page
    less = run_avtool(*again, "--overwrite")
    assert [best[0].partition(",")[0] for best in less.json["best"]] == ["B<b>", "C"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("b.csv", "is an input, and would be replaced"), ("mine.html", "is no page of avtool")],
)
def test_a_page_replaces_neither_its_table_nor_what_is_no_page(
    name: str, message: str, tmp_path: Path
) -> None:
    table, out = tmp_path / "b.csv", tmp_path / name
    table.write_text(f"{HEADER}\nA,fp32,1,10,70,5,cpu,m\n")
    (tmp_path / "mine.html").write_text("<!doctype html>\nof somebody")
    before = out.read_text()
    done = run_avtool("zoo", "pareto", table, "--out", out, "--overwrite")
    assert done.code == 2
    assert message in " ".join(done.stderr.split())
    assert out.read_text() == before


def test_a_logarithmic_axis_has_plain_numbers(tmp_path: Path) -> None:
    table, out = tmp_path / "b.csv", tmp_path / "p.html"
    table.write_text(f"{HEADER}\nA,fp32,1,5,70,5,cpu,m\nB,fp32,1,2000,60,4,cpu,m\n")
    assert run_avtool("zoo", "pareto", table, "--out", out).code == 0
    page = out.read_text()
    assert "mathdefault" not in page
    for number in ("10", "100", "1000"):
        assert f">{number}</text>" in page


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        (f"{HEADER}\nA,fp32,1,ten,70,5,cpu,m\n", [], "line 2, column `images_per_s`: `ten` is no number"),
        (f"{HEADER}\nA,fp32,1,10,,5,cpu,m\n", [], "no timing of"),
        (
            f"{HEADER}\nA,fp32,1,10,70,5,cpu,m\n",
            ["--x", "image_per_s"],
            "`image_per_s` is no column of numbers",
        ),
        ("film,time\na,1\n", [], "has no column `name`"),
    ],
)
def test_tables_that_are_none(text: str, more: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text(text)
    done = run_avtool("zoo", "pareto", tmp_path / "b.csv", *more, "--out", tmp_path / "p.html")
    assert done.code == 2
    assert message in done.stderr
    assert not (tmp_path / "p.html").exists()
    absent = run_avtool("zoo", "pareto", tmp_path / "absent.csv", "--out", tmp_path / "p.html")
    assert absent.code == 2
    assert "cannot be read" in absent.stderr
