"""Which clips are learned from, what their labels mean, and how long a stretch of them is."""

from collections.abc import Sequence
from pathlib import Path

from avtool.core.errors import BadInputError
from avtool.core.reporter import Reporter
from avtool.data.inputs.audio_settings import AudioSettings
from avtool.data.labels import CLASS_FILES, LABELS, Task, class_lists
from avtool.data.manifest import Manifest
from avtool.data.statistics import durations
from avtool.tasks.classification.recipe import DataRecipe

_LONGEST = 10.0  # seconds
_MODALITIES = {"audio": "sound", "video": "pictures"}


def find_task(dataset: Path, manifest: Manifest, wanted: str, reporter: Reporter) -> Task:
    """The task that is asked for, or the one that the data set's labels look like."""
    tasks: dict[str, Task] = {name: name for name in CLASS_FILES}
    if wanted in tasks:
        return tasks[wanted]
    if all((dataset / LABELS / f"{name}.csv").is_file() for name in CLASS_FILES["verb-noun"]):
        found: Task = "verb-noun"
    else:
        single = all(len(labels) == 1 for labels in manifest.column("labels"))
        found = "single-label" if single else "multi-label"
    reporter.info(f"task: {found}, as the clips' labels look")
    return found


def find_classes(dataset: Path, task: Task) -> tuple[tuple[str, ...], ...]:
    """The class lists of the data set.

    Raises:
        BadInputError: a list is missing.
    """
    if not dataset.is_dir():
        message = f"`{dataset}` is a table without class lists"
        raise BadInputError(message, "give the data set's folder: `avtool prepare` makes one")
    return class_lists(dataset, task)


def find_frames(train: Manifest, recipe: DataRecipe) -> int:
    """Frames of the stretch of sound that the model is given.

    Raises:
        BadInputError: it is shorter than one window.
    """
    seconds = recipe.seconds or min(_LONGEST, float(durations(train).max()))
    num_frames = recipe.audio.num_steps(seconds)
    if num_frames < 1:
        message = f"{seconds:g} s of sound are shorter than one window of {recipe.audio.window_ms:g} ms"
        raise BadInputError(message, "set --seconds to the length of your clips")
    return num_frames


def with_modality(clips: Manifest, inputs: Sequence[str], reporter: Reporter) -> Manifest:
    """The clips that have what a model of one modality takes; the others are left out, and told.

    A model of sound and pictures gets all clips: it goes by what each has.

    Raises:
        BadInputError: no clip is left.
    """
    wanted = [name for name in _MODALITIES if name in inputs]
    column = f"has_{wanted[0]}" if len(wanted) == 1 else ""
    # a mined clip is a sound file, and its pictures are those of the film
    if column not in clips.table.column_names or (
        wanted == ["video"] and "film_start" in clips.table.column_names
    ):
        return clips
    kept = [place for place, has in enumerate(clips.column(column)) if has is not False]
    if len(kept) == len(clips):
        return clips
    what = _MODALITIES[wanted[0]]
    if not kept:
        message = f"all {len(clips)} clips of `{clips.origin}` have no {what}"
        raise BadInputError(message, "choose another modality, or other clips")
    reporter.warn(f"{len(clips) - len(kept)} of {len(clips)} clips have no {what}, and are left out")
    return clips.take(kept)


def check_lengths(clips: Manifest, audio: AudioSettings) -> None:
    """Refuses clips that are too short for a spectrogram.

    Raises:
        BadInputError: there are some.
    """
    seconds = durations(clips)
    short = [index for index, length in enumerate(seconds) if audio.num_steps(float(length)) < 1]
    if short:
        first = clips[short[0]]
        message = (
            f"{len(short)} clips of `{clips.origin}` are shorter than one window of {audio.window_ms:g} ms: "
            f"`{first.clip_id}` has {1000 * first.duration:.3g} ms"
        )
        raise BadInputError(message, "leave them out, or make them longer")
