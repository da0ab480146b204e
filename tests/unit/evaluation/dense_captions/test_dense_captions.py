"""Dense captioning: matching by tIoU, the protocol of 2018 and 2021, SODA_c, and proposals."""

import itertools
import json

import numpy as np
import pytest

from avtool.core.errors import BadInputError
from avtool.core.reporter import Silent
from avtool.evaluation.dense_captions.overlap import detection, tiou
from avtool.evaluation.dense_captions.proposals import proposal_curve
from avtool.evaluation.dense_captions.protocol import DenseCaptionProtocol
from avtool.evaluation.dense_captions.segments import CaptionedSegment, read_references, read_submission
from avtool.evaluation.dense_captions.soda import ordered_matching, overlapping_pairs, soda
from avtool.evaluation.metrics.caption_tokens import open_tokeniser
from avtool.evaluation.metrics.meteor import open_meteor
from tests.meteor_data import small_phrase_table


def segments(*rows):
    return tuple(CaptionedSegment(*row) for row in rows)


TRUTH = {
    "one": segments((0, 10, "A man is playing a guitar."), (10, 30, "The crowd claps loudly.")),
    "two": segments((5, 9, "A dog barks."), (20, 26, "Two men shut the door, and leave.")),
}


@pytest.fixture
def protocol(cache, tmp_path):
    small_phrase_table(tmp_path)
    return DenseCaptionProtocol(open_meteor("python", Silent()), open_tokeniser("python"))


def test_tiou():
    one, other = segments((0, 10, "")), segments((5, 15, ""), (10, 20, ""), (0, 10, ""), (12, 11, ""))
    assert tiou(one, other)[0] == pytest.approx([1 / 3, 0, 1, 0], abs=1e-8)
    assert tiou((), other).shape == (0, 4)


def test_detection_is_strict_and_takes_the_best_annotator():
    given = {"a": segments((0, 5, ""), (50, 60, ""))}
    first, second = (
        {"a": segments((0, 10, ""))},
        {"a": segments((0, 5, ""), (50, 60, "")), "b": segments((0, 1, ""))},
    )
    precision, recall = detection(given, [first, second], ["a", "b"], [0.3, 0.5])
    assert precision.tolist() == [[1, 1], [0, 0]]
    assert recall.tolist() == [[1, 1], [0, 0]]
    precision, recall = detection(given, [first], ["a"], [0.3, 0.5])
    assert precision[0, 0] == 0.5
    assert recall.tolist() == [[1, 0]]  # tIoU is 0.5: not above it


def _brute_force(weights):
    rows, columns = weights.shape
    best = 0.0
    for size in range(1, min(rows, columns) + 1):
        for chosen in itertools.combinations(range(rows), size):
            for matched in itertools.combinations(range(columns), size):
                best = max(best, weights[list(chosen), list(matched)].sum())
    return best


@pytest.mark.parametrize("seed", range(8))
def test_ordered_matching_is_the_best_of_all(seed):
    generator = np.random.default_rng(seed)
    for rows, columns in itertools.product(range(1, 7), repeat=2):
        weights = generator.random((rows, columns)) * (generator.random((rows, columns)) < 0.6)
        assert ordered_matching(weights) == pytest.approx(_brute_force(weights))


def test_soda_of_absent_and_empty_videos():
    given = {"one": TRUTH["one"], "two": ()}
    pairs = overlapping_pairs(given, TRUTH)
    scores = soda(given, TRUTH, dict.fromkeys(pairs, 0.5))
    assert scores["one"].f1 == pytest.approx(0.5)
    assert scores["two"].f1 == 0


def test_perfect_submission(protocol):
    scores = protocol.score(TRUTH, [TRUTH], Silent())
    means = scores.means()
    for name in (
        "precision",
        "recall",
        "meteor_2018",
        "meteor_2021",
        "bleu_1",
        "bleu_2",
        "rouge_l",
        "soda_c",
    ):
        assert means[name] == pytest.approx(1, abs=1e-6), name
    assert scores.missing == ()


