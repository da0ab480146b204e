"""Searches of a few-shot task: label words without training, and templates by T5 (LM-BFF §5)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.few_shot.tokenizer import PromptTokenizer
from avtool.tasks.lm_bff.label_search import EXHAUSTIVE, Assignments, Scores, candidates, mask_logits, nearest
from avtool.tasks.lm_bff.task import LmBffTask
from avtool.tasks.lm_bff.template_search import Form, T5Filler, as_template, search_templates, source_text

_MOST = {"text first": 50, "text last": 50, "pair": 100}
"""Templates of each form that are kept unless a number is given."""


@dataclass(frozen=True)
class Candidate:
    """A candidate of a search: label words by class, or a template, and its score."""

    value: Any
    score: float


def search_label_words(
    task: LmBffTask, reporter: Reporter, *, k: int, near: int, keep: int
) -> list[Candidate]:
    """The best label words by the training examples' accuracy without training, the best first.

    Args:
        task: examples, model and prompt.
        reporter: gets a note where not all assignments are scored.
        k: likeliest words of each class.
        near: of these, the words nearest to the task's own; 0 takes all.
        keep: assignments that are returned.

    Raises:
        AvtoolError: data and model do not fit together.
    """
    examples, text_task = task.examples.train, task.text_task
    scores, model = _scored(task)
    tokenizer = PromptTokenizer(task.host)
    whole = [token for token, word in tokenizer.words.items() if tokenizer.word_pieces(word) == [token]]
    classes = np.array([text_task.class_of(one.target) for one in examples])
    words = candidates(scores, classes, np.array(whole), len(text_task.words), max(k, near))
    if near:
        own = [tokens[0] for tokens in model.settings.words]
        decoder = model.host.get_output_embeddings().weight.detach().float().cpu().numpy()
        words = nearest(words, own, decoder, near)
    targets = np.array([one.target for one in examples])
    search = Assignments(scores, words, targets, regression=text_task.bounds is not None)
    if search.total > EXHAUSTIVE:
        limit = f"{search.total:.3g} assignments are more than {EXHAUSTIVE:.0e}"
        reporter.info(f"{limit}: beam search and coordinate ascent")
    return [
        Candidate(
            {
                label: [tokenizer.words[int(of_class[place])]]
                for label, of_class, place in zip(text_task.words, words, one.places, strict=True)
            },
            one.score,
        )
        for one in search.search(keep)
    ]


def _scored(task: LmBffTask) -> tuple[Scores, Any]:
    """The log probabilities (N, V) at the masks of N examples, and the model, a `MaskedLM`."""
    import torch

    from avtool.models.runtime import choose_device

    model, prompt = task.untrained()
    device = torch.device(choose_device(task.recipe.runtime.device).value)
    prompts = prompt.prompts([one.texts for one in task.examples.train])
    return mask_logits(model.eval().to(device), prompt, prompts, device), model


def search_task_templates(task: LmBffTask, t5: Path, *, beam: int, keep: int) -> list[Candidate]:
    """Templates that T5 fills in between the texts and the label words of the examples, the best first.

    Args:
        task: examples and label words.
        t5: a folder of T5.
        beam: width of the beam.
        keep: templates of each form; 0 for 50, of pairs 100.

    Raises:
        BadInputError: none was found.
        AvtoolError: data and T5 do not fit together.
    """
    from avtool.models.runtime import choose_device

    filler = T5Filler(t5, choose_device(task.recipe.runtime.device).value)
    forms: tuple[Form, ...] = ("text first", "text last") if len(task.text_task.texts) == 1 else ("pair",)
    found: dict[str, float] = {}
    for form in forms:
        ranked = list(_templates_of(form, task, filler, beam))
        for template, score in ranked[: keep or _MOST[form]]:
            found[template] = max(score, found.get(template, -np.inf))
    if not found:
        raise BadInputError("no template was found", "raise --beam")
    return [Candidate(template, score) for template, score in sorted(found.items(), key=lambda one: -one[1])]


def _templates_of(form: Form, task: LmBffTask, filler: T5Filler, beam: int) -> Iterator[tuple[str, float]]:
    """The templates of one form and their scores, without those that a template cannot be."""
    examples, text_task = task.examples.train, task.text_task
    words = [names[0] for names in text_task.words.values()]
    sources = [source_text(form, one.texts, words[text_task.class_of(one.target)]) for one in examples]
    for one in search_templates(filler.step(sources), filler.grammar(), beam):
        template = as_template(form, filler.text(one.first), filler.text(one.second))
        if template:
            yield template, one.score
