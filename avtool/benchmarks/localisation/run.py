"""A run of a query localisation benchmark: a submission is scored, or searched for and then scored."""

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from avtool.benchmarks.localisation.report import Coverage, Scored
from avtool.benchmarks.localisation.settings import LocalisationSettings
from avtool.core.errors import BadInputError
from avtool.core.files import check_output_file
from avtool.core.reporter import Reporter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from avtool.benchmarks.localisation.searching import QuerySearch

SIMILARITY = "similarity engine"


def score_submission(
    protocol: str, annotations: Path, settings: LocalisationSettings, reporter: Reporter
) -> tuple[str, Scored]:
    """The name of a submission, and its scores.

    Raises:
        BadInputError: it is absent, unreadable, or of other queries.
    """
    del reporter
    assert settings.predictions is not None, "checked before"
    return settings.predictions.stem, _score(protocol, annotations, settings.predictions, settings)


def score_search(
    protocol: str, annotations: Path, settings: LocalisationSettings, reporter: Reporter
) -> tuple[str, Scored]:
    """The name of an engine, and the scores of what it finds; similarity is a baseline of a network.

    Raises:
        BadInputError: films or annotations cannot be read, or the engine takes none of the queries.
    """
    from avtool.benchmarks.localisation.searching import QuerySearch
    from avtool.benchmarks.localisation.writing import write_submission

    if settings.submission is not None:
        check_output_file(settings.submission, [annotations])
    search = QuerySearch(protocol, annotations, settings, reporter)
    if search.untimed:
        return _submit(search, settings)
    engines = {} if settings.engine == "similarity" else {_name(settings.model): settings.model}
    scores: dict[str, Scored] = {}
    notes: list[str] = []
    with _place(settings.submission) as main, TemporaryDirectory() as other:
        for name, model in {**engines, SIMILARITY: None}.items():
            path = Path(other) / main.name if scores else main
            try:
                searched = search.run(model)
            except BadInputError as error:
                if not scores:
                    raise
                notes.append(f"{name}: {error}.")
                continue
            write_submission(protocol, search.table, searched.found, path)
            scores[name] = _score(protocol, annotations, path, settings)
            notes += searched.notes(name, search.scope)
    (name, first), *rest = scores.items()
    if protocol == "activities":
        notes.append(_labels_note(settings))
    similar: Mapping[str, Mapping[str, float]] = {kind: one.means for kind, one in rest}
    return name, replace(first, baselines={**similar, **first.baselines}, notes=[*notes, *first.notes])


def _submit(search: "QuerySearch", settings: LocalisationSettings) -> tuple[str, Scored]:
    """What an engine finds in a test set is written, and nothing scored."""
    from avtool.benchmarks.localisation.writing import write_submission

    assert settings.submission is not None, "queries without segments are read for it alone"
    model = None if settings.engine == "similarity" else settings.model
    name, searched = _name(model), search.run(model)
    write_submission(search.protocol, search.table, searched.found, settings.submission)
    queries = list(search.table.queries())
    coverage = Coverage(len(queries), [key for key in queries if key not in searched.found])
    notes = [
        f"The annotations have no true segments: `{settings.submission}` was written, and nothing scored.",
        *searched.notes(name, search.scope),
    ]
    return name, Scored({}, {}, coverage, {}, notes=notes)


def _score(protocol: str, annotations: Path, predictions: Path, settings: LocalisationSettings) -> Scored:
    module: Any = import_module(f"avtool.benchmarks.localisation.{protocol}")
    scored: Scored = module.score(annotations, predictions, fix=settings.fix, seed=settings.seed)
    return scored


def _name(model: Path | None) -> str:
    return model.name if model is not None else SIMILARITY


def _labels_note(settings: LocalisationSettings) -> str:
    if settings.given_labels:
        return "Each clip was searched for its own labels alone: mAP compares with no published one."
    return "Each clip was searched for every label of the annotations."


@contextmanager
def _place(submission: Path | None) -> "Iterator[Path]":
    """Where a submission is written: in a folder that goes again, unless it is wanted."""
    if submission is not None:
        yield submission
        return
    with TemporaryDirectory() as folder:
        yield Path(folder) / "submission.jsonl"
