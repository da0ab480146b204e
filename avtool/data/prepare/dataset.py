"""The making of a dataset from any folder of media, table or published list: checked, counted, resumable."""

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from avtool.core.artifact import Artifact, Input
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import AvtoolError, BadInputError, SomeFailedError
from avtool.core.files import link_tree, sha256_of, write_text, writing
from avtool.core.parallel import map_blocks
from avtool.core.reporter import Reporter
from avtool.data.folds import fold_flags
from avtool.data.prepare.locate import FoundClip, Located, locate
from avtool.data.prepare.media_check import MediaFacts, MediaTask, SpanRule, check_all, read_facts
from avtool.data.prepare.recipe import PrepareRecipe
from avtool.data.prepare.rows import Problem, check_listed, divide, keep_classes, make_rows
from avtool.data.prepare.write import PreparedSummary, summarise, write_dataset
from avtool.data.readers.layouts import read_source
from avtool.data.readers.media_index import stem_of
from avtool.data.readers.source import ReadOptions, Source

COPIES = "clips"
_FACTS = "media.jsonl"
_OF_THE_LIST = {"layout", "official_split", "separator", "classes", "split", "seed"}
"""Settings that do not change what is found in the media: a dataset is made again with others at once."""
_AT_A_TIME = 16  # media that a worker looks at before it reports


@dataclass(frozen=True)
class PrepareResult:
    """What a run left behind.

    Attributes:
        out: the dataset.
        summary: it in numbers.
        problems: what went wrong, the silent and damaged clips among it.
        failed: whether something went wrong that should not: absent media of web lists are no failure, and
            silent and damaged clips are kept.
        seconds: wall time.
    """

    out: Path
    summary: PreparedSummary
    problems: list[Problem]
    failed: bool
    seconds: float


@dataclass(frozen=True)
class PreparePlan:
    """What would be done: the clips listed, those whose file is there, and the bytes of these files."""

    layout: str
    listed: int
    found: int
    absent: int
    ambiguous: int
    refused: int
    media: int
    media_bytes: int


def plan(source_path: Path, recipe: PrepareRecipe, reporter: Reporter, media: Path | None) -> PreparePlan:
    """Reads the lists and looks for the files, without opening them.

    Raises:
        BadInputError: the source cannot be read, or no file is there.
    """
    source = _read(source_path, recipe, reporter)
    clips = locate(source, media)
    files = {item.media for item in clips.found}
    num_bytes = sum(path.stat().st_size for name in files if (path := Path(name)).is_file())
    return PreparePlan(
        source.layout,
        len(source.clips),
        len(clips.found),
        len(clips.absent),
        len(clips.ambiguous),
        len(source.refused),
        len(files),
        num_bytes,
    )


def prepare(
    source_path: Path,
    out: Path,
    recipe: PrepareRecipe,
    reporter: Reporter,
    *,
    media: Path | None = None,
    jobs: int = 1,
    overwrite: bool = False,
    fail_fast: bool = False,
    command: str = "prepare",
) -> PrepareResult:
    """Reads a source, looks at its media, and writes the dataset `out`.

    Media that an earlier or interrupted run has looked at are not opened again unless they have changed.

    Args:
        source_path: a folder of media, a table, or a published list.
        out: the artifact to write.
        recipe: the settings.
        reporter: gets progress, decisions and bad media.
        media: where the media are; None for beside the source.
        jobs: processes; -1 for one a processor.
        overwrite: replace whatever stands in `out`.
        fail_fast: stop at the first medium that cannot be read.
        command: the command line, for the artifact's card.

    Raises:
        BadInputError: the source cannot be read, no file is there, or `out` belongs to another run.
        SomeFailedError: no medium can be used.
    """
    begin = time.perf_counter()
    source = _read(source_path, recipe, reporter)
    if source.layout in {"folders", "csv-folder"} and out.resolve().is_relative_to(source_path.resolve()):
        raise BadInputError(f"`{out}` lies in `{source_path}`, and would be read with it", "write elsewhere")
    clips = locate(source, media)
    check_listed(clips.found, source, recipe)
    given = {"source": str(source_path.absolute()), "media": str(media.absolute()) if media else None}
    settings = {"command": "prepare", **given, "recipe": recipe.model_dump(mode="json")}
    of_media = {**settings, "recipe": recipe.model_dump(mode="json", exclude=_OF_THE_LIST)}
    inputs = [source_path, *([media] if media else [])]
    partial = open_partial(out, of_media, kind="dataset", overwrite=overwrite, inputs=inputs)
    if not overwrite:
        _take_over(out, partial)
    rule = SpanRule(source.web, source.fixed_length)
    tasks = _tasks(clips.found, rule, partial / COPIES, recipe)
    facts = _look_at(tasks, partial / _FACTS, reporter, fail_fast, jobs=jobs)
    rows, problems = make_rows(clips.found, facts, rule, COPIES)
    if not rows:
        _report(problems, reporter)
        discard_partial(partial)
        raise SomeFailedError(f"none of the {len(tasks)} media can be used", "see the warnings above")
    problems += _listed_problems(source, clips)
    _report(problems, reporter)
    if recipe.split:
        rows = divide(rows, recipe.split, recipe.seed)
    rows, lists = keep_classes(rows, source, recipe.classes)
    summary = summarise(source.layout, rows, lists, problems)
    _report_splits(summary, reporter)
    _forget_copies(partial / COPIES, facts)
    write_dataset(partial, rows, lists, problems, summary, recipe.model_dump(mode="json"), reporter)
    tables = [Input(str(path.absolute()), "table", sha256_of(path)) for path in source.inputs]
    artifact = Artifact("dataset", command, settings, seed=recipe.seed, inputs=tables)
    publish(out, artifact, unhashed=[COPIES])
    return PrepareResult(
        out, summary, problems, _is_failure(problems, source), round(time.perf_counter() - begin, 3)
    )


