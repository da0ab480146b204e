"""LM-BFF on real texts with a real BERT-tiny; the lexicon on cues that people labelled by kind."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from avtool.core.files import read_json
from avtool.core.recipe import validate
from avtool.core.reporter import Silent
from avtool.data.few_shot.examples import read_examples
from avtool.data.few_shot.text_task import find_task
from avtool.evaluation.text_baselines import tf_idf
from avtool.mining.cue_class import KINDS, CueClassifier
from avtool.mining.tagger import Tagger
from avtool.tasks.lm_bff.recipe import LmBffRecipe
from avtool.tasks.lm_bff.task import LmBffTask
from avtool.training.run import train_task

RUNTIME = {"device": "cpu", "precision": "fp32"}
FILES = {
    "sst-2": "stsa.binary.train",
    "mr": "rt-polarity.all",
    "cr": "custrev.all",
    "trec": "TREC.train.all",
    "subj": "subj.all",
}
COUNTS = {"sst-2": 6920, "mr": 10662, "cr": 3775, "trec": 5452, "subj": 10000}


@pytest.fixture(scope="module")
def bert(test_data: Path) -> Path:
    folder = test_data / "weights" / "bert_tiny_mlm"
    if not folder.is_dir():
        pytest.skip(f"no masked LM at {folder}")
    return folder


@pytest.mark.parametrize("name", FILES)
def test_the_published_sets_are_read_and_drawn(test_data: Path, bert: Path, name: str) -> None:
    path = test_data / "text" / "lmbff_single" / FILES[name]
    task = find_task(name)
    assert len(read_examples(path, task, duplicates="keep")) == COUNTS[name]
    values = {"model": {"path": str(bert)}, "data": {"task": name, "duplicates": "keep"}}
    drawn = LmBffTask(path, validate(LmBffRecipe, values, "test"), Silent())
    assert len(drawn.examples.train) == len(drawn.examples.dev) == 16 * len(task.words)
    assert drawn.build()[1]["architecture"]["model_type"] == "bert"


def test_a_real_masked_lm_fills_the_mask_as_transformers_does(bert: Path, test_data: Path) -> None:
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    values = {"model": {"path": str(bert)}, "data": {"task": "sst-2", "duplicates": "keep"}}
    source = test_data / "text" / "lmbff_single" / "stsa.binary.dev"
    model, prompt = LmBffTask(source, validate(LmBffRecipe, values, "test"), Silent()).untrained()
    text = "one long string of cliches ."
    batch = prompt.batch(prompt.prompts([(text,)]), torch.device("cpu"))
    tokenizer = AutoTokenizer.from_pretrained(bert)
    theirs = AutoModelForMaskedLM.from_pretrained(bert).eval()
    encoded = tokenizer(f"{text} It was [MASK].", return_tensors="pt")
    with torch.no_grad():
        ours = model.eval()(**batch).logits[0]
        place = encoded["input_ids"][0].tolist().index(tokenizer.mask_token_id)
        logits = theirs(**encoded).logits[0, place]
    words = tokenizer.convert_tokens_to_ids(["terrible", "great"])
    assert ours.tolist() == pytest.approx(logits[words].tolist(), abs=1e-4)


def test_kinds_are_learned_from_four_examples_each(test_data: Path, bert: Path, tmp_path: Path) -> None:
    values = {
        "model": {"path": str(bert)},
        "data": {"task": "cue-kind", "k": 4, "duplicates": "first", "max_test": 100},
        "optimizer": {"lr": 5e-4},
        "loop": {"max_steps": 40, "validate_every": "20 steps", "tensorboard": False},
        "runtime": RUNTIME,
    }
    source = test_data / "sams" / "kind_dev.csv"
    train_task(LmBffTask(source, validate(LmBffRecipe, values, "test"), Silent()), tmp_path / "run")
    scores = read_json(tmp_path / "run" / "scores.json")["scores"]
    assert scores["ours"]["macro_f1"] > scores["majority"]["macro_f1"] + 0.1


def test_the_lexicon_decides_most_kinds_and_mostly_as_people_did(test_data: Path) -> None:
    with (test_data / "sams" / "kind_dev.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = CueClassifier(KINDS, None, 0.0, Tagger())([row["audio_tag"] for row in rows])
    decided = [
        (row["source_type"], one.label)
        for row, one in zip(rows, found, strict=True)
        if one.method == "lexicon"
    ]
    assert len(decided) / len(rows) >= 0.75
    assert np.mean([truth == ours for truth, ours in decided]) >= 0.78
    sure = [(truth, ours) for truth, ours in decided if truth in {"human", "animal", "object"}]
    assert np.mean([truth == ours for truth, ours in sure]) >= 0.95


def test_tf_idf_learns_sentiment(test_data: Path) -> None:
    path = test_data / "text" / "lmbff_single" / "stsa.binary.train"
    examples = read_examples(path, find_task("sst-2"), duplicates="keep")[:1500]
    texts, classes = [one.texts[0] for one in examples], [int(one.target) for one in examples]
    scores = tf_idf(texts[:1000], classes[:1000], texts[1000:], 2)
    assert (scores.argmax(axis=1) == np.array(classes[1000:])).mean() > 0.65
