"""Searches for label words and for templates of a few-shot text task."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.files import check_output_file, write_text
from avtool.core.reporter import Reporter
from avtool.tasks.lm_bff.recipe import LmBffRecipe
from avtool.tasks.lm_bff.search import Candidate, search_label_words, search_task_templates
from avtool.tasks.lm_bff.task import LmBffTask


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
    task = LmBffTask(source, recipe, reporter)
    check_output_file(out, _inputs(task))
    found = search_label_words(task, reporter, k=k, near=near, keep=keep)
    rows = [{"words": one.value, "score": round(one.score, 6)} for one in found]
    write_text(out, "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n")
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
    task = LmBffTask(source, recipe, reporter)
    check_output_file(out, [*_inputs(task), t5])
    found = search_task_templates(task, t5, beam=beam, keep=keep)
    write_text(out, "".join(f"{one.value}\t{one.score:.4f}\n" for one in found))
    return SearchResult(out, found)


def _inputs(task: LmBffTask) -> list[Path]:
    return [task.host, *(Path(one.path) for one in task.inputs)]