def _read(path: Path, recipe: PrepareRecipe, reporter: Reporter) -> Source:
    source = read_source(path, recipe.layout, ReadOptions(recipe.official_split, recipe.separator))
    if recipe.layout == "auto":
        reporter.info(f"`{path}` is laid out as {source.layout}")
    for note in source.notes:
        reporter.warn(note)
    return source


def _listed_problems(source: Source, clips: Located) -> list[Problem]:
    """What is wrong with the list itself, before any medium is opened."""
    return [
        *(Problem("refused", line.where, "", line.reason) for line in source.refused),
        *(Problem("absent", clip.where, clip.media, "there is no such file") for clip in clips.absent),
        *(Problem("ambiguous", clip.where, clip.media, detail) for clip, detail in clips.ambiguous),
    ]


def _report_splits(summary: PreparedSummary, reporter: Reporter) -> None:
    if summary.leaks:
        reporter.warn(f"{summary.leaks} groups (films or recordings) are in more than one split or fold")
    flags = fold_flags(part.fold for part in summary.splits)
    if flags and not any(part.split for part in summary.splits):
        reporter.info(f"the clips have folds: train and validate with {flags}")


def _take_over(out: Path, partial: Path) -> None:
    """The media facts and copies of the finished dataset, where no unfinished run has newer ones."""
    if (out / _FACTS).is_file() and not (partial / _FACTS).exists():
        if (out / COPIES).is_dir():
            link_tree(out / COPIES, partial / COPIES)
        shutil.copyfile(out / _FACTS, partial / _FACTS)


def _tasks(
    found: Sequence[FoundClip], rule: SpanRule, copies: Path, recipe: PrepareRecipe
) -> list[MediaTask]:
    """One task a medium, with all of its clips."""
    spans: dict[str, list[tuple[float, float | None]]] = {}
    for item in found:
        spans.setdefault(item.media, []).append(item.span)
    return [
        MediaTask(
            name, tuple(of_media), rule, copies / _copy_stem(name) if recipe.copies.enabled else None, recipe
        )
        for name, of_media in spans.items()
    ]


def _copy_stem(media: str) -> str:
    """The name of a copy: that of its original, and a hash against originals of one name."""
    name = stem_of(PurePosixPath(media).name)[:80]
    plain = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
    return f"{plain}-{sha256(media.encode()).hexdigest()[:8]}"


def _look_at(
    tasks: Sequence[MediaTask],
    memory: Path,
    reporter: Reporter,
    fail_fast: bool,
    *,
    jobs: int,
) -> dict[str, MediaFacts]:
    """What all media hold; what was found before is taken from `memory`, and what is found is added to it."""
    known = read_facts(memory)
    facts = {task.media: known[task.media] for task in tasks if _is_known(task, known)}
    if facts:
        reporter.info(f"{len(facts)} of {len(tasks)} media were looked at before, and have not changed")
    todo = [task for task in tasks if task.media not in facts]
    with (
        writing(memory),
        memory.open("a", encoding="utf-8") as log,
        reporter.progress("media", len(todo)) as bar,
    ):
        blocks = list(_blocks(todo))
        for found in map_blocks(check_all, blocks, _singles, jobs=jobs, lost=_lost, shared=memory.parent):
            for fact in found:
                if fact.error and fail_fast:
                    raise BadInputError(fact.error)
                facts[fact.media] = fact
                log.write(fact.to_line())
            log.flush()
            bar.advance(len(found), note=PurePosixPath(found[-1].media).name)
    write_text(memory, "".join(facts[task.media].to_line() for task in tasks))
    return facts


def _is_known(task: MediaTask, known: dict[str, MediaFacts]) -> bool:
    return task.media in known and known[task.media].holds_for(task)


def _blocks(tasks: Sequence[MediaTask]) -> Iterator[list[MediaTask]]:
    size = 1 if any(task.copy for task in tasks) else _AT_A_TIME
    for first in range(0, len(tasks), size):
        yield list(tasks[first : first + size])


def _singles(block: Sequence[MediaTask]) -> list[list[MediaTask]]:
    return [[task] for task in block]


def _lost(block: Sequence[MediaTask], error: AvtoolError) -> list[MediaFacts]:
    """What is found of media that no worker process survived."""
    return [MediaFacts(task.media, error=error.message) for task in block]


def _report(problems: Sequence[Problem], reporter: Reporter) -> None:
    """Warns of each medium that cannot be used, up to some, and counts the rest."""
    shown = 10
    for kind, count in Counter(problem.kind for problem in problems).items():
        of_kind = [problem for problem in problems if problem.kind == kind]
        if kind == "absent":
            reporter.warn(
                f"{count} clips have no file, the first of them {of_kind[0].where}: `{of_kind[0].media}`"
            )
            continue
        for problem in of_kind[:shown]:
            file = PurePosixPath(problem.media).name
            named = file in problem.where + problem.detail
            reporter.warn(f"{kind}: {problem.where}{'' if named else f' ({file})'}: {problem.detail}")
        if count > shown:
            reporter.warn(f"{kind}: {count - shown} more, listed in problems.csv")


def _is_failure(problems: Sequence[Problem], source: Source) -> bool:
    expected = {"silent", "damaged", *(["absent", "beyond"] if source.web else [])}
    return any(problem.kind not in expected for problem in problems)


def _forget_copies(folder: Path, facts: dict[str, MediaFacts]) -> None:
    """Removes copies of media that are no longer listed."""
    wanted = {fact.copy for fact in facts.values()}
    if folder.is_dir():
        for path in folder.iterdir():
            if path.name not in wanted:
                path.unlink()
