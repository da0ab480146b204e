"""Searches over real files, and the grid: choices, ensemble, resume, and what is checked before it."""

import csv
import json
from pathlib import Path

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
from avtool.tasks.lm_bff.recipe import GridRecipe, LmBffRecipe
from tests.harness import write_cues

torch.set_num_threads(1)


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
    from avtool.tasks.lm_bff import search as module

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
    (tmp_path / "none.txt").write_text("great\n")
    for given, reason in (
        ({"templates": str(tmp_path / "none.txt")}, "no templates"),
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
