"""Tables of the fingerprint benchmark: the recall of each system on each distortion."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from avtool.benchmarks.fingerprint.collection import LANDMARKS, Collection, Modality
from avtool.benchmarks.fingerprint.distortions import DISTORTIONS
from avtool.benchmarks.fingerprint.voting import NEIGHBOURS, ranks_of_votes
from avtool.core.arrays import Ints
from avtool.evaluation.metrics.intervals import mean_interval
from avtool.evaluation.metrics.ranks import share_within
from avtool.evaluation.report import BenchmarkReport, Table

_KS = (1, 5, 10)
_TITLES: dict[Modality, str] = {
    "audio": "audio alone",
    "video": "video alone",
    "both": "audio and video",
}


def fingerprint_report(collection: Collection, pairs: Sequence[str]) -> BenchmarkReport:
    """Scores every system on every distortion that changes what it reads.

    Args:
        collection: with the clips and their copies.
        pairs: names of systems that read audio and video, and are scored with both together too.
    """
    columns: dict[Modality, list[str]] = {
        "audio": [LANDMARKS, *(s.name for s in collection.systems if s.modality == "audio")],
        "video": [s.name for s in collection.systems if s.modality == "video"],
        "both": list(pairs),
    }
    tables, summary, metrics = [], [], {}
    for modality, systems in columns.items():
        found = {name: _ranks(collection, name, modality) for name in systems}
        found = {name: ranks for name, ranks in found.items() if ranks}
        if not found:
            continue
        tables.append(_distortion_table(modality, found))
        for name, ranks in found.items():
            row, values = _summary(collection, name, modality, ranks)
            summary.append(row)
            metrics[f"{name}, {modality}"] = values
    columns_of_summary = ["system", "modality", "clips", "R@1", "low", "high", "R@5", "R@10"]
    title = "clips found again, mean over distortions in % (95 % interval of R@1: bootstrap over files)"
    tables.insert(0, Table(title, columns_of_summary, summary))
    best = max(summary, key=lambda row: row[3])
    headline = (
        f"{collection.num_clips} clips of {len(set(collection.sources))} files: R@1 {best[3]:.1f} % by "
        f"{best[0]} ({best[1]}), the best of {len(summary)}"
    )
    return BenchmarkReport(
        headline, {"clips": collection.num_clips, "systems": metrics}, tables, _notes(collection)
    )


def _ranks(collection: Collection, system: str, modality: Modality) -> dict[str, tuple[Ints, list[int]]]:
    """By distortion: the rank of each copy's clip, and the clips whose copies are queries."""
    found = {}
    for distortion in DISTORTIONS:
        if modality in {distortion.part, "both"} or distortion.part == "both":
            votes, queried = collection.votes(system, modality, distortion)
            if queried:
                found[distortion.name] = ranks_of_votes(votes, np.array(queried, np.int64)), queried
    return found


def _distortion_table(modality: Modality, found: dict[str, dict[str, tuple[Ints, list[int]]]]) -> Table:
    names = dict.fromkeys(name for ranks in found.values() for name in ranks)
    rows = [
        [name, *(round(100 * share_within(ranks[name][0], 1), 1) for ranks in found.values())]
        for name in names
    ]
    return Table(f"R@1 by distortion in %: {_TITLES[modality]}", ["distortion", *found], rows)


def _summary(
    collection: Collection, name: str, modality: Modality, ranks: dict[str, tuple[Ints, list[int]]]
) -> tuple[list[Any], dict[str, Any]]:
    recall = {k: float(np.mean([share_within(found, k) for found, _ in ranks.values()])) for k in _KS}
    hits = np.concatenate([found == 1 for found, _ in ranks.values()]).astype(float)
    queried = [number for _, numbers in ranks.values() for number in numbers]
    interval = mean_interval(hits, groups=[collection.sources[number] for number in queried])
    clips = len(set(queried))
    values = [100 * recall[1], 100 * interval.low, 100 * interval.high, 100 * recall[5], 100 * recall[10]]
    by_distortion = {
        distortion: {f"R@{k}": 100 * share_within(found, k) for k in _KS}
        for distortion, (found, _) in ranks.items()
    }
    metrics = {
        "clips": clips,
        **{f"R@{k}": 100 * value for k, value in recall.items()},
        "interval": values[1:3],
        "distortions": by_distortion,
    }
    return [name, _TITLES[modality], clips, *(round(value, 1) for value in values)], metrics


def _notes(collection: Collection) -> list[str]:
    return [
        f"Each window of a copy (one every {collection.hop:g} s) lets its {NEIGHBOURS} nearest windows of "
        "the database vote for their clips with their cosine; landmarks count pairs of spectral peaks at one "
        "offset.",
        "Audio and video together: the mean of the two similarities. A distortion of one leaves the other "
        "whole, so that these numbers show how much the whole one carries.",
        "Clips of one film are neighbours in the database: to find the film is not enough. Chance is "
        f"{100 / max(1, collection.num_clips):.1f} %. Silent audio (below -60 dB) is no query.",
        "Of equal votes the clip that stands first wins; a clip without a vote is not found.",
    ]
