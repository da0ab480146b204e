"""Searches for label words and for templates of a few-shot text task."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avtool.core.errors import BadInputError
from avtool.core.files import check_output_file, write_text
from avtool.core.reporter import Reporter
from avtool.data.few_shot.tokenizer import PromptTokenizer
from avtool.tasks.lm_bff.recipe import LmBffRecipe
from avtool.tasks.lm_bff.task import LmBffTask


@dataclass(frozen=True)
class Candidate:
    """A candidate of a search: label words by class, or a template, and its score."""

    value: Any
    score: float


@dataclass(frozen=True)
class SearchResult:
    """The file that was written, and its first candidates."""

    out: Path
    candidates: Sequence[Candidate]


def label_search(
    source: Path,
    recipe: LmBffRecipe,
    out: Path,
    reporter: Reporter,
    *,
    k: int = 100,
    near: int = 0,
    keep: int = 100,
) -> SearchResult:
    """Searches label words by the training examples' accuracy without training.

    Args:
        source: the examples.
        recipe: task, model and draw.
        out: the file of candidates, a JSON object a line.
        reporter: receives progress.
        k: likeliest words of each class.
        near: of these, the words nearest to the task's own; 0 takes all.
        keep: assignments that are written.

    Raises:
        AvtoolError: data and model do not fit together.
    """
    import torch

    from avtool.models.runtime import choose_device
    from avtool.tasks.lm_bff.label_search import EXHAUSTIVE, Assignments, candidates, mask_logits, nearest

    task = LmBffTask(source, recipe, reporter)
    check_output_file(out, _inputs(task))
    model, prompt = task.untrained()
    device = torch.device(choose_device(recipe.runtime.device).value)
    examples, text_task = task.examples.train, task.text_task
    scores = mask_logits(
        model.eval().to(device), prompt, prompt.prompts([one.texts for one in examples]), device
    )
    tokenizer = PromptTokenizer(task.host)
    allowed = np.array(
        [token for token, word in tokenizer.words.items() if tokenizer.word_pieces(word) == [token]]
    )
    classes = np.array([text_task.class_of(one.target) for one in examples])
    words = candidates(scores, classes, allowed, len(text_task.words), max(k, near))
    if near:
        own = [tokens[0] for tokens in model.settings.words]
        decoder = model.host.get_output_embeddings().weight.detach().float().cpu().numpy()
        words = nearest(words, own, decoder, near)
    targets = np.array([one.target for one in examples])
    search = Assignments(scores, words, targets, regression=text_task.bounds is not None)
    if search.total > EXHAUSTIVE:
        limit = f"{search.total:.3g} assignments are more than {EXHAUSTIVE:.0e}"
        reporter.info(f"{limit}: beam search and coordinate ascent")
    found = [
        Candidate(
            {
                label: [tokenizer.words[int(own[place])]]
                for label, own, place in zip(text_task.words, words, one.places, strict=True)
            },
            one.score,
        )
        for one in search.search(keep)
    ]
    _write(out, found, "words")
    return SearchResult(out, found)


def template_search(
    source: Path,
    recipe: LmBffRecipe,
    t5: Path,
    out: Path,
    reporter: Reporter,
    *,
    beam: int = 100,
    keep: int = 0,
) -> SearchResult:
    """Searches templates with T5, for `prompt-tune grid --templates`.

    Args:
        source: the examples.
        recipe: task, model and draw.
        t5: a folder of T5.
        out: the file of templates, one a line with its score.
        reporter: receives progress.
        beam: width of the beam.
        keep: templates of each form; 0 for 50, of pairs 100.

    Raises:
        AvtoolError: data and T5 do not fit together.
    """
    from avtool.models.runtime import choose_device
    from avtool.tasks.lm_bff.template_search import Form, T5Filler, as_template, search_templates, source_text

    task = LmBffTask(source, recipe, reporter)
    check_output_file(out, [*_inputs(task), t5])
    words = [names[0] for names in task.text_task.words.values()]
    filler = T5Filler(t5, choose_device(recipe.runtime.device).value)
    forms: tuple[Form, ...] = ("text first", "text last") if len(task.text_task.texts) == 1 else ("pair",)
    found: dict[str, float] = {}
    for form in forms:
        examples = task.examples.train
        classes = [task.text_task.class_of(one.target) for one in examples]
        sources = [source_text(form, one.texts, words[c]) for one, c in zip(examples, classes, strict=True)]
        generated = search_templates(filler.step(sources), filler.grammar(), beam)
        most = keep or (100 if form == "pair" else 50)
        named = [
            (as_template(form, filler.text(one.first), filler.text(one.second)), one.score)
            for one in generated
        ]
        for template, score in [entry for entry in named if entry[0]][:most]:
            found[str(template)] = max(score, found.get(str(template), -np.inf))
    if not found:
        raise BadInputError("no template was found", "raise --beam")
    ranked = [
        Candidate(template, score) for template, score in sorted(found.items(), key=lambda one: -one[1])
    ]
    write_text(out, "".join(f"{one.value}\t{one.score:.4f}\n" for one in ranked))
    return SearchResult(out, ranked)


def _inputs(task: LmBffTask) -> list[Path]:
    return [task.host, *(Path(one.path) for one in task.inputs)]


def _write(out: Path, found: Sequence[Candidate], name: str) -> None:
    lines = [json.dumps({name: one.value, "score": round(one.score, 6)}, ensure_ascii=False) for one in found]
    write_text(out, "\n".join(lines) + "\n")
