"""Dense captioning on ActivityNet Captions: the values of the published evaluators, to their digits."""

import shutil

import numpy as np
import pytest

from avtool.core.reporter import Silent
from avtool.evaluation.dense_captions.protocol import DenseCaptionProtocol
from avtool.evaluation.dense_captions.segments import read_references, read_submission
from avtool.evaluation.metrics.caption_tokens import open_tokeniser
from avtool.evaluation.metrics.meteor import open_meteor

pytest.importorskip("pycocoevalcap")

FIRST = {
    "meteor_2021": (10.704960, 10.737669, 10.756736, 10.770175),
    "meteor_2018": (10.704960, 10.737669, 10.756736, 10.770175),
}
FIRST_MEANS = {
    "bleu_3": 4.681670,
    "bleu_4": 2.068250,
    "rouge_l": 22.525560,
    "cider": 42.744400,
    "soda_c": 11.1166,
}
SECOND = {
    "meteor_2021": (9.692975, 7.630816, 4.374722, 1.493873),
    "meteor_2018": (9.067992, 6.577309, 3.495325, 1.133315),
    "precision": (77.810699, 51.452200, 24.581396, 7.385533),
    "recall": (78.436868, 51.073249, 24.303327, 7.437725),
}
SECOND_MEANS = {"soda_c": 4.5222, "soda_c_precision": 4.7617, "soda_c_recall": 4.6017}
VIDEO = "v_uqiMw7tQ1Cc"


@pytest.fixture(scope="module")
def data(test_data):
    folder = test_data / "eval" / "dense_caption"
    references = [read_references(folder / f"anet_val_{number}.json") for number in (1, 2)]
    names = ("bmt_submission_val_1", "densevid_sample_submission")
    return references, [read_submission(folder / f"{name}.json") for name in names]


def _protocol(backend):
    if backend == "java" and not shutil.which("java"):
        pytest.skip("needs Java")
    return DenseCaptionProtocol(open_meteor(backend, Silent()), open_tokeniser(backend))


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "tolerance"), [("python", 1e-4), ("java", 6e-7)])
def test_rows_of_a_published_submission(data, backend, tolerance):
    (first, second), (submission, _) = data
    for reference, rows, means in ((first, FIRST, FIRST_MEANS), (second, SECOND, SECOND_MEANS)):
        scores = _protocol(backend).score(submission, [reference], Silent())
        found = scores.by_threshold(present=True)
        for name, values in rows.items():
            assert 100 * found[name] == pytest.approx(values, abs=tolerance), name
        for name, value in means.items():
            digits = 6e-5 if name.startswith("soda") else tolerance
            limit = digits if backend == "java" else max(digits, 1e-3)  # tokens of 25 captions differ
            assert 100 * scores.means(present=True)[name] == pytest.approx(value, abs=limit), name


@pytest.mark.slow
def test_submission_of_one_video(data):
    references, (_, sample) = data
    protocol = _protocol("python")
    cut = protocol.score(sample, [{VIDEO: one[VIDEO]} for one in references], Silent()).by_threshold()
    for name, values in {
        "meteor_2018": (1.910339, 0, 0, 0),
        "bleu_1": (1.895422, 0, 0, 0),
        "rouge_l": (3.360882, 0, 0, 0),
        "precision": (100, 50, 0, 0),
        "recall": (66.6667, 33.3333, 0, 0),
    }.items():
        assert 100 * np.asarray(cut[name]) == pytest.approx(values, abs=5e-5), name
    whole = protocol.score(sample, references, Silent()).by_threshold()
    assert 100 * whole["meteor_2018"][0] == pytest.approx(0.000389, abs=5e-7)
    assert 100 * whole["recall"][0] == pytest.approx(0.013558, abs=5e-7)
