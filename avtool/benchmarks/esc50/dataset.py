"""Finding ESC-50 or ESC-10 on this machine, and making sure that it is whole and its folds are apart."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avtool.core.errors import BadInputError, MissingError
from avtool.core.paths import data_folder
from avtool.data.readers import esc50
from avtool.data.readers.media_index import MediaIndex
from avtool.data.readers.source import ReadOptions, Source

Subset = Literal["esc10", "esc50"]
FOLDS = (1, 2, 3, 4, 5)
CLIPS_PER_CLASS_AND_FOLD = 8
SECONDS = esc50.SECONDS
ESC10_CLASSES = (
    "dog", "rooster", "rain", "sea_waves", "crackling_fire", "crying_baby", "sneezing", "clock_tick",
    "helicopter", "chainsaw",
)  # fmt: skip
_NUM_CLASSES: dict[Subset, int] = {"esc10": 10, "esc50": 50}
_TITLES: dict[Subset, str] = {"esc10": "ESC-10", "esc50": "ESC-50"}
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class EscClip:
    """A clip of five seconds.

    Attributes:
        clip_id: its file's name without the suffix.
        path: its file.
        fold: 1 to 5.
        label: its class.
        source: the recording that it was cut from; no recording is in two folds.
    """

    clip_id: str
    path: Path
    fold: int
    label: str
    source: str


@dataclass(frozen=True)
class EscData:
    """A whole data set.

    Attributes:
        subset: which one.
        folder: where it is.
        clips: by name.
        classes: names, sorted.
    """

    subset: Subset
    folder: Path
    clips: tuple[EscClip, ...]
    classes: tuple[str, ...]

    @property
    def title(self) -> str:
        """The data set's name."""
        return _TITLES[self.subset]

    def fold(self, number: int) -> tuple[tuple[EscClip, ...], tuple[EscClip, ...]]:
        """The training and the test clips of an official fold."""
        assert number in FOLDS, f"folds are {FOLDS}, not {number}"
        training = tuple(clip for clip in self.clips if clip.fold != number)
        return training, tuple(clip for clip in self.clips if clip.fold == number)


def find_esc(subset: Subset, folder: Path | None = None) -> EscData:
    """Reads the data set and checks it.

    Args:
        subset: `esc10` may be a folder of its own or part of ESC-50.
        folder: where it is; by default `esc10` or `esc50` in the folder of data sets.

    Raises:
        MissingError: it is not on this machine.
        BadInputError: files or clips are missing, or a recording is in two folds.
    """
    found = folder or next((place for place in _places(subset) if esc50.recognises(place)), None)
    if found is None:
        message = f"{_TITLES[subset]} is not in `{data_folder()}`"
        raise MissingError(message, "set AVTOOL_DATA to the folder that holds it, or --download it")
    if not esc50.recognises(found):
        message = f"`{found}` holds neither `meta/esc50.csv` nor folders such as `001 - Dog bark`"
        raise BadInputError(message, "give the folder above `meta` with --data")
    source = esc50.read(found, ReadOptions())
    clips = tuple(sorted(_clips(source, subset), key=lambda clip: clip.clip_id))
    data = EscData(subset, found, clips, tuple(sorted({clip.label for clip in clips})))
    _check_whole(data)
    check_folds_apart(clips)
    return data


def inner_split(clips: Sequence[EscClip], share: int = 4) -> tuple[list[EscClip], list[EscClip]]:
    """Divides training clips, for choosing settings without the test fold: whole recordings, class by class.

    Args:
        clips: the training clips of a fold.
        share: one recording in so many of each class is held out.

    Returns:
        The clips to learn from, and the clips held out.
    """
    by_class: dict[str, list[str]] = defaultdict(list)
    for clip in sorted(clips, key=lambda clip: clip.source):
        if clip.source not in by_class[clip.label]:
            by_class[clip.label].append(clip.source)
    held = {source for sources in by_class.values() for source in sources[::share]}
    return [clip for clip in clips if clip.source not in held], [
        clip for clip in clips if clip.source in held
    ]


def check_folds_apart(clips: Iterable[EscClip]) -> None:
    """Makes sure that no recording has clips in two folds, which would let a model recognise it.

    Raises:
        BadInputError: some have; the message names them.
    """
    folds: dict[str, set[int]] = defaultdict(set)
    for clip in clips:
        folds[clip.source].add(clip.fold)
    leaks = [source for source, found in folds.items() if len(found) > 1]
    if leaks:
        shown = ", ".join(f"{source} (folds {sorted(folds[source])})" for source in leaks[:_SHOWN])
        raise BadInputError(
            f"{len(leaks)} recordings have clips in several folds: {shown}", "use the official folds"
        )


def _places(subset: Subset) -> list[Path]:
    names = ["esc10", "ESC-10", "ESC-10-master"] if subset == "esc10" else []
    return [data_folder() / name for name in (*names, "esc50", "ESC-50", "ESC-50-master")]


def _clips(source: Source, subset: Subset) -> list[EscClip]:
    index = MediaIndex(source.media)
    clips, missing = [], []
    for listed in source.clips:
        label = listed.labels[0]
        if subset == "esc10" and label not in ESC10_CLASSES:
            continue
        path = index.find((listed.media,))
        if path is None:
            missing.append(listed.media)
        else:
            clips.append(EscClip(listed.clip_id, Path(path), listed.fold or 0, label, listed.group))
    if missing:
        shown = ", ".join(f"`{name}`" for name in missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
        message = (
            f"{len(missing)} of {len(missing) + len(clips)} files are missing in `{source.media}`: {shown}"
        )
        raise BadInputError(message, "get them again; a part of the folds is no benchmark")
    return clips


def _check_whole(data: EscData) -> None:
    wanted = _NUM_CLASSES[data.subset]
    if data.subset == "esc50" and set(data.classes) == set(ESC10_CLASSES):
        raise BadInputError(f"`{data.folder}` holds ESC-10 alone", "add --subset esc10")
    if len(data.classes) != wanted:
        message = f"`{data.folder}` has {len(data.classes)} classes, {data.title} has {wanted}"
        raise BadInputError(message, "get the data set again")
    counts = Counter((clip.label, clip.fold) for clip in data.clips)
    wrong = [
        f"{label} in fold {fold}: {counts[label, fold]}"
        for label in data.classes
        for fold in FOLDS
        if counts[label, fold] != CLIPS_PER_CLASS_AND_FOLD
    ]
    if wrong or len(data.clips) != wanted * len(FOLDS) * CLIPS_PER_CLASS_AND_FOLD:
        message = f"`{data.folder}` has not {CLIPS_PER_CLASS_AND_FOLD} clips of each class and fold"
        raise BadInputError(
            f"{message} ({', '.join(wrong[:_SHOWN]) or 'other folds'})", "get the data set again"
        )
