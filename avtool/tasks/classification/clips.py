"""Labelled clips of a dataset: to learn from, to validate on, the kind of their labels, the classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avtool.core.artifact import Input, settings_hash
from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of
from avtool.core.reporter import Reporter
from avtool.data.clip_filter import Skipped, Wanted, usable_clips
from avtool.data.dataset import class_files, dataset_classes, dataset_content, open_dataset, shard_files
from avtool.data.inputs.settings import AudioSettings
from avtool.data.labels import CLASS_FILES, LABELS, LabelKind, read_classes
from avtool.data.manifest import Manifest
from avtool.data.reviewed import reviewed
from avtool.data.splits import choose_clips
from avtool.tasks.classification.recipe import DataRecipe

_LONGEST = 10.0  # seconds
_MODALITIES = ("audio", "video", "image")


@dataclass(frozen=True)
class LabelledClips:
    """Clips of a classification.

    Attributes:
        train: to learn from.
        val: to validate on, or None.
        kind: of labels: one a clip, several, or a verb and a noun.
        classes: the class lists, one a part of the label.
        whole: clips whose spectrograms are cached together, so that each choice of folds finds them; None
            caches those that are used.
        skipped: unusable clips, each with its reason.
    """

    train: Manifest
    val: Manifest | None
    kind: LabelKind
    classes: tuple[tuple[str, ...], ...]
    whole: Manifest | None = None
    skipped: tuple[Skipped, ...] = ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Classes of each part of the label."""
        return tuple(len(names) for names in self.classes)

    def as_input(self) -> Input:
        """These clips by content: their ids, places and labels."""
        columns = ("clip_id", "start", "end", "labels")
        parts = [clips for clips in (self.train, self.val) if clips is not None]
        content = [[clips.column(name) for name in columns] for clips in parts]
        return Input(self.train.origin, "clips", settings_hash([content, self.classes]))


def find_clips(dataset: Path, recipe: DataRecipe, inputs: Sequence[str], reporter: Reporter) -> LabelledClips:
    """The clips of a dataset, as the recipe chooses them, that have what a model takes.

    Args:
        dataset: a `dataset` artifact.
        recipe: the choice of clips.
        inputs: of the model; of several, a clip needs one.
        reporter: receives decisions.

    Raises:
        BadInputError: a split, a fold or a class list is not there, or too many clips are unusable.
    """
    manifest = open_dataset(dataset)
    if recipe.review is not None:
        listed = dataset / LABELS / "classes.csv"
        classes = read_classes(listed) if listed.is_file() else None
        manifest = reviewed(manifest, recipe.review, reporter, classes)
    chosen = choose_clips(manifest, recipe, reporter)
    wanted = Wanted(tuple(name for name in inputs if name in _MODALITIES), all_of_them=False)
    train, skipped = usable_clips(chosen.train, wanted, recipe.max_bad, reporter)
    val = chosen.val
    if val is not None:
        val, more = usable_clips(val, wanted, recipe.max_bad, reporter)
        skipped += more
    kind = find_kind(dataset, manifest, recipe.task, reporter)
    whole = manifest if recipe.train_folds else None
    return LabelledClips(train, val, kind, find_classes(dataset, manifest, kind), whole, tuple(skipped))


def dataset_inputs(dataset: Path) -> list[Input]:
    """The files of a dataset that decide the result: its table and its class lists.

    Raises:
        BadInputError: there is no dataset.
    """
    lists = [Input(str(path), "labels", sha256_of(path)) for path in class_files(dataset)]
    return [Input(str(dataset), "dataset", dataset_content(dataset)), *lists]


def find_kind(dataset: Path, manifest: Manifest, wanted: str, reporter: Reporter) -> LabelKind:
    """The kind of labels: the given one, or the one inferred from the dataset."""
    tasks: dict[str, LabelKind] = {name: name for name in CLASS_FILES}
    if wanted in tasks:
        return tasks[wanted]
    if all((dataset / LABELS / f"{name}.csv").is_file() for name in CLASS_FILES["verb-noun"]):
        found: LabelKind = "verb-noun"
    else:
        single = all(len(labels) == 1 for labels in manifest.values("labels"))
        found = "single-label" if single else "multi-label"
    reporter.info(f"task: {found}, as the clips' labels look")
    return found


def find_classes(dataset: Path, manifest: Manifest, task: LabelKind) -> tuple[tuple[str, ...], ...]:
    """The class lists of the dataset.

    Raises:
        BadInputError: a list is missing.
    """
    if not dataset.is_dir() and not shard_files(dataset):
        message = f"`{dataset}` is a table without class lists"
        raise BadInputError(message, "give the dataset's folder: `avtool prepare` makes one")
    return dataset_classes(dataset, manifest, task)


def find_frames(train: Manifest, recipe: DataRecipe) -> int:
    """Frames of the spectrograms that the model takes.

    Raises:
        BadInputError: it is shorter than one window.
    """
    seconds = recipe.seconds or min(_LONGEST, float(train.durations().max()))
    num_frames = recipe.audio.num_steps(seconds)
    if num_frames < 1:
        message = f"{seconds:g} s of sound are shorter than one window of {recipe.audio.window_ms:g} ms"
        raise BadInputError(message, "set --seconds to the length of your clips")
    return num_frames


def check_lengths(clips: Manifest, audio: AudioSettings) -> None:
    """Refuses clips that are too short for a spectrogram.

    Raises:
        BadInputError: there are some.
    """
    seconds = clips.durations()
    short = [index for index, length in enumerate(seconds) if audio.num_steps(float(length)) < 1]
    if short:
        first = clips[short[0]]
        message = (
            f"{len(short)} clips of `{clips.origin}` are shorter than one window of {audio.window_ms:g} ms: "
            f"`{first.clip_id}` has {1000 * first.duration:.3g} ms"
        )
        raise BadInputError(message, "leave them out, or make them longer")
