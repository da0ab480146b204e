"""The report of a dense-captioning submission: metrics beside published ones, by tIoU, and by video."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from avtool.benchmarks.dense_captions.spec import DenseCaptionSpec
from avtool.evaluation.dense_captions.overlap import tiou
from avtool.evaluation.dense_captions.protocol import DenseCaptionScores
from avtool.evaluation.dense_captions.segments import CaptionedSegment, Captions
from avtool.evaluation.published import BenchmarkFacts, comparison
from avtool.evaluation.report import BenchmarkReport, Table

_NAMES: Final = {
    "meteor_2021": "METEOR 2021",
    "meteor_2018": "METEOR 2018",
    "bleu_1": "BLEU-1",
    "bleu_2": "BLEU-2",
    "bleu_3": "BLEU-3",
    "bleu_4": "BLEU-4",
    "rouge_l": "ROUGE-L",
    "cider": "CIDEr",
    "precision": "precision",
    "recall": "recall",
}
_SHOWN_VIDEOS: Final = 20
_SHOWN_SEGMENTS: Final = 40


def dense_caption_report(
    name: str,
    spec: DenseCaptionSpec,
    scores: DenseCaptionScores,
    submission: Captions,
    references: Sequence[Captions],
    files: Sequence[Path],
    backend: str,
) -> BenchmarkReport:
    """The report; every number of its tables is in %.

    Args:
        name: of what is scored.
        spec: the set.
        scores: of the submission.
        submission: predictions.
        references: of each annotator.
        files: of the references, for the notes.
        backend: of METEOR.
    """
    ours = _in_percent(scores.means())
    rows = [(name, "", ours)]
    if scores.missing and len(scores.missing) < len(scores.videos):
        kept = len(scores.videos) - len(scores.missing)
        rows.append((f"{name}, only its {kept} videos", "", _in_percent(scores.means(present=True))))
    groups = spec.published
    tables = [comparison(f"{spec.title}, in %", groups.get("results", ()), rows)]
    if truth := groups.get("ground_truth"):
        tables.append(comparison("captions of ground-truth segments, in %", truth, rows))
    if old := groups.get("evaluator_2017"):
        columns = ["model", "METEOR of 2017", "BLEU-4", "standing"]
        values = [
            [row.model, row.metrics["METEOR"], row.metrics.get("BLEU-4", ""), row.standing] for row in old
        ]
        tables.append(Table("by the evaluator of 2017, in %: not comparable", columns, values))
    facts = BenchmarkFacts(spec.title, published=tuple(row for group in groups.values() for row in group))
    return BenchmarkReport(
        headline=f"METEOR 2021 {ours['METEOR 2021']:.2f} (2018: {ours['METEOR 2018']:.2f}), "
        f"SODA_c {ours['SODA_c']:.2f}, CIDEr {ours['CIDEr']:.2f}",
        metrics=_metrics(scores, backend),
        tables=[*tables, _by_threshold(scores), _by_video(scores), _segments(scores, submission, references)],
        notes=[*_notes(scores, spec, files, backend), *facts.closing_notes()],
    )


def _in_percent(means: Mapping[str, float]) -> dict[str, float]:
    found = {title: 100 * means[key] for key, title in _NAMES.items()}
    return found | {"SODA_c": 100 * means["soda_c"]}


def _metrics(scores: DenseCaptionScores, backend: str) -> dict[str, Any]:
    def both(present: bool) -> dict[str, Any]:
        by_threshold = {
            name: values.tolist() for name, values in scores.by_threshold(present=present).items()
        }
        return {**scores.means(present=present), "by_tiou": by_threshold}

    return {
        **both(present=False),
        "tiou": list(scores.thresholds),
        "submitted_videos_only": both(present=True) if len(scores.missing) < len(scores.videos) else None,
        "proposal_area": scores.proposal_area,
        "meteor_backend": backend,
        "videos": len(scores.videos),
        "missing_videos": len(scores.missing),
        "unscored_videos": scores.unscored,
        "predictions": scores.num_predictions,
        "by_video": {
            video: {name: float(values[row].mean()) for name, values in scores.by_video.items()}
            | {"soda_c": float(np.mean([one[video].f1 for one in scores.soda if video in one]))}
            for row, video in enumerate(scores.videos)
        },
    }


def _by_threshold(scores: DenseCaptionScores) -> Table:
    values = scores.by_threshold()
    rows = [[title, *(round(100 * one, 4) for one in values[key])] for key, title in _NAMES.items()]
    return Table("by tIoU, in %", ["metric", *map(str, scores.thresholds)], rows)


def _by_video(scores: DenseCaptionScores) -> Table:
    """The worst and the best videos, by METEOR."""
    meteor = scores.by_video["meteor_2021"].mean(axis=1)
    gone = set(scores.missing)
    order = [row for row in np.argsort(meteor, kind="stable").tolist() if scores.videos[row] not in gone]
    half = _SHOWN_VIDEOS // 2
    shown = order if len(order) <= _SHOWN_VIDEOS else [*order[:half], *order[-half:]]
    columns = ["video", "METEOR 2021", "CIDEr", "SODA_c", "precision", "recall"]
    rows = []
    for row in shown:
        video = scores.videos[row]
        values = [scores.by_video[key][row].mean() for key in ("meteor_2021", "cider")]
        values.append(np.mean([one[video].f1 for one in scores.soda if video in one]))
        values += [scores.by_video[key][row].mean() for key in ("precision", "recall")]
        rows.append([video, *(round(100 * float(value), 2) for value in values)])
    title = (
        "by video, in %"
        if len(shown) == len(order)
        else f"the worst and the best of {len(order)} videos, in %"
    )
    return Table(title, columns, rows)


def _segments(scores: DenseCaptionScores, submission: Captions, references: Sequence[Captions]) -> Table:
    """Predicted segments beside the first annotator's, of the videos with the lowest scores."""
    meteor = scores.by_video["meteor_2021"].mean(axis=1)
    rows: list[list[object]] = []
    for row in np.argsort(meteor, kind="stable"):
        video = scores.videos[row]
        given = submission.get(video, ())
        truth = next((one[video] for one in references if one.get(video)), ())
        if given and truth:
            rows += _matched(video, given, truth)
        if len(rows) >= _SHOWN_SEGMENTS:
            break
    columns = ["video", "found", "predicted", "caption", "reference", "its caption", "tIoU"]
    return Table("segments of the videos with the lowest METEOR", columns, rows[:_SHOWN_SEGMENTS])


