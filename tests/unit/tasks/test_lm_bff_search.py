"""Searches for label words and templates beside exhaustive ones; the grid and its ensemble."""

import csv
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from avtool.core.errors import BadInputError
from avtool.core.files import read_json
from avtool.core.recipe import validate
from avtool.core.reporter import Recorder
from avtool.evaluation.report import BenchmarkReport
from avtool.jobs.cells import report_cells
from avtool.jobs.few_shot_search import label_search, template_search
from avtool.tasks.lm_bff.grid import ENSEMBLE, OURS, LmBffGrid
from avtool.tasks.lm_bff.label_search import Assignments, candidates, nearest
from avtool.tasks.lm_bff.recipe import GridRecipe, LmBffRecipe
from avtool.tasks.lm_bff.template_search import Grammar, as_template, search_templates, source_text
from tests.harness import write_cues

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


@pytest.fixture(scope="module")
def cues(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cues(tmp_path_factory.mktemp("cues") / "data")


def settings(cues: Path, **tables) -> dict:
    loop = {"max_steps": 2, "batch_size": 3, "validate_every": "1 step", "tensorboard": False}
    data = {"task": str(cues.parent / "kind.toml"), "k": 2}
    runtime = {"device": "cpu", "precision": "fp32"}
    return {
        "model": {"path": str(cues.parent / "lm")},
        "data": data,
        "loop": loop,
        "runtime": runtime,
        **tables,
    }


def test_label_search_writes_words_that_can_be_used(cues: Path, tmp_path: Path) -> None:
    recipe = validate(LmBffRecipe, settings(cues), "test")
    result = label_search(cues, recipe, tmp_path / "words.jsonl", Recorder(), k=6, near=4, keep=5)
    lines = [json.loads(line) for line in (tmp_path / "words.jsonl").read_text().splitlines()]
    assert len(lines) == len(result.candidates) == 5
    assert lines[0]["score"] >= lines[-1]["score"]
    data = {**settings(cues)["data"], "words": lines[0]["words"]}
    again = validate(LmBffRecipe, settings(cues, data=data), "test")
    from avtool.tasks.lm_bff.task import LmBffTask

    assert LmBffTask(cues, again, Recorder()).build()[1]["words"]


def test_a_large_search_is_reported(cues: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from avtool.tasks.lm_bff import label_search as module

    monkeypatch.setattr(module, "EXHAUSTIVE", 100)
    recorder = Recorder()
    label_search(
        cues, validate(LmBffRecipe, settings(cues), "test"), tmp_path / "w.jsonl", recorder, k=6, keep=3
    )
    assert any("beam search and coordinate ascent" in text for text in recorder.infos)


def save_t5(folder: Path) -> Path:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    names = [
        "<pad>",
        "</s>",
        "<unk>",
        "<extra_id_0>",
        "<extra_id_1>",
        "<extra_id_2>",
        "▁It",
        "▁was",
        "▁a",
        ".",
        "▁",
    ]
    tokenizer = Tokenizer(models.WordLevel({name: place for place, name in enumerate(names)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
        additional_special_tokens=names[3:6],
    ).save_pretrained(folder)  # fmt: skip
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(names),
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return folder


def grid(cues: Path, out: Path, **varied: object) -> BenchmarkReport:
    recipe = validate(GridRecipe, settings(cues, grid=varied), "test")
    return report_cells(LmBffGrid(cues, recipe, Recorder()), out, Recorder())


def test_templates_of_t5_are_used_by_the_grid_and_its_ensemble(cues: Path, tmp_path: Path) -> None:
    recipe = validate(LmBffRecipe, settings(cues), "test")
    templates = tmp_path / "templates.txt"
    result = template_search(cues, recipe, save_t5(tmp_path / "t5"), templates, Recorder(), beam=4, keep=3)
    assert result.candidates
    assert all("*mask*" in line for line in templates.read_text().splitlines())
    varied = {"seeds": [13, 21], "lrs": [1e-4, 1e-3], "templates": str(templates), "top": 2}
    report = grid(cues, tmp_path / "grid", **varied)
    assert report.metrics["runs"] == 2 * (2 * 2 + 2)
    methods = {OURS, ENSEMBLE, "classifier fine-tuning", "zero-shot prompt", "majority"}
    assert methods <= report.metrics["methods"].keys()
    rows = (tmp_path / "grid" / "runs.csv").read_text().splitlines()
    assert len(rows) == 1 + report.metrics["runs"]
    assert (
        sum(row.split(",")[-2] == "True" for row in rows[1:]) == 2 * 3
    )  # one choice a seed, head and template
    assert (tmp_path / "grid" / "models" / "13-words-0" / "model.safetensors").is_file()
    assert grid(cues, tmp_path / "grid", **varied) == report  # finished already


def test_an_interrupted_grid_is_resumed(cues: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from avtool.tasks.lm_bff import grid as module

    varied = {"seeds": [13], "lrs": [1e-4, 1e-3], "classifier": False, "zero_shot": False}
    whole = grid(cues, tmp_path / "whole", **varied)
    real = module._tested

    def interrupted(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_tested", interrupted)
    with pytest.raises(KeyboardInterrupt):
        grid(cues, tmp_path / "broken", **varied)
    monkeypatch.setattr(module, "_tested", real)
    assert grid(cues, tmp_path / "broken", **varied) == whole
    assert read_json(tmp_path / "broken" / "metrics.json") == read_json(tmp_path / "whole" / "metrics.json")


def test_label_words_are_trained_and_ranked_by_validation(cues: Path, tmp_path: Path) -> None:
    recipe = validate(LmBffRecipe, settings(cues), "test")
    words = tmp_path / "words.jsonl"
    label_search(cues, recipe, words, Recorder(), k=4, keep=3)
    varied = {"seeds": [13], "words": str(words), "top": 2, "classifier": False, "zero_shot": False}
    assert grid(cues, tmp_path / "grid", **varied).metrics["runs"] == 2
    with (tmp_path / "grid" / "runs.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len({row["words"] for row in rows}) == 2
    both = {**varied, "templates": str(words)}
    with pytest.raises(BadInputError, match="templates or label words"):
        grid(cues, tmp_path / "no", **both)
    bad = {**varied, "words": str(tmp_path / "bad.jsonl")}
    for line in ("{}", '{"words": 3}', '{"words": {"human": 3}}', '{"words": {"human": "person"}}', "["):
        (tmp_path / "bad.jsonl").write_text(f"{line}\n")
        with pytest.raises(BadInputError, match="line 1 holds no label words"):
            grid(cues, tmp_path / "no", **bad)


def test_every_candidate_and_seed_is_checked_before_any_training(cues: Path, tmp_path: Path) -> None:
    templates = tmp_path / "templates.txt"
    templates.write_text("*cls**sent_0*_is*mask*.*sep+*\n*cls**sent_1**mask*\n")
    words = tmp_path / "words.jsonl"
    label_search(cues, validate(LmBffRecipe, settings(cues), "test"), words, Recorder(), k=4, keep=1)
    bad = {**json.loads(words.read_text())["words"], "object": ["machinery"]}
    words.write_text(words.read_text() + json.dumps({"words": bad}) + "\n")
    for given, reason in (
        ({"templates": str(templates)}, "`sent_1` is no text"),
        ({"words": str(words)}, "label word `machinery`"),
    ):
        with pytest.raises(BadInputError, match=reason):
            grid(cues, tmp_path / "grid", seeds=[13], **given)
    for seed, text in ((13, cues.read_text()), (21, "text,kind\n")):  # the second seed has no examples
        for part in ("train", "dev"):
            file = tmp_path / "split" / f"2-{seed}" / f"{part}.csv"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    recipe = validate(GridRecipe, settings(cues, grid={"seeds": [13, 21]}), "test")
    with pytest.raises(BadInputError, match="no "):
        report_cells(LmBffGrid(tmp_path / "split", recipe, Recorder()), tmp_path / "grid", Recorder())
    assert not list(tmp_path.glob("grid*"))


@pytest.mark.parametrize(
    "wrong",
    [{"lrs": [-1]}, {"lrs": [0.1, 0.1]}, {"lrs": [1e30]}, {"batch_sizes": [0]}, {"seeds": [-1]},
     {"seeds": [13, 13]}],
)  # fmt: skip
def test_what_is_varied_is_checked_before_any_training(cues: Path, wrong: dict[str, list[float]]) -> None:
    with pytest.raises(BadInputError, match=next(iter(wrong))):
        validate(GridRecipe, settings(cues, grid=wrong), "test")


def test_a_file_without_templates_is_refused(cues: Path, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("great\n")
    with pytest.raises(BadInputError, match="no templates"):
        grid(cues, tmp_path / "grid", templates=str(tmp_path / "t.txt"))