def test_unmatched_predictions_cost_less_in_2021(protocol):
    given = {"one": (*TRUTH["one"], CaptionedSegment(80, 90, "A man sings."))}
    scores = protocol.score(given, [TRUTH], Silent()).means(present=True)
    assert scores["meteor_2018"] < scores["meteor_2021"] < 1
    assert scores["precision"] == pytest.approx(2 / 3)
    assert scores["soda_c_precision"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "given",
    [
        {"one": ()},
        {"one": TRUTH["one"][:1]},
        {"one": segments((0, 10, "")), "two": segments((0, 10, "..."), (5, 9, "A dog barks."))},
        {"one": segments((0, 10, "naïve café 😀 日本\u2028x\n\r ||| a")), "gone": segments((0, 1, "x"))},
        {"one": segments((10, 0, "backwards"), (0, 0, "nothing"), (-5, 1e9, "long"))},
        {"two": segments((5, 9, "a dog barks", 0.9), (5, 9, "a dog barks", 0.1), (5, 9, "a dog barks"))},
    ],
)
def test_odd_submissions(protocol, given):
    scores = protocol.score(given, [TRUTH, {"two": TRUTH["two"], "three": segments((0, 4, "Hm!"))}], Silent())
    assert scores.videos == ("one", "two", "three")
    for name, values in scores.by_video.items():
        assert np.isfinite(values).all(), name
        assert (values >= 0).all(), name
    assert scores.unscored == sum(video == "gone" for video in given)


def test_missing_videos_count_zero(protocol):
    scores = protocol.score({"one": TRUTH["one"]}, [TRUTH], Silent())
    assert scores.missing == ("two",)
    for name in ("meteor_2021", "soda_c", "recall"):
        assert scores.means()[name] == pytest.approx(scores.means(present=True)[name] / 2)


def test_only_the_first_thousand_predictions_count(protocol):
    rows = (*[CaptionedSegment(80, 90, "x")] * 1000, *TRUTH["one"])
    scores = protocol.score({"one": rows}, [TRUTH], Silent())
    assert scores.num_predictions == 1000
    assert scores.means()["precision"] == 0


def test_proposals():
    truth = {"a": segments((0, 10, ""), (20, 30, "")), "b": segments((0, 10, ""))}
    assert proposal_curve({}, truth).area == 0
    perfect = proposal_curve(truth, truth)
    assert perfect.recalls[-1] == 1
    assert 0.7 < perfect.area < 1
    late = {
        "a": segments((50, 51, "", 0.9), (0, 10, "", 0.2)),
        "b": segments((0, 10, "", 0.1), (60, 61, "", 0.8)),
    }
    early = {
        "a": segments((50, 51, "", 0.1), (0, 10, "", 0.9)),
        "b": segments((0, 10, "", 0.9), (60, 61, "", 0.1)),
    }
    assert proposal_curve(early, truth).area > proposal_curve(late, truth).area


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "lacks `results`"),
        ({"result": {}}, "lacks `results`"),
        ({"results": {"a": {}}}, "no list of segments"),
        ({"results": {"a": ["x"]}}, "is no segment"),
        ({"results": {"a": [{"sentence": 5, "timestamp": [0, 1]}]}}, "has no sentence"),
        ({"results": {"a": [{"sentence": "x", "timestamp": [0]}]}}, "no start and end"),
        ({"results": {"a": [{"sentence": "x", "timestamp": [0, "1"]}]}}, "no start and end"),
        ({"results": {"a": [{"sentence": "x", "timestamp": [0, float("nan")]}]}}, "no start and end"),
        ({"results": {"a": [{"sentence": "x", "timestamp": [True, 1]}]}}, "no start and end"),
    ],
)
def test_damaged_submissions(tmp_path, values, message):
    path = tmp_path / "s.json"
    path.write_text(json.dumps(values))
    with pytest.raises(BadInputError, match=message):
        read_submission(path)


def test_submissions_of_the_challenge(tmp_path):
    path = tmp_path / "s.json"
    rows = [
        {"sentence": "x", "timestamp": [0, 1.5], "proposal_score": 2},
        {"sentence": "y", "timestamp": [1, 2]},
    ]
    values = {"version": "VERSION 1.0", "results": {"a": rows, "b": []}, "external_data": {}}
    path.write_text(json.dumps(values), encoding="utf-8-sig")  # with a byte order mark
    assert read_submission(path) == {"a": segments((0, 1.5, "x", 2), (1, 2, "y")), "b": ()}


def test_references_of_both_layouts(tmp_path):
    path = tmp_path / "r.json"
    path.write_text(json.dumps({"a": {"duration": 9, "timestamps": [[0, 1]], "sentences": [" x"]}}))
    assert read_references(path) == {"a": segments((0, 1, " x"))}
    facts = {"subset": "validation", "annotations": [{"segment": [0, 1], "id": 0, "sentence": "x"}]}
    path.write_text(json.dumps({"database": {"a": facts, "b": {**facts, "subset": "training"}}}))
    assert list(read_references(path, "validation")) == ["a"]
    assert list(read_references(path)) == ["a", "b"]


@pytest.mark.parametrize(
    "values", [{}, {"results": {}}, {"a": 3}, {"a": {"timestamps": [[0, 1]], "sentences": []}}]
)
def test_damaged_references(tmp_path, values):
    path = tmp_path / "r.json"
    path.write_text(json.dumps(values))
    with pytest.raises(BadInputError):
        read_references(path)
