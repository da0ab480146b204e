"""A classifier of prompts applied to tables of texts, and to text files with a text a line."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avtool.core.artifact import Artifact, Input
from avtool.core.artifact_folder import open_partial, publish
from avtool.core.files import read_json, sha256_of, write_csv
from avtool.core.reporter import Reporter
from avtool.data.few_shot.examples import TextRows, read_text_rows
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.predictions_file import write_predictions
from avtool.inference.files import FileOutcome
from avtool.inference.prompts import Logits, as_values, softmax
from avtool.inference.recipes import PredictRecipe
from avtool.inference.text_classifier import TextClassifier
from avtool.models.model_files import PREPROCESS, weights_file


@dataclass(frozen=True)
class TextPredictions:
    """The artifact that was written, a line for each file (its most frequent class), and seconds it took."""

    out: Path
    files: list[FileOutcome]
    seconds: float


def takes_prompts(model: Path) -> bool:
    """Whether a path is a model, or the run of one, that classifies texts in prompts."""
    for folder in (model, model / "model"):
        if (folder / PREPROCESS).is_file():
            values = read_json(folder / PREPROCESS)
            inputs = values.get("inputs", ()) if isinstance(values, dict) else ()
            return isinstance(inputs, dict) and "prompt" in inputs
    return False


def predict_texts(
    sources: Sequence[str],
    model: Path,
    out: Path,
    recipe: PredictRecipe,
    reporter: Reporter,
    *,
    overwrite: bool = False,
    command: str = "predict",
) -> TextPredictions:
    """Classifies every row of tables, or every line of text files.

    Args:
        sources: CSV and TSV files with the columns of the model's task, or text files.
        model: a model of prompts, or its run.
        out: the `predictions` artifact to write; `scores.csv` has the texts, the class and all probabilities.
        recipe: the settings.
        reporter: receives decisions.
        overwrite: replace what is there.
        command: the command line, for the card.

    Raises:
        AvtoolError: the model or a file cannot be used.
    """
    begin = time.perf_counter()
    classifier = TextClassifier(model, recipe.runtime.device)
    settings = classifier.prompt.settings
    rows = [(source, read_text_rows(Path(source), settings.texts, settings.label)) for source in sources]
    used = Input(str(model), "model", sha256_of(weights_file(model)))
    card = {"command": "predict", "model": used.sha256, "sources": [sha256_of(Path(one)) for one in sources]}
    partial = open_partial(
        out, card, kind="predictions", overwrite=overwrite, inputs=[model, *map(Path, sources)]
    )
    files, parts = [], []
    for source, found in rows:
        logits = classifier(found.texts)
        parts.append((source, found, logits))
        best = Counter(classifier.labels[place] for place in logits.argmax(axis=1)).most_common(1)[0]
        share = round(best[1] / len(found.texts), 4)
        files.append(FileOutcome(source, "predicted", best[0], share))
        reporter.info(f"{source}: {len(found.texts)} texts, {best[1]} of them `{best[0]}`")
    _write(partial, parts, classifier)
    publish(out, Artifact("predictions", command, card, inputs=[used]))
    return TextPredictions(out, files, round(time.perf_counter() - begin, 3))


def _write(partial: Path, parts: Sequence[tuple[str, TextRows, Logits]], classifier: TextClassifier) -> None:
    settings, labels = classifier.settings, classifier.labels
    logits = np.concatenate([part for *_, part in parts])
    names = [f"{source}:{number}" for source, found, _ in parts for number in found.numbers]
    known = [name for _, found, _ in parts for name in found.labels]
    predictions = Predictions(
        tuple(names), labels, logits, tuple((name,) if name in labels else () for name in known)
    )
    write_predictions(partial, predictions)
    texts = [one for _, found, _ in parts for one in found.texts]
    shares = softmax(logits)
    values = as_values(logits, settings.bounds) if settings.bounds else None
    outcome = [labels[place] for place in logits.argmax(axis=1)]
    if values is not None:
        outcome = [f"{value:.4f}" for value in values]
    rows = [
        [name, *one, value, *(f"{share:.6f}" for share in row)]
        for name, one, value, row in zip(names, texts, outcome, shares, strict=True)
    ]
    kind = "class" if values is None else "value"
    write_csv(partial / "scores.csv", ["row", *settings.texts, kind, *labels], rows)
