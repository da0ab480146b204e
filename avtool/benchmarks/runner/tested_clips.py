"""The check of a benchmark's models against its test clips."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from avtool.benchmarks.contamination import Contamination, clips_used, join, measure, unrecorded
from avtool.benchmarks.runner.data import BenchmarkData, Fold
from avtool.benchmarks.runner.models import encoder_of, learned_folds
from avtool.benchmarks.settings import EvalRecipe
from avtool.benchmarks.spec import BenchmarkSpec
from avtool.core.artifact import read_artifact
from avtool.core.errors import BadInputError
from avtool.core.learned_clips import By, LearnedClips, Match, Matches
from avtool.data.learned_clips import learned_from, named_clips
from avtool.evaluation.predictions import Predictions
from avtool.models.model_files import find_learned


class Tested(NamedTuple):
    """A model, and the test clips that it is scored on."""

    model: Path
    folds: list[Fold]


def folds_to_test(spec: BenchmarkSpec, settings: EvalRecipe, data: BenchmarkData) -> list[Fold]:
    """The folds to score: those of the settings, those that the model has not learned from, or all.

    Raises:
        BadInputError: the model has learned from all, or from one that is wanted, or has no record.
    """
    if not settings.model or not spec.data.folds:
        return [data.fold(number) for number in settings.folds or spec.folds_of(settings.protocol) or (0,)]
    record = find_learned(settings.model)
    if record is None:
        learned = learned_folds(settings.model)
    else:
        numbers = (data.fold(number) for number in spec.data.folds)
        learned = {fold.number for fold in numbers if clips_used(_uses(record, [fold]), "labels")}
    folds = settings.folds or tuple(fold for fold in spec.data.folds if fold not in learned)
    if shared := set(folds) & learned:
        message = f"`{settings.model}` has learned from fold {min(shared)}"
        raise BadInputError(message, "score it on other folds with --folds")
    if not folds:
        message = f"`{settings.model}` has learned from all folds"
        raise BadInputError(message, "score a model that was trained without one of them")
    return [data.fold(number) for number in folds]


def check_test_clips(
    data: BenchmarkData, settings: EvalRecipe, folds: list[Fold], start: Path | None = None
) -> Contamination:
    """Compares what is scored with the test clips.

    Args:
        data: of the benchmark.
        settings: which model, or which encoder.
        folds: those that are tested.
        start: weights that its trainings start from.

    Raises:
        BadInputError: a model has learned from test clips with their labels, or has no record of what it has
            learned from, and its classes are those of the benchmark.
    """
    if settings.predictions:
        return Contamination()  # they are compared when they have been read
    if (model := settings.model or start) is not None:
        tested = [Tested(model, folds)]
    elif settings.encoder:
        by_encoder: dict[Path, list[Fold]] = {}
        for fold in folds:
            by_encoder.setdefault(encoder_of(settings, fold.number), []).append(fold)
        tested = [Tested(model, of_model) for model, of_model in by_encoder.items()]
    else:
        return Contamination()
    return join([_check(data, settings, one) for one in tested])


def check_predictions(
    found: Predictions, spec: BenchmarkSpec, settings: EvalRecipe, data: BenchmarkData | None = None
) -> Contamination:
    """Compares predictions with the clips that their model has learned from, as `avtool predict` noted them.

    Args:
        found: the predictions.
        spec: of the benchmark; without a reader and published numbers, they are of one's own data.
        settings: of the evaluation.
        data: of the benchmark, where it has a reader.

    Raises:
        BadInputError: as for `check_test_clips`.
    """
    assert settings.predictions is not None, "predictions are scored"
    name, own_data = str(settings.predictions), data is None and not spec.published
    if found.learned is None:
        card = read_artifact(settings.predictions, "predictions")
        ours = any(item.kind == "model" for item in card.inputs)  # else another program has written them
        return unrecorded(
            name, spec.title, same_classes=ours and not own_data, unverified=settings.unverified
        )
    matches = {clip: uses for clip, uses in zip(found.clip_ids, found.learned, strict=True) if uses}
    if data is not None:
        for number in spec.data.folds or (0,):
            matches |= {
                clip: frozenset(one for one in matches[clip] if one.by == "clip")
                for clip in _shared(data.fold(number)) & matches.keys()
            }
    refused: tuple[By, ...] = ("clip",) if own_data else ("clip", "recording")  # all may be of one film
    return measure(name, matches, len(found.clip_ids), (), refused_by=refused)


def _check(data: BenchmarkData, settings: EvalRecipe, tested: Tested) -> Contamination:
    record, title = find_learned(tested.model), data.spec.title
    if record is None:
        same = set(data.classes) <= set(_classes(tested.model))
        return unrecorded(str(tested.model), title, same_classes=same, unverified=settings.unverified)
    matches = _uses(record, tested.folds)
    count = sum(len(fold.test) for fold in tested.folds)
    where = " and ".join(fold.name if fold.number else f"the test clips of {title}" for fold in tested.folds)
    return measure(str(tested.model), matches, count, record.unknown, where=where)


def _uses(record: LearnedClips, folds: Sequence[Fold]) -> Matches:
    """The test clips that were used: by name, or other than through what the official split shares."""
    found: dict[str, frozenset[Match]] = {}
    for fold in folds:
        if matches := record.matches(named_clips(fold.test)):
            shared = _shared(fold) - set(record.table["clip_id"].to_pylist())
            found |= {clip: uses for clip, uses in matches.items() if clip not in shared}
    return found


def _shared(fold: Fold) -> set[str]:
    """Test clips of which the official training part has a copy, or clips of their recordings."""
    return set(learned_from(fold.train, "labels").matches(named_clips(fold.test)))


def _classes(model: Path) -> Sequence[str]:
    """The classes of a model; none where it is no classifier, or a file that does not name them."""
    from avtool.models.foreign import locate
    from avtool.models.model_folder import read_description

    try:
        labels = read_description(locate(model)).preprocess.get("labels")
    except BadInputError:
        return []
    return [str(label) for label in labels] if isinstance(labels, list | tuple) else []
