"""The curve of a run: appended to, cut back, and readable after a kill."""

import json
import math
from pathlib import Path

import pytest

from avtool.training.metrics_log import METRICS, MetricsLog, read_metrics


def write(folder: Path, first: int, last: int) -> None:
    log = MetricsLog(folder, first, tensorboard=False)
    for step in range(first + 1, last + 1):
        log.write(step, step / 10, "train", {"loss": 1 / step})
    log.close()


def test_a_line_holds_step_epoch_split_and_values(tmp_path: Path) -> None:
    write(tmp_path, 0, 1)
    assert (tmp_path / METRICS).read_text() == '{"step": 1, "epoch": 0.1, "split": "train", "loss": 1.0}\n'


def test_a_resumed_log_is_the_undisturbed_one(tmp_path: Path) -> None:
    write(tmp_path / "whole", 0, 20)
    write(tmp_path / "cut", 0, 13)
    write(tmp_path / "cut", 8, 20)
    assert (tmp_path / "cut" / METRICS).read_bytes() == (tmp_path / "whole" / METRICS).read_bytes()


def test_a_new_run_begins_with_an_empty_log(tmp_path: Path) -> None:
    write(tmp_path, 0, 5)
    write(tmp_path, 0, 2)
    assert [line["step"] for line in read_metrics(tmp_path / METRICS)] == [1, 2]


@pytest.mark.parametrize("torn", ['{"step": 6, "los', "\x00\x00", '{"epoch": 3}', "[1]"])
def test_what_a_killed_process_left_unfinished_is_dropped(tmp_path: Path, torn: str) -> None:
    write(tmp_path, 0, 5)
    with (tmp_path / METRICS).open("a") as file:
        file.write(torn)
    assert [line["step"] for line in read_metrics(tmp_path / METRICS)] == [1, 2, 3, 4, 5]
    write(tmp_path, 4, 6)
    assert [line["step"] for line in read_metrics(tmp_path / METRICS)] == [1, 2, 3, 4, 5, 6]


def test_what_is_not_finite_is_null(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path, 0, tensorboard=False)
    log.write(1, 1.0, "val", {"auc": math.nan, "norm": math.inf})
    log.close()
    assert json.loads((tmp_path / METRICS).read_text())["auc"] is None


def test_no_log_has_no_lines(tmp_path: Path) -> None:
    assert read_metrics(tmp_path / METRICS) == []
