"""Searches for label words and templates beside exhaustive ones."""

import itertools

import numpy as np
import pytest
import torch

from avtool.tasks.lm_bff.label_search import Assignments, candidates, nearest
from avtool.tasks.lm_bff.template_search import Grammar, as_template, search_templates, source_text

torch.set_num_threads(1)


def toy(
    examples: int = 24, vocabulary: int = 60, classes: int = 3, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal((examples, vocabulary)).astype(np.float32)
    return scores, rng.integers(0, classes, examples)


def looped(scores: np.ndarray, words: list[np.ndarray], targets: np.ndarray) -> dict[tuple[int, ...], float]:
    """Every assignment scored one by one."""
    found = {}
    for places in itertools.product(*(range(len(own)) for own in words)):
        tokens = [int(own[place]) for own, place in zip(words, places, strict=True)]
        if len(set(tokens)) == len(tokens):
            right = [
                int(np.argmax(row[tokens])) == target for row, target in zip(scores, targets, strict=True)
            ]
            found[places] = float(np.mean(right))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_vectorised_search_is_the_loop(seed: int) -> None:
    scores, targets = toy(seed=seed)
    words = candidates(scores, targets, np.arange(60), 3, 8)
    brute = looped(scores, words, targets)
    search = Assignments(scores, words, targets, regression=False)
    found = search.search(keep=1000)
    assert {one.places: pytest.approx(one.score) for one in found} == brute
    assert [one.score for one in found] == sorted(brute.values(), reverse=True)
    assert search.total == 8**3


@pytest.mark.parametrize("seed", range(6))
def test_beam_and_ascent_reach_the_best_of_all(seed: int) -> None:
    scores, targets = toy(examples=40, classes=4, seed=seed)
    words = candidates(scores, targets, np.arange(60), 4, 9)
    search = Assignments(scores, words, targets, regression=False)
    best = search.search(keep=1)[0].score
    found = search.search(keep=20, limit=10)
    assert found[0].score == pytest.approx(best)
    assert len({one.places for one in found}) == 20
    assert all(len({int(words[n][p]) for n, p in enumerate(one.places)}) == 4 for one in found)


def test_words_of_a_class_are_ranked_by_their_mean_and_constants_do_not_matter() -> None:
    scores, targets = toy()
    allowed = np.arange(5, 60)
    plain = candidates(scores, targets, allowed, 3, 10)
    shifted = candidates(scores + np.arange(24, dtype=np.float32)[:, None], targets, allowed, 3, 10)
    for number, (one, two) in enumerate(zip(plain, shifted, strict=True)):
        assert one.tolist() == two.tolist()
        mean = scores[targets == number].mean(axis=0)
        assert one.tolist() == sorted(allowed, key=lambda token: -mean[token])[:10]


def test_near_words_are_by_cosine() -> None:
    decoder = np.array([[1.0, 0], [0.9, 0.1], [0, 1], [-1, 0], [2, 0.05]], np.float32)
    assert nearest([np.arange(1, 5)], [0], decoder, 2)[0].tolist() == [4, 1]


def test_a_regression_is_searched_by_correlation() -> None:
    scores, _ = toy(examples=30)
    targets = np.random.default_rng(1).uniform(0, 5, 30)
    words = [np.array([1, 2, 3]), np.array([3, 4])]
    found = Assignments(scores, words, targets, regression=True).search(keep=10)
    brute = {}
    for places in itertools.product(range(3), range(2)):
        low, high = words[0][places[0]], words[1][places[1]]
        if low != high:
            share = 1 / (1 + np.exp(scores[:, low] - scores[:, high]))
            brute[places] = np.corrcoef(share, targets)[0, 1]
    assert {one.places: one.score for one in found} == {
        k: pytest.approx(v, abs=1e-6) for k, v in brute.items() if v >= 0
    }


def exhaustive(step, grammar: Grammar, vocabulary: int) -> dict[tuple, float]:
    """Every pair of parts with its score."""
    found = {}

    def grow(tokens: tuple[int, ...], score: float) -> None:
        if len(tokens) == grammar.max_tokens:
            return
        row = step([tokens])[0]
        for token in range(vocabulary):
            second = grammar.middle in tokens
            if token in grammar.forbidden or (
                token == grammar.single and tokens and tokens[-1] == grammar.single
            ):
                continue
            if (token == grammar.middle and second) or (token in grammar.ends and not second):
                continue
            grown = (*tokens, token)
            if second and token in grammar.ends:
                place = grown.index(grammar.middle)
                key = (grown[:place], grown[place + 1 : -1])
                found[key] = max(found.get(key, -np.inf), score + float(row[token]))
            else:
                grow(grown, score + float(row[token]))

    grow((), 0.0)
    return found


def tiny_t5_step(examples: int = 3, vocabulary: int = 12):
    """The mean scores of a random T5."""
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(0)
    config = T5Config(
        vocab_size=vocabulary,
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
    )
    model = T5ForConditionalGeneration(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    sources = torch.randint(4, vocabulary, (examples, 6), generator=torch.Generator().manual_seed(2))

    def step(prefixes):
        rows = []
        for prefix in prefixes:
            given = torch.tensor([[0, *prefix]] * examples)
            with torch.no_grad():
                logits = model(input_ids=sources, decoder_input_ids=given).logits[:, -1]
            rows.append(torch.log_softmax(logits, 1).mean(0).numpy())
        return np.stack(rows)

    return step


def test_a_wide_beam_finds_the_best_of_all_templates() -> None:
    step = tiny_t5_step()
    grammar = Grammar(middle=9, ends=(10, 1), forbidden=(0, 8, 11), single=5, max_tokens=4)
    everything = exhaustive(step, grammar, 12)
    found = search_templates(step, grammar, beam=200)
    best = sorted(everything.items(), key=lambda entry: -entry[1])[:20]
    for one, (key, score) in zip(found, best, strict=False):
        assert (one.first, one.second) == key
        assert one.score == pytest.approx(score, abs=1e-4)
    greedy = search_templates(step, grammar, beam=1)
    assert greedy[0].score <= found[0].score + 1e-6


def test_sentinels_by_stubbed_scores() -> None:
    grammar = Grammar(middle=3, ends=(4, 1), forbidden=(2,), single=5, max_tokens=5)
    wanted = {(): 6, (6,): 3, (6, 3): 5, (6, 3, 5): 4}

    def step(prefixes):
        rows = np.full((len(prefixes), 8), -20.0, np.float32)
        for row, prefix in zip(rows, prefixes, strict=True):
            row[wanted.get(tuple(prefix), 4)] = -0.1
            row[2] = 0.0  # forbidden, and would win
        return rows

    found = search_templates(step, grammar, beam=3)[0]
    assert (found.first, found.second) == ((6,), (5,))
    assert found.score == pytest.approx(-0.4)
    assert all(2 not in (*one.first, *one.second) for one in search_templates(step, grammar, beam=50))
    twice = search_templates(lambda p: np.zeros((len(p), 8), np.float32), grammar, beam=500)
    assert not any((5, 5) in zip(one.first, one.first[1:], strict=False) for one in twice)


def test_generated_parts_become_templates() -> None:
    assert source_text("text first", ["A film."], "great") == "A film. <extra_id_0> great <extra_id_1>"
    assert source_text("text last", ["A film."], "great") == ". <extra_id_0> great <extra_id_1> A film."
    assert source_text("pair", ["A man.", "A dog."], "No") == "A man <extra_id_0> No <extra_id_1> a dog."
    assert as_template("text first", "_It_was", ".") == "*cls**sent_0*_It_was*mask*.*sep+*"
    assert as_template("text last", "_Q:", ":") == "*cls*_Q:*mask*:*+sent_0**sep+*"
    assert as_template("pair", "?", ",") == "*cls**sent-_0*?*mask*,*+sentl_1**sep+*"
    assert as_template("pair", "*", ",") is None
