"""The demonstration's page: how well films were mined, and what was learned from them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from avtool.core.report.page import data_uri, optional_report
from avtool.core.reporter import Reporter
from avtool.data.manifest import read_manifest
from avtool.evaluation.mined_events import EventScores
from avtool.evaluation.mistakes import worst_mistakes
from avtool.evaluation.predictions import Predictions
from avtool.evaluation.predictions_file import read_predictions
from avtool.evaluation.protocols.single_label import class_metrics
from avtool.evaluation.report import BenchmarkReport, Table
from avtool.evaluation.report_page import write_report_page
from avtool.jobs.demo.captioning import CaptionedFilm, caption_table
from avtool.jobs.demo.learning import LearnResult, known_clips
from avtool.jobs.demo.pretraining import PretrainedFilms, pretraining_table
from avtool.jobs.demo.queries import QueriedFilm, query_table


def write_demo_page(
    path: Path,
    mined: Path,
    scores: EventScores,
    pretrained: PretrainedFilms | None,
    learned: LearnResult | None,
    captioned: CaptionedFilm | None,
    reporter: Reporter,
    *,
    queried: QueriedFilm | None = None,
) -> BenchmarkReport:
    """Writes the page, and returns what it shows.

    Args:
        path: the HTML file.
        mined: the mined dataset, with its own page.
        scores: what mining found against what was put in.
        pretrained: what was learned without labels; None where nothing was.
        learned: what was learned from it; None where nothing was.
        captioned: the held-out film with captions; None where nothing was learned.
        reporter: gets clips that cannot be played.
        queried: what queries found in the held-out film; None where there were none.
    """
    report = _report(mined, scores, learned)
    if captioned is not None:
        report = replace(
            report,
            tables=[*report.tables, caption_table(captioned)],
            notes=[
                *report.notes,
                "The network has no class for speech and noise: its thresholds are of the training films.",
            ],
            metrics={**report.metrics, "captioning": asdict(captioned)},
        )
    if queried is not None:
        report = replace(
            report,
            tables=[*report.tables, query_table(queried)],
            notes=[*report.notes, *_query_notes(queried)],
            metrics={**report.metrics, "queries": asdict(queried)},
        )
    links, images = [("Mined events, with players", mined / "report.html")], []
    if captioned is not None:
        links += [(f"{page.stem} with its captions", page) for page in captioned.pages]
    if queried is not None:
        links.append(("Hits of the queries", queried.hits / "hits.html"))
    if pretrained is not None:
        report = replace(
            report,
            tables=[report.tables[0], pretraining_table(pretrained), *report.tables[1:]],
            notes=[*report.notes, *_pretraining_notes(pretrained)],
            metrics={**report.metrics, "pretraining": asdict(pretrained)},
        )
        sheet = data_uri(pretrained.sheet.read_bytes(), "image/png")
        images.append(("Reconstruction of a held-out film", sheet))
        links.append(("Curves of pretraining", pretrained.run / "report.html"))
    with optional_report(reporter):
        addresses = [(title, page.relative_to(path.parent).as_posix()) for title, page in links]
        title = "From captions to a model"
        write_report_page(path, title, report, {}, reporter, images=images, links=addresses)
    return report


def _report(mined: Path, scores: EventScores, learned: LearnResult | None) -> BenchmarkReport:
    headline = f"{scores.num_matched} of {scores.num_true} events found in captions that were out of time"
    notes: list[str] = []
    tables, metrics = [mining_table(scores)], _mining_metrics(scores)
    if learned is None:
        return BenchmarkReport(headline, metrics, tables, notes)
    test, _ = known_clips(read_predictions(learned.predictions))
    headline += f"; a network that learned from them names {100 * learned.accuracy:.0f} % of the sounds of "
    headline += f"the held-out film, where the most frequent sound has {100 * learned.majority:.0f} %"
    tables.append(learning_table(learned))
    low, high = (round(100 * share) for share in learned.interval)
    notes += [
        f"The network learned {learned.classes} sounds from {learned.train_clips} clips, none of them of the "
        f"held-out film ({', '.join(learned.films)}), of which {learned.test_clips} clips are scored, and "
        f"{learned.unscored} skipped because no other film has their sound.",
        f"The 95 % interval of the accuracy, a bootstrap over clips, is {low} to {high} %.",
        "All of these films are made by one program: real films differ more from each other.",
    ]
    media = _media(mined, test)
    metrics |= {"learning": asdict(learned), **class_metrics(test)}
    return BenchmarkReport(headline, metrics, tables, notes, worst_mistakes(test, media=media))


def _pretraining_notes(pretrained: PretrainedFilms) -> list[str]:
    return [
        f"A tiny MAViL learned to reconstruct patches of {pretrained.train_clips} clips, without labels, "
        f"in {pretrained.seconds:.0f} s. Mean and contrast of masked patches are those of the input, as the "
        "model predicts neither.",
    ]


def _query_notes(queried: QueriedFilm) -> list[str]:
    of_kinds = " and ".join(
        f"{one.num_right} of {one.num_queries} {one.kind} queries" for one in queried.scores
    )
    return [
        f"Every class of {queried.film} was looked for: of {of_kinds} the first hit has a tIoU above 0.3 "
        "with a true segment. The table has the most confident queries.",
        "A sound clip, cut out of another film, is compared with the classifier's features of the film; a "
        "sentence is labelled as captions are, and its class looked for. By chance: the first hits against "
        "the true segments of another query.",
    ]


def mining_table(scores: EventScores) -> Table:
    """What was found."""
    rows: Sequence[Sequence[Any]] = [
        ("events put in", scores.num_true),
        ("found with the right sound", scores.num_matched),
        ("found although not there", scores.num_found - scores.num_matched),
    ]
    if scores.num_matched:
        rows = [
            *rows,
            ("start error, median", f"{scores.start_error(50):.3f} s"),
            ("start error, 95 %", f"{scores.start_error(95):.3f} s"),
            ("stated sources right", f"{100 * scores.sources_right:.1f} %"),
            ("qualities right", f"{100 * scores.qualities_right:.1f} %"),
        ]
    return Table("mined from captions", ["", "events"], rows)


def learning_table(learned: LearnResult) -> Table:
    """The accuracy, beside baselines without learning."""
    rows = [
        ("the network", round(100 * learned.accuracy, 1)),
        ("always the most frequent sound", round(100 * learned.majority, 1)),
        ("by chance", round(100 / learned.classes, 1)),
    ]
    return Table("sounds of a held-out film named right, in %", ["", "accuracy"], rows)


def _mining_metrics(scores: EventScores) -> dict[str, Any]:
    return {"mining": {name: value for name, value in asdict(scores).items() if name != "errors_s"}}


def _media(mined: Path, test: Predictions) -> Mapping[str, Path]:
    clips = read_manifest(mined)
    wanted = set(test.clip_ids)
    return {clip.clip_id: clips.local(clip.audio) for clip in clips if clip.clip_id in wanted}