def _matched(
    video: str, given: Sequence[CaptionedSegment], truth: Sequence[CaptionedSegment]
) -> list[list[object]]:
    """Predictions with the reference that they overlap most, then the references that none overlaps."""
    overlap = tiou(given, truth)
    rows = []
    for segment, values in zip(given, overlap, strict=True):
        best = int(values.argmax())
        kind = "matched" if values[best] >= 0.3 else "false"  # the protocol's lowest tIoU
        other = truth[best] if kind == "matched" else None
        rows.append(_row(video, kind, segment, other, float(values[best])))
    rows += [
        _row(video, "missed", None, segment, float(values.max()))
        for segment, values in zip(truth, overlap.T, strict=True)
        if values.max() < 0.3
    ]
    return rows


def _row(
    video: str, kind: str, given: CaptionedSegment | None, true: CaptionedSegment | None, overlap: float
) -> list[object]:
    cells = [
        cell
        for segment in (given, true)
        for cell in (
            (f"{segment.start:.1f}–{segment.end:.1f} s", segment.sentence.strip()) if segment else ("", "")
        )
    ]
    return [video, kind, *cells, round(overlap, 2)]


def _notes(
    scores: DenseCaptionScores, spec: DenseCaptionSpec, files: Sequence[Path], backend: str
) -> list[str]:
    notes = [
        f"Scored: {scores.num_predictions} segments of {len(scores.videos)} videos; references: "
        f"{', '.join(path.name for path in files)}.",
        "Metrics are means over videos, then over tIoU 0.3, 0.5, 0.7 and 0.9; SODA_c over annotators.",
        f"METEOR and tokens by {backend}.",
        f"Proposals: area below average recall over up to 100 proposals {100 * scores.proposal_area:.2f} %.",
    ]
    if len(scores.videos) < spec.videos:
        notes.append(f"{spec.title} has {spec.videos} videos: published numbers are on all of them.")
    if scores.missing:
        notes.append(
            f"{len(scores.missing)} videos without a prediction count 0, as the protocol has it. SODA's "
            "program and some papers skip them, as does the row of the submission's own videos."
        )
    if scores.unscored:
        notes.append(f"{scores.unscored} videos of the submission have no references: they are skipped.")
    return notes
