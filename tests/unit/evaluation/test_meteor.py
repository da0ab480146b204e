"""METEOR 1.5 in Python: the authors' values, its text rules, and the counts of their program."""

import csv
import json
import random
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from avtool.core.errors import MissingError
from avtool.core.reporter import Silent
from avtool.evaluation.metrics.meteor import corpus_score, open_meteor, pair_scores
from avtool.evaluation.metrics.meteor.data import load_phrases
from avtool.evaluation.metrics.meteor.words import read_prefixes, split_words, word_key

pytest.importorskip("pycocoevalcap")
KNOWN = (
    ("the cat sat on the mat", "on the mat sat the cat", 0.4776696620),
    ("door slams", "a door slams shut", 0.3048955290),
    ("a dog barks loudly", "a hound is barking loudly", 0.3610037999),
    ("a man plays guitar", "a man is playing a guitar", 0.3901285781),
    ("door slams", "door slamming", 0.8),
    ("gunshot", "gunshots", 0.0),
    ("birds chirping", "bird chirps", 0.0),
    ("thunder rumbling", "thunder rumbles", 0.8),
    ("a dog", "a dog", 1.0),
    ("", "a dog", 0.0),
)


@pytest.fixture(scope="module")
def meteor():
    return open_meteor("python", Silent())


def test_known_values(meteor):
    scores = pair_scores(meteor.counts([pair for *pair, _ in KNOWN]))
    assert scores == pytest.approx([score for *_, score in KNOWN], abs=1e-10)


def test_no_pairs(meteor):
    assert meteor.counts([]).shape == (0, 23)


def test_corpus_score_is_no_mean(meteor):
    counts = meteor.counts([("a dog barks", "a dog barks"), ("x", "the cat sat")])
    assert 0 < corpus_score(counts) < pair_scores(counts).mean() + 0.5
    assert corpus_score(counts[:1]) == 1.0
    twice = meteor.counts([("a dog barks", "a dog barks")] * 2)
    assert corpus_score(twice) == 1.0  # chunks of perfect pairs are not added


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a dog, barks", "a dog , barks"),
        ("3,4 and 3,a", "3,4 and 3 , a"),
        ("it's the dogs' 5's", "it 's the dogs ' 5 's"),
        ("Mr. Smith ran.", "mr. smith ran ."),
        ("the u.s. army", "the us army"),
        ("No. 5, No. x", "no. 5 , no. x"),
        ("No. X", "no . x"),
        ("wait... what", "wait ... what"),
        ("a-b -- c", "a b - c"),
        ("“so”", '" so "'),
        ("(hi)#5", "( hi ) # 5"),
    ],
)
def test_words(line, expected):
    prefixes = read_prefixes("# titles\nMr\nNo #NUMERIC_ONLY#\n")
    assert split_words(line, prefixes) == expected.split()


def test_word_key_is_javas_hash():
    assert word_key("Aa") == word_key("BB") == 2112  # a known collision
    assert word_key("hello") == 99162322


def test_damaged_table_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setenv("AVTOOL_CACHE_DIR", str(tmp_path))
    built = []

    def build(source):
        built.append(source)
        return {
            "words": np.frombuffer(b"a\nb", dtype=np.uint8),
            "edges": np.array([0, 1], dtype=np.uint64),
            "firsts": np.array([0, 0, 1, 2], dtype=np.int32),
            "targets": np.array([2, 1], dtype=np.int32),
        }

    monkeypatch.setattr("avtool.evaluation.metrics.meteor.data.build_table", build)
    first = load_phrases(Silent())
    assert first.words == ["a", "b"]
    (path,) = tmp_path.glob("meteor-*.safetensors")
    path.write_bytes(b"damaged")
    assert load_phrases(Silent()).edges.tolist() == [0, 1]
    load_phrases(Silent())
    assert len(built) == 2


def test_absent_data(monkeypatch):
    monkeypatch.setattr("avtool.evaluation.metrics.meteor.data.find_spec", lambda name: None)
    with pytest.raises(MissingError, match="METEOR data not found") as error:
        open_meteor("python", Silent())
    assert "avtool[meteor]" in error.value.hint


def test_absent_java(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingError, match="Java"):
        open_meteor("java", Silent())


def _odd_pairs(count, generator):
    """Punctuation, numbers, abbreviations and letters of other scripts, in any order."""
    bits = "' '' `` ... . .. , - -- – ‘ ’ “ ” u.s. Mr. No. 5 3,4 a,b ,, it's dogs' '90s can't # $5 "
    bits += "50% naïve ß 日本 a-b x-1 (c) [d] the dog dogs barking / e.g. .a -rrb- Σας"
    for _ in range(count):
        texts = ["".join(generator.choices([*bits.split(), *[" "] * 20], k=9)) for _ in range(2)]
        if all(text.strip() for text in texts):
            yield tuple(texts)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("java"), reason="needs Java")
def test_counts_are_those_of_the_authors_program(meteor, test_data):
    generator = random.Random(0)
    folder = test_data / "eval"
    captions = json.loads((folder / "dense_caption/bmt_submission_val_1.json").read_text())["results"]
    references = json.loads((folder / "dense_caption/anet_val_2.json").read_text())
    pairs = [
        (row["sentence"], generator.choice(references[video]["sentences"]))
        for video, rows in captions.items()
        for row in rows
        if video in references
    ]
    pairs = generator.sample(pairs, 8000)
    with (folder / "audiocaps/val.csv").open(encoding="utf-8", newline="") as stream:
        sounds = [row["caption"] for row in csv.DictReader(stream)]
    pairs += pairwise(sounds)
    pairs += _odd_pairs(4000, generator)
    assert len(pairs) > 12_000
    ours, theirs = meteor.counts(pairs), open_meteor("java", Silent()).counts(pairs)
    assert np.flatnonzero((ours != theirs).any(axis=1)).tolist() == []
    assert corpus_score(ours) == pytest.approx(corpus_score(theirs), abs=1e-12)


def test_data_are_read_and_never_written(meteor):
    from avtool.evaluation.metrics.meteor.data import jar

    before = sorted(Path(jar()).parent.rglob("*"))
    meteor.counts([("a dog", "a hound")])
    assert sorted(Path(jar()).parent.rglob("*")) == before
