"""A dataset of short films whose audio and video correspond, made of a folder of recordings."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avtool.core.artifact import CARD, Artifact
from avtool.core.artifact_folder import discard_partial, open_partial, publish
from avtool.core.errors import AvtoolError, BadInputError, DiskFullError
from avtool.core.files import writing
from avtool.core.parallel import map_unordered
from avtool.core.reporter import Reporter
from avtool.data.labels import LABELS, LabelClass, write_classes
from avtool.data.manifest import Clip, Manifest, read_manifest, write_manifest
from avtool.data.prepare.locate import locate
from avtool.data.readers import esc50
from avtool.data.readers.source import ReadOptions
from avtool.synthetic.moving_sources import ClipSettings, Recording, make_clip
from avtool.synthetic.real_sounds import real_sounds

FILMS = "clips"


@dataclass(frozen=True)
class AvClips:
    """What was made: the dataset, how many films, and their classes."""

    out: Path
    clips: int
    classes: tuple[str, ...]


@dataclass(frozen=True)
class _Task:
    path: Path
    recording: Recording
    settings: ClipSettings
    seed: tuple[int, int]


def make_av_clips(
    out: Path,
    sounds: Path,
    reporter: Reporter,
    *,
    count: int = 400,
    settings: ClipSettings | None = None,
    seed: int = 0,
    jobs: int = 1,
    overwrite: bool = False,
    command: str = "make-av-clips",
) -> AvClips:
    """Makes films of moving sources, and their dataset; labels, folds and groups are those of the sounds.

    Args:
        out: the `dataset` artifact to write.
        sounds: ESC-50 or ESC-10, a dataset, or any folder of sounds in folders that are their classes.
        reporter: gets progress, and the recordings that cannot be used.
        count: films; the recordings are taken in turn, class by class, and begun again where they are fewer.
        settings: of the films.
        seed: of everything random.
        jobs: processes.
        overwrite: replace whatever stands in `out`.
        command: the command line, for the artifact's card.

    Raises:
        BadInputError: there are no sounds, none can be used, or `out` belongs to another run.
    """
    settings = settings or ClipSettings()
    if count < 1:
        raise BadInputError(f"{count} clips cannot be made", "give --count 1 or more")
    if settings.size % 2 or settings.size < 16:
        raise BadInputError(
            f"frames of {settings.size} pixels cannot be encoded", "use an even size from 16 on"
        )
    recordings = in_turn(find_recordings(sounds), seed)
    wanted = {"command": "make-av-clips", "sounds": str(sounds.resolve()), "count": count, "seed": seed}
    wanted |= {"seconds": settings.seconds, "size": settings.size, "fps": settings.fps}
    partial = open_partial(out, wanted, kind="dataset", overwrite=overwrite, inputs=[sounds])
    if (out / CARD).is_file() and not overwrite:
        discard_partial(partial)
        return _result(out)
    tasks = [
        _Task(
            partial / FILMS / f"{number:05d}.mp4",
            recordings[number % len(recordings)],
            settings,
            (seed, number),
        )
        for number in range(count)
    ]
    unmade = [task for task in tasks if not task.path.exists()]
    failed = _make_films(unmade, count, reporter, jobs)
    made = [task for task in tasks if task.path not in failed]
    if not made:
        raise BadInputError(f"no recording of `{sounds}` can be used", "see the warnings above")
    write_manifest(partial, [_row(task) for task in made])
    counts = Counter(task.recording.label for task in made)
    classes = [LabelClass(label, count=counts[label]) for label in sorted(counts)]
    write_classes(partial / LABELS / "classes.csv", classes)
    publish(out, Artifact("dataset", command, wanted, seed=seed), unhashed=[FILMS])
    return _result(out)


def _make_films(tasks: Sequence[_Task], count: int, reporter: Reporter, jobs: int) -> set[Path]:
    """Makes those of `count` films that are not there yet; gives those whose recording cannot be used."""
    failed: set[Path] = set()
    with reporter.progress("making films of moving sources", count) as bar:
        for path, problem in map_unordered(_make, tasks, jobs=jobs):
            bar.advance()
            if isinstance(problem, DiskFullError):
                raise problem
            if problem:
                failed.add(path)
                reporter.warn(problem.message)
    return failed


def find_recordings(sounds: Path) -> list[Recording]:
    """The recordings of a folder or dataset, with their classes.

    Raises:
        BadInputError: there are none, or they have no classes.
    """
    if (sounds / CARD).is_file() or sounds.suffix == ".parquet":
        return _of_manifest(read_manifest(sounds))
    if esc50.recognises(sounds):
        found = locate(esc50.read(sounds, ReadOptions()), None).found
        return [
            Recording(Path(item.media), item.clip.labels[0], fold=item.clip.fold, group=item.clip.group)
            for item in found
        ]
    bank = real_sounds(sounds)
    return [Recording(path, label, group=path.stem) for label in bank.labels for path in bank.files[label]]


def _of_manifest(manifest: Manifest) -> list[Recording]:
    unlabelled = sum(not labels for labels in manifest.column("labels"))
    if unlabelled:
        raise BadInputError(
            f"{unlabelled} clips of `{manifest.origin}` have no label", "label them, or leave them out"
        )
    return [
        Recording(
            manifest.local(clip.audio),
            clip.labels[0],
            clip.start,
            clip.end,
            clip.fold,
            clip.group or clip.media,
        )
        for clip in manifest
    ]


def in_turn(recordings: Sequence[Recording], seed: int) -> list[Recording]:
    """Recordings in an order of which each beginning holds the classes as evenly as can be."""
    order = np.random.default_rng(seed).permutation(len(recordings))
    of_class: Counter[str] = Counter()
    places = []
    for number in order:
        label = recordings[number].label
        places.append((of_class[label], label, int(number)))
        of_class[label] += 1
    return [recordings[number] for _, _, number in sorted(places)]


def _make(task: _Task) -> tuple[Path, AvtoolError | None]:
    """Makes one film; returns what went wrong, or None."""
    try:
        with writing(task.path):
            task.path.parent.mkdir(parents=True, exist_ok=True)
        make_clip(task.path, task.recording, task.settings, np.random.default_rng(task.seed))
    except AvtoolError as error:
        return task.path, error
    return task.path, None


def _row(task: _Task) -> Clip:
    recording = task.recording
    return Clip(
        clip_id=task.path.stem,
        media=f"{FILMS}/{task.path.name}",
        start=0.0,
        end=task.settings.seconds,
        fold=recording.fold,
        labels=(recording.label,),
        group=recording.group,
        extras={"recording": recording.path.name, "has_audio": True, "has_video": True},
    )


def _result(out: Path) -> AvClips:
    manifest = read_manifest(out)
    return AvClips(out, len(manifest), tuple(sorted({labels[0] for labels in manifest.column("labels")})))
