"""LM-BFF in the engine: overfitting, demonstrations, regression, the classifier, bad input."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from avtool.core.errors import BadInputError
from avtool.core.files import read_json
from avtool.core.recipe import validate
from avtool.core.reporter import Recorder, Silent
from avtool.evaluation.metrics.text import NEVER, class_metrics, precision_threshold, value_metrics
from avtool.evaluation.text_baselines import majority, tf_idf, tf_idf_values
from avtool.inference.prompts import score_prompts, softmax
from avtool.models.load import load_model
from avtool.tasks.lm_bff.recipe import LmBffRecipe
from avtool.tasks.lm_bff.task import LmBffTask
from avtool.training.run import train_task
from tests.harness import CUES, save_masked_lm, write_cues

torch.set_num_threads(1)
LOOP = {
    "max_steps": 4,
    "batch_size": 3,
    "validate_every": "2 steps",
    "tensorboard": False,
    "checkpoint_every": "never",
}
RUNTIME = {"device": "cpu", "precision": "fp32"}


@pytest.fixture(scope="module")
def cues(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cues(tmp_path_factory.mktemp("cues") / "data")


def task_of(cues: Path, reporter: Any = None, **tables: Any) -> LmBffTask:
    values = {"seed": 0, **tables, "runtime": RUNTIME, "loop": {**LOOP, **tables.get("loop", {})}}
    values["model"] = {"path": str(cues.parent / "lm"), **tables.get("model", {})}
    values["data"] = {"task": str(cues.parent / "kind.toml"), "k": 2, **tables.get("data", {})}
    return LmBffTask(cues, validate(LmBffRecipe, values, "test"), reporter or Silent())


def test_three_cues_are_overfitted(tmp_path: Path) -> None:
    cues = write_cues(tmp_path / "cues")
    config = tmp_path / "cues" / "lm" / "config.json"
    steady = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    config.write_text(json.dumps(json.loads(config.read_text()) | steady))
    tables = {"optimizer": {"lr": 3e-3}, "schedule": {"name": "constant"}, "loop": {"max_steps": 80}}
    task = task_of(cues, data={"k": 1}, **tables)
    outcome = train_task(task, tmp_path / "run")
    loaded = load_model(tmp_path / "run" / "model")
    training = task.prepare()
    batch = training.collate([training.samples[index] for index in range(3)])
    last = load_model(tmp_path / "run" / "checkpoints" / "step-000080" / "model").model
    with torch.no_grad():
        assert float(training.objective(last, batch)["loss"]) < 0.01
    assert outcome.steps == 80
    assert loaded.preprocess["labels"] == list(CUES)
    scores = read_json(tmp_path / "run" / "scores.json")
    assert scores["part"] == "test"
    assert scores["scores"].keys() == {"ours", "majority", "TF-IDF + logistic regression"}
    assert set(scores["scores"]["ours"]) == {"accuracy", "macro_f1", "matthews"}


def test_the_best_checkpoint_is_the_first_of_equals(cues: Path, tmp_path: Path) -> None:
    task = task_of(cues, optimizer={"lr": 1e-12}, loop={"max_steps": 6})
    assert train_task(task, tmp_path / "run").best_step == 2


@pytest.mark.parametrize("mode", ["random", "filtered"])
def test_demonstrations_are_of_the_step_and_of_other_examples(cues: Path, mode: str) -> None:
    training = task_of(cues, demos={"mode": mode, "sets": 2}).prepare()
    samples = training.samples
    words = task_of(cues).text_task.words
    assert len(words) == 3

    def prompts(epoch: int) -> list[tuple[int, ...]]:
        samples.set_epoch(epoch)
        return [tuple(samples[index][0][0].ids) for index in range(len(samples))]

    assert prompts(1) == prompts(1)
    if mode == "random":
        assert prompts(1) != prompts(2)
    assert len(training.validate.windows[0]) == 2
    single = task_of(cues).prepare().samples
    for index, whole in enumerate(prompts(3)):
        query = single[index][0][0]
        assert whole[: len(query.ids)] == tuple(query.ids)
        assert whole.count(whole[query.place]) == 1  # one mask, and the query is no demonstration of its own
        text = tuple(query.ids[1 : query.place])
        tail = whole[len(query.ids) :]
        assert not any(tail[at : at + len(text)] == text for at in range(len(tail)))


def test_a_saved_model_gives_the_logits_of_training(cues: Path, tmp_path: Path) -> None:
    from avtool.data.inputs.spec import read_inputs

    task = task_of(cues, demos={"mode": "filtered", "sets": 2})
    train_task(task, tmp_path / "run")
    folder = tmp_path / "run" / "model"
    loaded = load_model(folder)
    prompt = read_inputs(folder, loaded.preprocess)["prompt"]
    texts = [("dog growls",), ("window shatters",)]
    ours = score_prompts(loaded.model, prompt, prompt.prompts(texts), torch.device("cpu"))
    direct = task.prompt_input(folder / "tokenizer")
    theirs = score_prompts(loaded.model, direct, direct.prompts(texts), torch.device("cpu"))
    assert ours == pytest.approx(theirs, abs=1e-6)
    assert np.isfinite(ours).all()


def test_the_embedder_is_stored_once_in_a_run(cues: Path, tmp_path: Path) -> None:
    loop = {"max_steps": 6, "checkpoint_every": "2 steps", "keep": 3}
    train_task(task_of(cues, demos={"mode": "filtered", "sets": 2}, loop=loop), tmp_path / "run")
    found = list((tmp_path / "run").rglob("embedder/model.safetensors"))
    assert len(found) >= 3
    assert len({path.stat().st_ino for path in found}) == 1
    assert (cues.parent / "lm" / "model.safetensors").stat().st_nlink == 1  # the user's own file


def test_all_examples_of_one_file_train_and_validate(tmp_path: Path) -> None:
    cues = write_cues(tmp_path / "cues")
    lines = cues.read_text().splitlines()
    cues.write_text("\n".join(lines[:3]) + "\n")  # one class, and a single example to validate on
    train_task(task_of(cues, data={"k": 0}), tmp_path / "run")  # scikit-learn's warnings would be errors
    scores = read_json(tmp_path / "run" / "scores.json")["scores"]
    assert scores["TF-IDF + logistic regression"]["accuracy"] == scores["majority"]["accuracy"] == 1


def test_the_classifier_over_cls_is_trained_too(cues: Path, tmp_path: Path) -> None:
    task = task_of(cues, model={"head": "classifier"}, optimizer={"lr": 3e-3})
    assert task.settings.template == "*cls**sent_0**sep+*"
    outcome = train_task(task, tmp_path / "run")
    assert "macro_f1" in outcome.metrics
    assert load_model(tmp_path / "run").model.head is not None


def test_a_regression_of_two_texts(tmp_path: Path) -> None:
    lm = save_masked_lm(tmp_path / "lm", "bert")
    rows = [f"dog barking,cat meows {n},{n % 6}" for n in range(40)]
    data = tmp_path / "pairs.csv"
    data.write_text("\n".join(["sentence1,sentence2,score", *rows, ""]))
    values = {"model": {"path": str(lm)}, "data": {"task": "sts-b", "k": 3}, "loop": LOOP, "runtime": RUNTIME}
    task = LmBffTask(data, validate(LmBffRecipe, values, "test"), Silent())
    assert sum(one.target >= 2.5 for one in task.examples.train) == 3  # drawn by halves of the range
    outcome = train_task(task, tmp_path / "run")
    assert set(outcome.metrics) == {"pearson", "error", "loss"}
    assert read_json(tmp_path / "run" / "scores.json")["scores"].keys() >= {"ours", "majority"}


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        ({"data": {"template": "*cls**sent_0*_is.*sep+*"}}, "no mask"),
        ({"data": {"template": "*cls**sent_1**mask*"}}, "`sent_1` is no text"),
        ({"data": {"k": 4}}, "has 6 examples, and K = 4 needs 8"),
        ({"data": {"task": "no-such"}}, "no text task is called"),
        ({"data": {"task": ""}}, "no text task given"),
        ({"model": {"path": "nowhere"}}, "`nowhere` is no folder of transformers"),
        ({"data": {"test": "nowhere.csv"}}, "`nowhere.csv` does not exist"),
    ],
)
def test_bad_settings_are_refused_in_one_line(cues: Path, tables: dict[str, Any], reason: str) -> None:
    task = task_of(cues, **tables)
    with pytest.raises(BadInputError, match=reason):
        _ = (task.inputs, task.settings, task.examples)


def test_no_model_is_a_hint_and_cut_prompts_are_reported(cues: Path, tmp_path: Path) -> None:
    recipe = validate(LmBffRecipe, {"data": {"task": "sst-2"}}, "test")
    with pytest.raises(BadInputError, match="no masked LM given"):
        _ = LmBffTask(cues, recipe, Silent()).inputs
    file = (cues.parent / "kind.toml").read_text() + "max_tokens = 8\n"
    (cues.parent / "short.toml").write_text(file)
    recorder = Recorder()
    task_of(cues, recorder, data={"task": str(cues.parent / "short.toml")}).prepare()
    assert any("validation prompts are cut to 8 tokens" in text for text in recorder.infos)


def test_metrics_by_hand() -> None:
    logits = np.array([[2.0, 0], [0, 1.0], [1.0, 0], [0, 3.0]])
    found = class_metrics(logits, np.array([0, 1, 1, 1]))
    assert found["accuracy"] == 0.75
    assert found["f1"] == pytest.approx(0.8)
    assert found["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert value_metrics(np.array([1.0, 2, 3]), np.array([2.0, 4, 6]))["pearson"] == pytest.approx(1)
    assert value_metrics(np.ones(3), np.arange(3.0))["pearson"] == 0


def test_a_threshold_has_its_precision() -> None:
    shares = softmax(np.array([[5.0, 0], [3.0, 0], [2.0, 0], [1.0, 0], [0.5, 0]], np.float32))
    targets = np.array([0, 0, 0, 1, 0])
    assert precision_threshold(shares, targets, 0.9) == pytest.approx(shares[2, 0])
    assert precision_threshold(shares, targets, 0.8) == pytest.approx(shares[4, 0])
    assert precision_threshold(shares, 1 - targets, 0.9) == NEVER
    tied = np.array([[0.8, 0.2], [0.8, 0.2], [0.6, 0.4]])
    assert precision_threshold(tied, np.array([0, 1, 0]), 0.9) == NEVER  # equal values are not split


def test_baselines_learn() -> None:
    texts = ["good film", "great film", "bad film", "awful film"]
    assert tf_idf(texts, [1, 1, 0, 0], ["good great", "bad awful"], 2).argmax(1).tolist() == [1, 0]
    assert majority([0, 1, 1], 3, 2).argmax(1).tolist() == [1, 1]
    values = tf_idf_values(texts, [5.0, 5.0, 0.0, 0.0], ["good", "bad"])
    assert values[0] > values[1]
