import json

import numpy as np
import pytest

from avtool.benchmarks.caption_sync import benchmark
from avtool.benchmarks.caption_sync.distortions import DISTORTIONS
from avtool.benchmarks.caption_sync.evaluate import evaluate_sync
from avtool.benchmarks.caption_sync.measures import Trial, accuracy_rows
from avtool.core.recipe import load
from avtool.core.reporter import Recorder


def trial(errors, **changes):
    values = {
        "system": "ours",
        "distortion": "none",
        "detector": "neural",
        "errors_s": np.array(errors),
        "ratio_error": 0.0,
        "false_splits": 0,
        "accepted": True,
        "seconds": 1.0,
    }
    return Trial(**(values | changes))


def test_rows_pool_the_cues_of_all_films_of_a_kind():
    trials = [
        trial([0.0, 0.1, -0.3, -0.6], ratio_error=2e-6, seconds=1.0),
        trial([0.0] * 6, detector="classical", ratio_error=4e-6, seconds=3.0, accepted=False, false_splits=2),
    ]
    both, classical, neural = accuracy_rows(trials, film_hours=0.5)
    assert (both.detector, classical.detector, neural.detector) == ("both", "classical", "neural")
    assert (both.within_100ms, both.within_200ms, both.within_500ms) == (0.8, 0.8, 0.9)
    assert (neural.within_100ms, neural.p50_s, neural.bias_s) == (0.5, 0.2, -0.15)
    assert (both.ratio_error_ppm, both.false_splits, both.false_rejects) == (3.0, 2, 1)
    assert both.seconds_per_film_hour == 4.0


@pytest.fixture(scope="module")
def result():
    return evaluate_sync(1, 30, seed=5, peers=False, wrong_films=2, reporter=Recorder(), jobs=1)


def test_every_distortion_is_undone(result):
    rows = [row for row in result.accuracy if row.detector == "both"]
    assert [row.distortion for row in rows] == [distortion.name for distortion in DISTORTIONS]
    assert min(row.within_200ms for row in rows) > 0.98
    assert sum(row.false_rejects for row in rows) == 0


def test_captions_in_step_have_no_error_at_all(result):
    assert [row.p99_s for row in result.accuracy if row.distortion == "none"] == [0, 0]


def test_wrong_films_are_counted(result):
    (gate,) = result.gates
    assert (gate.wrong_pairs, gate.right_pairs) == (2, len(DISTORTIONS))
    assert gate.false_accepts == 0


def test_result_is_plain_json(result):
    assert json.loads(json.dumps(result.to_dict()))["seed"] == 5


def test_report_shows_a_row_for_each_distortion():
    settings = load(
        benchmark.CaptionSyncSettings,
        settings=["films=1", "minutes=10", "wrong_films=1", "peers=false", "jobs=1"],
    )
    report = benchmark.run(settings, Recorder())
    accuracy, gates = report.tables
    assert len(accuracy.rows) == len(DISTORTIONS)
    assert len(gates.rows) == 1
    assert "within 0.2 s" in report.headline


@pytest.mark.slow
def test_peer_runs_on_the_same_captions():
    pytest.importorskip("ffsubsync", reason="the peer of the benchmark")
    result = evaluate_sync(1, 20, seed=6, peers=True, wrong_films=1, reporter=Recorder(), jobs=2)
    rows = {(row.system, row.distortion): row for row in result.accuracy if row.detector == "both"}
    assert rows["ffsubsync", "-27 s"].within_200ms > 0.95
    assert rows["ffsubsync --split-penalty", "one jump (30 s)"].within_200ms > 0.9
    assert rows["ffsubsync", "one jump (30 s)"].within_200ms < 0.7
    assert {gate.system for gate in result.gates} == {"avtool", "ffsubsync --skip-sync-on-low-quality"}
