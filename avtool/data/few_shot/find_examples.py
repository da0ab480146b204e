"""The examples of a training: to learn from, to validate on, to test on; from a split's folder or drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.few_shot.examples import Duplicates, Example, read_examples
from avtool.data.few_shot.k_shot import KShot, draw_grouped, draw_k_shot
from avtool.data.few_shot.text_task import TextTask

_SUFFIXES = (".tsv", ".csv", ".txt")
_TEST_NAMES = ("test", "test_matched")
_SHOWN = 5


@dataclass(frozen=True)
class FewShot:
    """Examples by what is done with them; `test` may be empty."""

    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    test: tuple[Example, ...] = ()


@dataclass(frozen=True)
class Draw:
    """How examples are drawn from one file.

    Attributes:
        k: of each class, to train on and to validate on; 0 validates on a tenth and trains on the rest.
        seed: of the draw.
        grouped: whether groups of the rest are none of those drawn.
        duplicates: what becomes of texts with two labels.
        max_test: most examples to test on, evenly spaced; 0 for all.
    """

    k: int = 16
    seed: int = 13
    grouped: bool = False
    duplicates: Duplicates = "refuse"
    max_test: int = 0


def find_examples(
    source: Path, task: TextTask, draw: Draw, reporter: Reporter, test: Path | None = None
) -> FewShot:
    """The examples of a folder `{train,dev,test}.{tsv,csv,txt}`, or a K-shot draw from one file.

    Args:
        source: the folder, or the file.
        task: columns and classes.
        draw: how a file is drawn from.
        reporter: receives what was found.
        test: a file of test examples; by default the folder's, or what the draw leaves.

    Raises:
        BadInputError: a file cannot be read, a class has too few examples, or test examples are among the
            others.
    """
    if source.is_dir():
        found = _from_folder(source, task, draw)
    elif source.is_file():
        found = _from_file(source, task, draw)
    else:
        raise BadInputError(f"`{source}` does not exist", "give a file of examples, or a folder of a split")
    if test is not None:
        found = FewShot(found.train, found.dev, tuple(read_examples(test, task, duplicates="keep")))
    given = test is not None or source.is_dir()
    found = _without_leaks(found, reporter, refuse=given and draw.duplicates != "keep")
    if draw.max_test and len(found.test) > draw.max_test:
        places = np.linspace(0, len(found.test) - 1, draw.max_test).round().astype(int)
        reporter.info(f"{draw.max_test} of {len(found.test)} test examples, evenly spaced")
        found = FewShot(found.train, found.dev, tuple(found.test[place] for place in places))
    _check(source, found, task, reporter)
    return found


def split_files(source: Path) -> dict[str, Path]:
    """The files of a split's folder by part.

    Raises:
        BadInputError: there is no training file, or no validation file.
    """
    found: dict[str, Path] = {}
    for part, names in {"train": ("train",), "dev": ("dev", "val"), "test": _TEST_NAMES}.items():
        for path in (source / f"{name}{suffix}" for name in names for suffix in _SUFFIXES):
            if path.is_file():
                found.setdefault(part, path)
    if lacking := [part for part in ("train", "dev") if part not in found]:
        message = f"`{source}` has no {lacking[0]} file"
        raise BadInputError(message, "a split has train.tsv and dev.tsv (or .csv, .txt), and test.tsv")
    return found


def _from_folder(source: Path, task: TextTask, draw: Draw) -> FewShot:
    files = split_files(source)
    parts = {
        part: tuple(read_examples(path, task, duplicates=draw.duplicates)) for part, path in files.items()
    }
    return FewShot(parts["train"], parts["dev"], parts.get("test", ()))


def _from_file(source: Path, task: TextTask, draw: Draw) -> FewShot:
    examples = read_examples(source, task, duplicates=draw.duplicates)
    places = draw_places(examples, task, draw)
    parts = (places.train, places.dev, places.rest)
    return FewShot(*(tuple(examples[place] for place in part) for part in parts))


def draw_places(examples: Sequence[Example], task: TextTask, draw: Draw) -> KShot:
    """The places of examples in a draw.

    Raises:
        BadInputError: a class has too few examples, or there are no groups.
    """
    labels = [task.labels[task.class_of(example.target)] for example in examples]
    if not draw.k:
        order = np.random.default_rng(draw.seed).permutation(len(examples)).tolist()
        tenth = max(1, len(order) // 10)
        return KShot(tuple(order[tenth:]), tuple(order[:tenth]), ())
    if not draw.grouped:
        return draw_k_shot(labels, draw.k, draw.seed)
    groups = [example.group for example in examples]
    if not any(groups):
        raise BadInputError(
            "a grouped draw needs groups, and the examples have none", "set group in the task's file"
        )
    return draw_grouped(labels, groups, draw.k, draw.seed)


def _without_leaks(found: FewShot, reporter: Reporter, *, refuse: bool) -> FewShot:
    """Test examples whose texts are no examples of training or validation."""
    seen = {example.texts for example in (*found.train, *found.dev)}
    leaks = [example for example in found.test if example.texts in seen]
    if not leaks:
        return found
    rows = ", ".join(str(example.row) for example in leaks[:_SHOWN]) + (" …" if len(leaks) > _SHOWN else "")
    if refuse:
        message = f"{len(leaks)} test examples are training or validation examples too (test rows {rows})"
        raise BadInputError(message, "remove these rows from the test file")
    reporter.warn(f"{len(leaks)} test examples are training or validation examples too, and are not tested")
    return FewShot(found.train, found.dev, tuple(one for one in found.test if one.texts not in seen))


def _check(source: Path, found: FewShot, task: TextTask, reporter: Reporter) -> None:
    if not found.train or not found.dev:
        raise BadInputError(f"`{source}` has no examples to train or to validate on", "add examples")
    classes = {task.class_of(example.target) for example in found.train}
    if lacking := [label for number, label in enumerate(task.labels) if number not in classes]:
        reporter.warn(f"no training example of class {', '.join(lacking)}")
    if len(found.dev) > 2 * len(found.train):
        reporter.warn(
            f"{len(found.dev)} validation examples for {len(found.train)} to train on: not few-shot"
        )
    empty = sum(not any(map(str.isalnum, "".join(one.texts))) for one in (*found.train, *found.dev))
    if empty:
        reporter.warn(f"{empty} examples have no letter and no digit")
