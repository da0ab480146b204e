"""Predictions: what fits together, and the round trip through files."""

from pathlib import Path

import numpy as np
import pytest

from avtool.core.artifact import Artifact
from avtool.core.artifact_folder import open_partial, publish
from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.predictions_file import read_predictions, write_predictions
from tests.unit.evaluation.prediction_samples import make_predictions

SCORES = [[1.0, 0.5, -2.0], [0.0, 3.0, 0.25]]


def write(out: Path, predictions: Predictions) -> Path:
    write_predictions(open_partial(out, {}, kind="predictions"), predictions)
    publish(out, Artifact("predictions", "test", {}))
    return out


def test_what_is_written_is_read(tmp_path: Path) -> None:
    before = make_predictions(SCORES, [("a",), ("b", "c")], groups=("film", ""), folds=(1, None))
    after = read_predictions(write(tmp_path / "p", before))
    np.testing.assert_array_equal(after.scores, before.scores)
    assert after.scores.dtype == np.float32
    for name in ("clip_ids", "classes", "labels", "groups", "folds", "sizes"):
        assert getattr(after, name) == getattr(before, name)


def test_equal_predictions_give_equal_bytes(tmp_path: Path) -> None:
    predictions = make_predictions(SCORES, [("a",), ("b",)])
    files = [write(tmp_path / name, predictions) / "predictions.parquet" for name in ("one", "two")]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"scores": [[1, 2], [3, 4]]}, "3 classes, but scores of"),
        ({"scores": [[1, 2, 3], [1, np.nan, 3]]}, "scores of `c1` are not finite"),
        ({"sizes": (1, 1)}, "parts of"),
        ({"groups": ("film",)}, "another number of rows"),
        ({"classes": "aba"}, "a class is there twice"),
        ({"scores": np.zeros((0, 3)), "labels": []}, "there is no clip"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], problem: str) -> None:
    with pytest.raises(BadInputError, match=problem):
        make_predictions(**({"scores": SCORES, "labels": [("a",), ("b",)]} | change))  # type: ignore[arg-type]


def test_a_verb_may_be_called_as_a_noun_is() -> None:
    predictions = make_predictions(SCORES, [("a", "a"), ("a", "b")], classes="aab", sizes=(1, 2))
    assert predictions.label_indices().tolist() == [[0, 0], [0, 1]]
    assert [part.shape for part in predictions.part_scores()] == [(2, 1), (2, 2)]


def test_labels_without_a_class_are_named() -> None:
    predictions = make_predictions(SCORES, [("z",), ()])
    with pytest.raises(BadInputError, match=r"2 of 2 clips have not one label .*`c0` \(z\), `c1` \(none\)"):
        predictions.label_indices()
    with pytest.raises(BadInputError, match="none of the clips' labels"):
        predictions.multi_hot()


def test_several_labels_become_a_row_of_several() -> None:
    truth = make_predictions(SCORES, [("a", "c"), ("z",)]).multi_hot()
    assert truth.tolist() == [[True, False, True], [False, False, False]]


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "p", make_predictions(SCORES, [("a",), ("b",)]))
    (folder / "predictions.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(CorruptArtifactError, match=r"cannot read .*predictions\.parquet"):
        read_predictions(folder)
    (folder / "classes.json").write_text('{"classes": 3}')
    with pytest.raises((CorruptArtifactError, BadInputError)):
        read_predictions(folder)
