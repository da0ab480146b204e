"""VGGSounder's protocol: predictions from audio, from video and from both, on the labels of each modality."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path, PurePosixPath

import numpy as np

from avtool.benchmarks.vggsounder.labels import ClipLabels, read_labels
from avtool.core.arrays import Bools, Floats
from avtool.core.errors import BadInputError
from avtool.evaluation.metrics.top_labels import TopLabelScores, modality_confusion, score_top_label
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.predictions_file import read_predictions
from avtool.evaluation.published import BenchmarkFacts, comparison
from avtool.evaluation.report import BenchmarkReport, Table

_SUBSETS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "a": ("audio", ("A", "AV")),
    "v": ("video", ("V", "AV")),
    "av": ("both", ("AV",)),
    "a only": ("audio", ("A",)),
    "v only": ("video", ("V",)),
}
"""Name → which predictions are scored, and the labels of which modalities they are compared with."""
_ALL = ("A", "V", "AV")


@dataclass(frozen=True)
class Modes:
    """Scores (N, C) of the same clips from audio alone, from video alone, and from both."""

    names: tuple[str, ...]
    classes: tuple[str, ...]
    scores: Mapping[str, Floats]

    def truth(self, labels: Mapping[str, ClipLabels], modalities: tuple[str, ...]) -> Bools:
        """(N, C) the labels of some modalities; those that are no class are skipped."""
        places = {name: column for column, name in enumerate(self.classes)}
        found = np.zeros((len(self.names), len(self.classes)), bool)
        for row, name in enumerate(self.names):
            for label in labels[name].of(modalities) & places.keys():
                found[row, places[label]] = True
        return found


def evaluate_vggsounder(
    table: Path, predictions: Mapping[str, Path], facts: BenchmarkFacts, name: str, *, music: bool
) -> BenchmarkReport:
    """Scores the three predictions of a model.

    Args:
        table: VGGSounder's labels.
        predictions: `audio`, `video` and `both`: the artifacts.
        facts: of the benchmark.
        name: of the model, in tables.
        music: whether clips with background music count; the paper leaves them out.

    Raises:
        BadInputError: the artifacts have other classes, or no clip of the table.
    """
    labels = {key: value for key, value in read_labels(table).items() if music or not value.music}
    modes = _read_modes(predictions, labels)
    scores: dict[str, TopLabelScores] = {}
    for subset, (mode, modalities) in _SUBSETS.items():
        truth = modes.truth(labels, modalities)
        rows = truth.any(axis=1)
        if rows.any():
            scores[subset] = score_top_label(truth[rows], modes.scores[mode][rows])
    truth = modes.truth(labels, _ALL)
    rows = truth.any(axis=1)
    confusion = modality_confusion(
        truth[rows], *(modes.scores[mode][rows] for mode in ("audio", "video", "both"))
    )
    ours = _columns(scores, confusion.audio, confusion.video, confusion.either_alone)
    facts, caveats = facts.against(len(modes.names), len(modes.classes))
    title, rows_of_ours = f"{facts.title}: the top label, in %", [(name, "see its card", ours)]
    return BenchmarkReport(
        headline=(
            f"{facts.title}: F1 {ours.get('F1 av', 0):.2f} % of both, modality confusion "
            f"{ours['μ a']:.2f} % (audio) and {ours['μ v']:.2f} % (video) of {confusion.num_clips} clips"
        ),
        metrics={**ours, "clips": {key: value.num_clips for key, value in scores.items()}},
        tables=[
            comparison(title, facts.published, rows_of_ours),
            Table(
                "clips of each part of the labels", ["labels", "scored from", "clips"],
                [[key, _SUBSETS[key][0], value.num_clips] for key, value in scores.items()],
            ),
        ],
        notes=[*facts.coverage(len(modes.names)), *facts.closing_notes()],
        caveats=caveats,
    )  # fmt: skip


def _columns(
    scores: Mapping[str, TopLabelScores], audio: float, video: float, both: float
) -> dict[str, float]:
    found: dict[str, float] = {}
    for key, title in (("accuracy", "accuracy"), ("f1", "F1"), ("hit", "hit")):
        subsets = _SUBSETS if key == "f1" else ("a", "v", "av")
        found |= {f"{title} {part}": 100 * getattr(scores[part], key) for part in subsets if part in scores}
    return {**found, "μ a": 100 * audio, "μ v": 100 * video, "μ av": 100 * both}


def _read_modes(paths: Mapping[str, Path], labels: Mapping[str, ClipLabels]) -> Modes:
    """The clips that all three predictions and the table have, in the order of their names."""
    found = {mode: read_predictions(path) for mode, path in paths.items()}
    first = next(iter(found.values()))
    for mode, one in found.items():
        if one.classes != first.classes:
            message = f"`{paths[mode]}` has other classes than `{next(iter(paths.values()))}`"
            raise BadInputError(message, "predict with the same model in all three modes")
    places = {mode: _names(one) for mode, one in found.items()}
    shared = (
        reduce(lambda left, right: left & right, (set(names) for names in places.values())) & labels.keys()
    )
    known = set(first.classes)
    names = tuple(sorted(name for name in shared if labels[name].modality.keys() & known))
    if not names:
        message = "no predicted clip has a label of VGGSounder that is a class of the model"
        raise BadInputError(message, "predict VGGSound's test clips, with a model of its classes")
    scores = {
        mode: one.scores[[places[mode][name] for name in names]].astype(np.float64)
        for mode, one in found.items()
    }
    return Modes(names, first.classes, scores)


def _names(predictions: Predictions) -> dict[str, int]:
    """The clip of each row, as VGGSound's files are named, whatever their folder and suffix."""
    return {PurePosixPath(name).stem: row for row, name in enumerate(predictions.clip_ids)}
