"""The joint of `avtool caption`: what lists the sound events of a film, whatever the model is.

A kind of model registers a `CaptionerKind`: the sound tagger, which is every classifier's, in
`avtool.inference`, and a captioner that learns to write in the module `captioner` of its task's folder.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from avtool.captioning.event import SoundEvent
from avtool.core.errors import BadInputError
from avtool.core.recipe import Recipe, option
from avtool.core.registry import Registry
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe

if TYPE_CHECKING:
    from avtool.data.items import Item
    from avtool.models.model_folder import ModelDescription


class ModelOptions(Recipe):
    """What any model that captions is opened with; a kind of model checks `decoding` by its own recipe."""

    threshold: float | None = option(
        None,
        "Minimum score of an event.  [default: the model's own, by class where it has classes]",
        flag="--threshold",
        ge=0,
        le=1,
    )
    thresholds: Path | None = option(
        None,
        "Thresholds by class: a folder of `caption calibrate`, or a CSV table (label, threshold).",
        flag="--thresholds",
    )
    phrases: Path | None = option(
        None,
        "CSV table of own phrases of classes (label, phrase, perhaps kind, parent); for models with a text "
        "tower (CLAP, …) also a text file with a phrase a line.",
        flag="--phrases",
    )
    texts: tuple[str, ...] = option(
        (), "Phrases that a model with a text tower listens for.  [default: --phrases, or AudioSet's classes]"
    )
    language: str = option("en", "Language of the phrases.", flag="--lang", pattern="^[a-z]{2,3}$")
    decoding: dict[str, Any] = option({}, "Settings of a learned captioner's decoder, such as { nms = 0.9 }.")
    batch_size: int = option(32, "Windows per batch.", flag="--batch-size", identity=False, ge=1, le=4096)
    runtime: RuntimeRecipe = RuntimeRecipe()


@dataclass(frozen=True)
class FilmSounds:
    """The sound events of a film.

    Attributes:
        seconds: the film's duration, as far as it could be decoded.
        events: by time.
    """

    seconds: float
    events: Sequence[SoundEvent]


class Captioner(Protocol):
    """A model on its device that lists the sound events of films; memory must not grow with their length.

    Attributes:
        note: the model and its thresholds in a line, for the caption files.
    """

    note: str

    def listen(self, film: "Item", reporter: Reporter) -> FilmSounds:
        """The sound events of a film, or of a clip.

        Raises:
            BadInputError: it cannot be read, or has nothing that the model takes.
        """


@dataclass(frozen=True)
class CaptionerKind:
    """A kind of model that captions films.

    Attributes:
        summary: for messages: `a classifier of sounds`.
        claims: whether a model, by its description, is of this kind.
        open: the model of a path, as `--model` takes them, on its device.
        takes_file: whether a path is that of a file of this kind, which is no model.
    """

    summary: str
    claims: "Callable[[ModelDescription], bool]"
    open: Callable[[Path, ModelOptions, Reporter], Captioner]
    takes_file: Callable[[Path], bool] = lambda _: False


CAPTIONERS: Registry[CaptionerKind] = Registry(
    "captioner",
    "avtool caption --help",
    group="avtool.captioners",
    accepts=lambda entry: isinstance(entry, CaptionerKind),
)
"""The kinds of models that caption; the first that claims a model opens it."""
CAPTIONERS.live_in("avtool.inference", leaf="captioner")


def open_captioner(model: Path, options: ModelOptions, reporter: Reporter) -> Captioner:
    """Opens a model as the captioner that it is.

    Args:
        model: a model, a run, a checkpoint, published weights, or a CSV table of events.
        options: threshold, language, device.
        reporter: gets device and precision.

    Raises:
        BadInputError: no kind of captioner is made of such a model.
        AvtoolError: it cannot be loaded.
    """
    kinds = [kind for _, kind in CAPTIONERS.items()]
    if kind := next((kind for kind in kinds if kind.takes_file(model)), None):
        return kind.open(model, options, reporter)
    from avtool.models.foreign import locate
    from avtool.models.model_folder import read_description

    description = read_description(locate(model))
    for kind in kinds:
        if kind.claims(description):
            return kind.open(model, options, reporter)
    known = " or ".join(kind.summary for kind in kinds)
    raise BadInputError(f"`{model}` captions no films", f"give {known}")


def captioner_file(model: Path) -> Path:
    """The file whose content decides what is captioned: a model's weights, or a table of events.

    Raises:
        BadInputError: `model` is neither.
    """
    if any(kind.takes_file(model) for _, kind in CAPTIONERS.items()):
        if not model.is_file():
            raise BadInputError(f"`{model}` does not exist", "name a table of events, or a model")
        return model
    from avtool.models.foreign import locate
    from avtool.models.model_files import WEIGHTS

    return locate(model) / WEIGHTS
