"""Models that compare audio with texts as classifiers of sounds: the texts that they listen for."""

from pathlib import Path
from typing import TYPE_CHECKING

from avtool.captioning.phrases.phrase_book import SoundClass, read_phrases
from avtool.core.errors import BadInputError
from avtool.inference.captioner import ModelOptions

if TYPE_CHECKING:
    from avtool.inference.predictor import Predictor

_TABLE = ".csv"


def listen_for(predictor: "Predictor", options: ModelOptions) -> tuple["Predictor", ModelOptions]:
    """A model with a text tower as a classifier of texts.

    They are `options.texts`; or the lines of the file of phrases, which may be a table of classes as well; or
    the phrases of AudioSet's classes.

    Returns:
        The classifier, and the options, of whose phrases only a table remains.

    Raises:
        BadInputError: the texts cannot be read, or the model has no text tower.
    """
    own = options.phrases
    table = own if own is not None and own.suffix.lower() == _TABLE else None
    if options.texts:
        return predictor.with_texts(options.texts), options.model_copy(update={"phrases": table})
    if own is not None and table is None:
        return predictor.with_phrases(own), options.model_copy(update={"phrases": None})
    classes = _classes(table)
    texts = [one.label if table else one.phrase or one.name for one in classes]
    return predictor.with_texts(texts, [one.label for one in classes]), options


def _classes(table: Path | None) -> list[SoundClass]:
    """The classes of a table, or those of AudioSet that are sounds of a film; of a phrase the first one.

    Raises:
        BadInputError: the table cannot be read, or is empty.
    """
    if table is not None:
        found = list(read_phrases("en", table).own.values())
        if not found:
            raise BadInputError(f"`{table}` holds no phrase", "write each class once, a line each")
        return found
    known = read_phrases("en").tables[0].values()
    by_text = {one.phrase or one.name: one for one in reversed([*known]) if one.kind != "never"}
    return list(reversed(by_text.values()))
