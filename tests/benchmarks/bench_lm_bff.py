"""Masked LMs at the mask against whole heads, label search, and cues by lexicon and by models.

The network has BERT-tiny's size, a vocabulary of 30,522 and random weights: time and memory do not depend on
what it has learned. Cues are classified by the tiny masked LM of the tests, whose tokenizer has their words.
"""

import itertools
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from avtool.core.recipe import validate
from avtool.core.reporter import Silent
from avtool.inference.text_classifier import TextClassifier
from avtool.jobs.few_shot_model import write_zero_shot
from avtool.mining.cue_class import KINDS, CueClassifier
from avtool.mining.tagger import Tagger
from avtool.models.registry import create
from avtool.tasks.lm_bff.label_search import Assignments, candidates
from avtool.tasks.lm_bff.recipe import LmBffRecipe
from avtool.tasks.lm_bff.task import LmBffTask
from avtool.training.run import train_task
from tests.harness import CUES, write_cues

BATCH, LENGTH, VOCABULARY = 8, 128, 30522
ARCHITECTURE = {
    "model_type": "bert", "vocab_size": VOCABULARY, "hidden_size": 128, "num_hidden_layers": 2,
    "num_attention_heads": 2, "intermediate_size": 512,
}  # fmt: skip
REPEATS = 5


def best_of(work: Callable[[], Any], repeats: int = REPEATS) -> float:
    """The shortest of some runs in seconds, after one that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def heads() -> None:
    """One training step with the LM head at masks and label words alone, and with the whole head."""
    torch.manual_seed(0)
    model = create("masked_lm", architecture=ARCHITECTURE, words=((1000,), (2000,)))
    ids = torch.randint(1000, VOCABULARY, (BATCH, LENGTH))
    mask, segments = torch.ones_like(ids, dtype=torch.bool), torch.zeros_like(ids)
    place, target = torch.full((BATCH,), 7), torch.arange(BATCH) % 2

    def rows_and_columns() -> None:
        model.zero_grad()
        cross_entropy(model.at_mask(ids, mask, place, segments, model.columns), target).backward()

    def rows() -> None:
        model.zero_grad()
        cross_entropy(model.at_mask(ids, mask, place, segments)[:, model.columns], target).backward()

    def whole() -> None:
        model.zero_grad()
        output = model.host(input_ids=ids, attention_mask=mask.long(), token_type_ids=segments).logits
        cross_entropy(output[torch.arange(BATCH), place][:, model.columns], target).backward()

    for name, work in (
        ("mask rows, label-word columns", rows_and_columns),
        ("mask rows", rows),
        ("whole head", whole),
    ):
        seconds = best_of(work)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{name:30} {1000 * seconds:7.1f} ms a step, peak of the process so far {memory:5.0f} MiB")
    short = ids[:, :16]
    model_short = best_of(
        lambda: model.at_mask(short, mask[:, :16], place, segments[:, :16], model.columns).sum().backward()
    )
    print(f"{'the same, padded to 16 tokens':30} {1000 * model_short:7.1f} ms a step")


def searches() -> None:
    """Label search over 20 words of three classes and 24 examples, vectorised and looped."""
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((24, 500)).astype(np.float32)
    targets = rng.integers(0, 3, 24)
    words = candidates(scores, targets, np.arange(500), 3, 20)
    search = Assignments(scores, words, targets, regression=False)

    def looped() -> float:
        best = -1.0
        for places in itertools.product(range(20), repeat=3):
            tokens = [int(own[place]) for own, place in zip(words, places, strict=True)]
            if len(set(tokens)) == 3:
                best = max(best, float((scores[:, tokens].argmax(axis=1) == targets).mean()))
        return best

    fast, slow = best_of(lambda: search.search(keep=100)), best_of(looped, repeats=1)
    assert search.search(keep=1)[0].score == looped()
    ratio = f"{slow / fast:.1f}x"
    print(
        f"{search.total} assignments: vectorised {1000 * fast:.0f} ms, looped {1000 * slow:.0f} ms, {ratio}"
    )
    wide = candidates(scores, targets, np.arange(500), 3, 150)
    large = Assignments(scores, wide, targets, regression=False)
    seconds = best_of(lambda: large.search(keep=100), repeats=1)
    print(f"{large.total} assignments: beam and ascent {1000 * seconds:.0f} ms")


def cues() -> None:
    """Seconds per 10,000 unique cues of two words."""
    nouns = sorted({cue.split()[0] for kind in CUES.values() for cue in kind})
    verbs = sorted({cue.split()[-1] for kind in CUES.values() for cue in kind})
    pairs = [f"{noun} {verb}" for noun, verb in itertools.product(nouns, verbs)]
    texts = [f"{pairs[number % len(pairs)]} {number}" for number in range(10_000)]
    begin = time.perf_counter()
    CueClassifier(KINDS, None, 0.0, Tagger())(texts)
    print(f"lexicon                        {time.perf_counter() - begin:6.1f} s per 10,000 unique cues")
    with tempfile.TemporaryDirectory() as folder:
        data = write_cues(Path(folder) / "data")
        values = {
            "model": {"path": str(data.parent / "lm")},
            "data": {"task": str(data.parent / "kind.toml"), "k": 3},
            "loop": {"max_steps": 2, "tensorboard": False},
            "runtime": {"device": "cpu", "precision": "fp32"},
        }
        write_zero_shot(None, validate(LmBffRecipe, values, "bench"), Path(folder) / "zero", Silent(), "")
        demos = {**values, "demos": {"mode": "random", "sets": 4}}
        train_task(LmBffTask(data, validate(LmBffRecipe, values, "bench"), Silent()), Path(folder) / "run")
        train_task(LmBffTask(data, validate(LmBffRecipe, demos, "bench"), Silent()), Path(folder) / "demos")
        for name, model in (
            ("zero-shot", "zero"),
            ("fine-tuned", "run"),
            ("fine-tuned, 4 sets of demos", "demos"),
        ):
            classifier = TextClassifier(Path(folder) / model, "cpu")
            begin = time.perf_counter()
            classifier.predict(texts)
            print(
                f"{name:30} {time.perf_counter() - begin:6.1f} s per 10,000 unique cues (0.04 M parameters)"
            )


if __name__ == "__main__":
    torch.set_num_threads(1)
    heads()
    searches()
    cues()
