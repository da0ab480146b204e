"""Conversion of published annotations, and of datasets, into a table of queries."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import field_validator

from avtool.core.errors import BadInputError
from avtool.core.files import check_own_output
from avtool.core.recipe import Recipe, listed, option
from avtool.core.reporter import Reporter
from avtool.data.queries.collector import Collector, ConvertOptions, ZeroLength
from avtool.data.queries.convert import convert as convert_annotations
from avtool.data.queries.table import KINDS, Kind, read_queries, write_queries

_SUFFIXES = (".jsonl", ".csv")


class ConvertRecipe(Recipe):
    """`avtool localize convert`."""

    source: str = option(
        "dataset",
        "Form of the annotations: ego4d-vq, ego4d-nlq, ego4d-mq, qvhighlights, charades-sta, dataset.",
        flag="--from",
    )
    media: Path | None = option(
        None, "Folder of the films.  [default: names stay as the annotations have them]", flag="--media"
    )
    fix: bool = option(
        False,
        "Drop segments that end before they start or are not finite; cut boxes to the frame, and tracks to "
        "what follows the last missing frame.",
        flag="--fix",
    )
    zero_length: ZeroLength = option(
        "drop", "Segments without a length: drop, pad or keep.", flag="--zero-length"
    )
    pad: float = option(1.0, "Seconds to which --zero-length pad pads.", flag="--pad", gt=0)
    kinds: tuple[Kind, ...] = option(
        ("label", "text", "audio"), "Of a dataset: kinds of queries.", flag="--kinds", min_length=1
    )
    audio_queries: int = option(
        1, "Of a dataset: audio queries of a label in a film, each another film's event.", ge=1
    )
    absent: int = option(0, "Of a dataset: label queries a film of labels that it lacks.", ge=0)
    untimed: bool = option(False, "Keep queries without a segment, as of a test set, as absent ones.")
    seed: int = option(0, "Seed of the choice of audio and absent queries.", flag="--seed", ge=0)

    @field_validator("kinds", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return listed(value)

    def options(self) -> ConvertOptions:
        """What the converters take."""
        return ConvertOptions(
            media=self.media,
            fix=self.fix,
            zero_length=self.zero_length,
            untimed=self.untimed,
            pad=self.pad,
            kinds=self.kinds,
            audio_queries=self.audio_queries,
            absent=self.absent,
            seed=self.seed,
        )


@dataclass(frozen=True)
class ConvertResult:
    """Counts of a conversion.

    Attributes:
        out: the table.
        rows: in it.
        queries: in it.
        films: in it.
        kinds: kind → queries.
        splits: split → queries.
        segments: that were read.
        zero_length: of them without a length; `--zero-length` decides about them.
        outside: of them that begin behind the end of their film: no prediction finds them.
        dropped: by --fix.
        clipped: by --fix.
        lost_media: films that are not in the folder of media.
        skipped: reason → records without a query.
    """

    out: Path
    rows: int
    queries: int
    films: int
    kinds: dict[str, int]
    splits: dict[str, int]
    segments: int
    zero_length: int
    outside: int
    dropped: int
    clipped: int
    lost_media: int
    skipped: dict[str, int]


def convert(
    path: Path, out: Path, recipe: ConvertRecipe, reporter: Reporter, *, overwrite: bool = False
) -> ConvertResult:
    """Writes a table of queries.

    Args:
        path: the annotations, or the dataset.
        out: the table: `.jsonl` or `.csv`.
        recipe: the settings.
        reporter: gets what is lost.
        overwrite: whether an older table there may go.

    Raises:
        BadInputError: the annotations are unreadable, cut off or of another kind, a segment makes no sense,
            or nothing is left.
    """
    if out.suffix.lower() not in _SUFFIXES:
        raise BadInputError(f"`{out}` is no table of queries", "name it .jsonl or .csv")
    if recipe.media is not None and not recipe.media.is_dir():
        raise BadInputError(f"`{recipe.media}` is no folder", "give --media the folder of the films")
    kind = "holds no queries"
    check_own_output(out, [path], _is_table, kind, overwrite=overwrite)
    found = convert_annotations(recipe.source, path, recipe.options())
    if not found.rows:
        reasons = [f"{count} {reason}" for reason, count in found.skipped.items()]
        reasons += [f"{found.zero_length} segments without a length"] if found.zero_length else []
        message = f"`{path}` gives no queries ({', '.join(reasons) or 'it has none'})"
        raise BadInputError(message, "give annotations with queries, or --zero-length pad")
    write_queries(found.table(), out)
    result = _result(out, found)
    _report(result, found, recipe, reporter)
    return result


def _is_table(path: Path) -> bool:
    try:
        return len(read_queries(path, fix=True, empty=True)) > 0
    except BadInputError:
        return False


def _result(out: Path, found: Collector) -> ConvertResult:
    first = {row.query_id: row for row in found.rows}
    kinds = {kind: sum(row.kind == kind for row in first.values()) for kind in KINDS}
    splits: dict[str, int] = {}
    for row in first.values():
        splits[row.split] = splits.get(row.split, 0) + 1
    return ConvertResult(
        out=out,
        rows=len(found.rows),
        queries=len(first),
        films=len({row.media for row in found.rows}),
        kinds={kind: count for kind, count in kinds.items() if count},
        splits=splits,
        segments=found.segments,
        zero_length=found.zero_length,
        outside=found.outside,
        dropped=found.problems.dropped,
        clipped=found.problems.clipped,
        lost_media=len(found.lost),
        skipped=found.skipped,
    )


def _report(result: ConvertResult, found: Collector, recipe: ConvertRecipe, reporter: Reporter) -> None:
    if result.lost_media:
        first = min(found.lost)
        reporter.warn(
            f"{result.lost_media} films are not in `{recipe.media}`, such as `{first}`: the table has their "
            "names"
        )
    if result.zero_length:
        share = 100 * result.zero_length / result.segments
        done = {"drop": "dropped", "pad": f"padded to {recipe.pad:g} s", "keep": "kept"}[recipe.zero_length]
        reporter.info(f"{result.zero_length} segments ({share:.1f} %) have no length and are {done}")
    if result.outside:
        reporter.warn(f"{result.outside} segments begin behind what is searched: no prediction finds them")
    for message in found.problems.shown[:5]:
        reporter.info(f"fixed: {message}")
