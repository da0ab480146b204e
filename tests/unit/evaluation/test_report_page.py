"""The page of a benchmark: figures of whatever its metrics hold, and mistakes to listen to."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from avtool.core.reporter import Recorder, Silent
from avtool.evaluation.mistakes import worst_mistakes
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.protocols.predictions import Scoring, evaluate_predictions
from avtool.evaluation.published import BenchmarkFacts
from avtool.evaluation.report import BenchmarkReport, Table
from avtool.evaluation.report_page import write_report_page
from tests.unit.evaluation.prediction_samples import make_predictions

SINGLE = make_predictions([[3, 1, 0], [0, 1, 5]], [("a",), ("b",)])


def score(predictions: Predictions, scoring: Scoring = "auto") -> BenchmarkReport:
    return evaluate_predictions(predictions, BenchmarkFacts("bench"), scoring, Silent())


def page_of(report: BenchmarkReport, folder: Path, reporter: Recorder | None = None) -> str:
    write_report_page(folder / "report.html", "bench", report, {"seed": 0}, reporter or Recorder())
    return (folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("report", "figures"),
    [
        (score(SINGLE), 2),
        (score(SINGLE, "multi-label"), 1),
        (
            score(make_predictions([[3, 1, 0], [0, 1, 5]], [("a", "c"), ("b", "c")], sizes=(2, 1))),
            4,
        ),
        (BenchmarkReport("nothing to draw", {"clips": 3}, ()), 0),
    ],
    ids=["single-label", "multi-label", "verbs and nouns", "neither"],
)
def test_metrics_are_drawn(report: BenchmarkReport, figures: int, tmp_path: Path) -> None:
    page = page_of(report, tmp_path)
    assert page.count("<svg") == figures
    assert report.headline in page


def test_figures_take_the_colours_of_the_page(tmp_path: Path) -> None:
    page = page_of(score(SINGLE), tmp_path)
    drawn = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert "var(--ink)" in drawn
    assert "var(--accent)" in drawn
    assert "#3b4252" not in drawn


def test_a_mistake_can_be_heard_where_its_sound_is_at_hand(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "c1.wav", np.sin(np.arange(22050) / 10), 22050)
    mistakes = worst_mistakes(SINGLE, media={"c1": tmp_path / "c1.wav"})
    page = page_of(BenchmarkReport("x", {}, (), mistakes=mistakes), tmp_path)
    assert page.count('<audio controls preload="none" src="data:audio/mpeg;base64,') == 1
    assert "<table>" not in page.split("<h2>Settings</h2>")[0]


def test_mistakes_without_sound_stay_a_table(tmp_path: Path) -> None:
    (mistake,) = worst_mistakes(SINGLE)
    gone = replace(mistake, media=tmp_path / "gone.wav")
    reporter = Recorder()
    page = page_of(BenchmarkReport("x", {}, (), mistakes=[gone]), tmp_path, reporter)
    assert "<audio" not in page
    assert "prediction" in page
    assert reporter.warnings == [f"no player for c1: `{tmp_path}/gone.wav` does not exist"]


def test_numbers_of_a_column_are_aligned(tmp_path: Path) -> None:
    table = Table("t", ["model", "accuracy", "clips"], [["a", 59.5, 3], ["b", 74.75, 12], ["c", "", ""]])
    page = page_of(BenchmarkReport("x", {}, [table]), tmp_path)
    assert re.findall(r'class="n">([\d.]+)<', page) == ["59.50", "3", "74.75", "12"]
