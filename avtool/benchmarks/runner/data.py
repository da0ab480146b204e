"""The data of a benchmark: found or downloaded, read, and checked to be whole."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avtool.benchmarks.runner.download import download
from avtool.benchmarks.runner.image_folder import read_image_splits
from avtool.benchmarks.settings import EvalRecipe
from avtool.benchmarks.spec import BenchmarkSpec
from avtool.core.arrays import Ints
from avtool.core.artifact import CARD, settings_hash
from avtool.core.errors import BadInputError, MissingError
from avtool.core.manifest_columns import checked_table
from avtool.core.paths import cache_folder, data_folder
from avtool.core.reporter import Reporter, Silent
from avtool.data.manifest import Clip, Manifest, make_table, read_manifest
from avtool.data.prepare.dataset import prepare
from avtool.data.prepare.recipe import PrepareRecipe
from avtool.data.readers.layouts import READERS, read_source
from avtool.data.readers.media_index import MediaIndex
from avtool.data.readers.source import Source

_SHOWN = 5
_WITHOUT_TRAINING = {"predictions", "av-retrieval", "zero-shot"}
"""Protocols for which test clips suffice; a benchmark of others needs training clips too."""


@dataclass(frozen=True)
class Fold:
    """A fold, or an official split.

    Attributes:
        name: `fold 1`, `split 1` or `test`.
        number: of the benchmark; 0 where there is one split.
        train: clips to train on; none where no protocol of the benchmark learns from them.
        test: clips to score.
    """

    name: str
    number: int
    train: Manifest
    test: Manifest


@dataclass(frozen=True)
class BenchmarkData:
    """The clips of a benchmark.

    Attributes:
        spec: of the benchmark.
        folder: where they are.
        clips: all of them.
        classes: names, sorted.
    """

    spec: BenchmarkSpec
    folder: Path
    clips: Manifest
    classes: tuple[str, ...]

    def labels(self, clips: Manifest) -> Ints:
        """(N,) class indices."""
        index = {name: number for number, name in enumerate(self.classes)}
        return np.array([index[labels[0]] for labels in clips.column("labels")], np.int64)

    def groups(self, clips: Manifest) -> list[object]:
        """(N,) what must not be divided when settings are chosen: a fold, a recording, or a clip."""
        if self.spec.data.cross_validated:
            return clips.column("fold")
        pairs = zip(clips.column("group"), clips.column("clip_id"), strict=True)
        return [group or clip_id for group, clip_id in pairs]

    def fold(self, number: int) -> Fold:
        """A fold by its number; 0 for the split of data that have one.

        Raises:
            BadInputError: there is no such fold.
        """
        column = self.spec.data.column
        if self.spec.data.cross_validated:
            others = [other for other in self.spec.data.folds if other != number]
            train, test = self.clips.select(folds=others), self.clips.select(folds=[number])
            return Fold(f"fold {number}", number, train, test)
        column = column.format(fold=number)
        test = self.clips.select("test", split_column=column)
        learns = set(self.spec.protocols) - _WITHOUT_TRAINING
        train = self.clips.select("train", split_column=column) if learns else self.clips.take([])
        return Fold(f"split {number}" if number else "test", number, train, test)


def open_data(spec: BenchmarkSpec, settings: EvalRecipe, reporter: Reporter) -> BenchmarkData:
    """Finds the dataset, or downloads it where that is wanted, and checks it.

    Raises:
        MissingError: it is not on this machine.
        BadInputError: it cannot be read, or is not whole.
    """
    folder = settings.data or _find(spec)
    if folder is None and settings.download:
        folder = download(spec, lambda unpacked: check_download(spec, unpacked), reporter)
    if folder is None and not spec.data.folders:
        raise BadInputError("no --data given", f"give the folder of {spec.title}")
    if folder is None:
        message = f"{spec.title} is not in `{data_folder()}`"
        more = ", or --download it" if spec.data.download else ""
        raise MissingError(
            message, f"give it with --data, or set AVTOOL_DATA to the folder that holds it{more}"
        )
    return read_data(spec, folder, settings.jobs, reporter)


def read_data(spec: BenchmarkSpec, folder: Path, jobs: int, reporter: Reporter) -> BenchmarkData:
    """Reads a dataset as it was published, or as `avtool prepare` wrote it, and checks it.

    Raises:
        BadInputError: it cannot be read, or is not whole.
    """
    clips = _read(spec, folder, jobs, reporter)
    if spec.data.labels:
        wanted = set(spec.data.labels)
        clips = clips.take([row for row, labels in enumerate(clips.column("labels")) if wanted & set(labels)])
        if not len(clips):
            message = (
                f"no clip of `{folder}` has a label of {spec.title} ({', '.join(spec.data.labels[:_SHOWN])})"
            )
            raise BadInputError(message, "give the folder of its dataset with --data")
    _check_labels(spec, clips)
    classes = tuple(sorted({label for labels in clips.column("labels") for label in labels}))
    data = BenchmarkData(spec, folder, clips, classes)
    if spec.data.complete:
        _check_complete(data)
    if spec.data.cross_validated:
        _check_folds_apart(clips)
    return data


def check_download(spec: BenchmarkSpec, folder: Path) -> None:
    """Checks an unpacked dataset, its files' length and rate among it.

    Raises:
        BadInputError: it is not whole, or a file has another length or rate.
    """
    clips = read_data(spec, folder, 1, Silent()).clips
    check_audio(spec, [clips.local(clip.audio) for clip in clips])


def check_audio(spec: BenchmarkSpec, paths: list[Path]) -> None:
    """Checks the length and the sample rate of audio files.

    Raises:
        BadInputError: one has another, or cannot be read.
    """
    import soundfile

    assert spec.data.download is not None, "a benchmark with a download"
    rate, seconds = spec.data.download.sample_rate, spec.data.seconds
    if rate is None or seconds is None:
        return
    for path in paths:
        try:
            found = soundfile.info(path)
        except soundfile.LibsndfileError as error:
            raise BadInputError(f"`{path.name}` cannot be read ({error})") from error
        if (found.samplerate, found.frames) != (rate, round(seconds * rate)):
            message = f"`{path.name}` has {found.frames} samples at {found.samplerate} Hz"
            raise BadInputError(message, f"{spec.title} has {seconds:g} s at {rate} Hz")


def _find(spec: BenchmarkSpec) -> Path | None:
    places = [data_folder() / name for name in spec.data.folders]
    return next((place for place in places if READERS.find(spec.data.reader).recognises(place)), None)


def _read(spec: BenchmarkSpec, folder: Path, jobs: int, reporter: Reporter) -> Manifest:
    if (folder / CARD).is_file():
        return read_manifest(folder)
    if spec.data.reader == "image-folder":
        return read_image_splits(folder)
    source = read_source(folder, spec.data.reader)
    if not source.web and all(clip.end is not None for clip in source.clips):
        return _listed(source)
    dataset = cache_folder() / "benchmarks" / f"{spec.data.reader}-{settings_hash(str(folder.absolute()))}"
    dataset.parent.mkdir(parents=True, exist_ok=True)
    prepare(folder, dataset, PrepareRecipe(layout=spec.data.reader), reporter, jobs=jobs)
    return read_manifest(dataset)


def _listed(source: Source) -> Manifest:
    """The clips of a list that gives their ends: no file needs to be opened."""
    index = MediaIndex(source.media)
    paths = {clip.clip_id: index.find((clip.media,)) for clip in source.clips}
    if missing := [clip.media for clip in source.clips if paths[clip.clip_id] is None]:
        shown = ", ".join(f"`{name}`" for name in missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
        message = f"{len(missing)} of {len(source.clips)} files are missing in `{source.media}`: {shown}"
        raise BadInputError(message, "get them again; a part of the clips is no benchmark")
    clips = [
        Clip(
            clip.clip_id, paths[clip.clip_id] or "", clip.start, clip.end or 0.0, clip.split, clip.fold,
            clip.labels, clip.text, clip.group,
        )
        for clip in sorted(source.clips, key=lambda clip: clip.clip_id)
    ]  # fmt: skip
    origin = str(source.media)
    return Manifest(checked_table(make_table(clips), origin), source.media, origin)


def _check_labels(spec: BenchmarkSpec, clips: Manifest) -> None:
    for clip_id, labels in zip(clips.column("clip_id"), clips.column("labels"), strict=True):
        if not labels or (len(labels) > 1 and not spec.multi_label):
            message = f"clip `{clip_id}` has {len(labels)} labels ({', '.join(labels) or 'none'}), needs one"
            raise BadInputError(message, "prepare the dataset again")


def _check_complete(data: BenchmarkData) -> None:
    spec = data.spec
    again = (
        "get the dataset again, or choose the benchmark of this part of it; in a table of your own, set "
        "`classes` and `clips` to those of the data"
    )
    if len(data.classes) != spec.data.classes:
        message = f"`{data.folder}` has {len(data.classes)} classes, {spec.title} has {spec.data.classes}"
        raise BadInputError(message, again)
    if not spec.data.clips:
        return
    each = spec.data.clips // (len(data.classes) * max(1, len(spec.data.folds)))
    counts = _count(data.clips)
    wrong = [
        f"{label} in fold {fold}: {counts[label, fold]}"
        for label in data.classes
        for fold in spec.data.folds
        if counts[label, fold] != each
    ]
    if wrong or len(data.clips) != spec.data.clips:
        shown = ", ".join(wrong[:_SHOWN]) or f"{len(data.clips)} clips, not {spec.data.clips}"
        raise BadInputError(f"`{data.folder}` has not {each} clips of each class and fold ({shown})", again)


def _count(clips: Manifest) -> Mapping[tuple[str, int | None], int]:
    return Counter(
        (labels[0], fold) for labels, fold in zip(clips.column("labels"), clips.column("fold"), strict=True)
    )


def _check_folds_apart(clips: Manifest) -> None:
    """No recording may have clips in two folds, which would let a model recognise it."""
    folds: dict[str, set[int]] = defaultdict(set)
    for group, fold in zip(clips.column("group"), clips.column("fold"), strict=True):
        if group:
            folds[group].add(fold)
    if leaks := [group for group, found in folds.items() if len(found) > 1]:
        shown = ", ".join(f"{group} (folds {sorted(folds[group])})" for group in leaks[:_SHOWN])
        raise BadInputError(
            f"{len(leaks)} recordings have clips in several folds: {shown}", "use the official folds"
        )
