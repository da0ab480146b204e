"""Initial weights of a captioner, whose words are found by the words themselves."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from avtool.core.artifact import Input
from avtool.core.errors import BadInputError
from avtool.core.files import read_json, sha256_of
from avtool.core.reporter import Reporter
from avtool.data.vocabulary import SPECIALS, Vocabulary
from avtool.tasks.dense_captioning.recipe import CaptionerModelRecipe

if TYPE_CHECKING:
    from avtool.models.masked_transformer.masked_transformer import MaskedTransformer
    from avtool.models.published.report import LoadReport, State


def start_captioner(
    model: "MaskedTransformer", recipe: CaptionerModelRecipe, vocabulary: Vocabulary, reporter: Reporter
) -> None:
    """Loads initial weights, where the recipe names some.

    Args:
        model: changed in place.
        recipe: of the network.
        vocabulary: of the captions.
        reporter: gets a line for each adaptation.

    Raises:
        BadInputError: the weights, or the list of their words, do not fit.
    """
    from avtool.models.masked_transformer.weights import load_masked_transformer
    from avtool.models.start import load_start

    words = None if recipe.init is None else _words_of(recipe.init, recipe.init_words)

    def read(network: "MaskedTransformer", state: "State") -> "LoadReport":
        return load_masked_transformer(network, state, words=words, own_words=vocabulary.words)

    load_start(model, recipe.name, recipe.init, reporter, read=read)


def start_inputs(recipe: CaptionerModelRecipe) -> list[Input]:
    """The weights and the list of words that a training starts from.

    Raises:
        BadInputError: there are none.
    """
    if recipe.init is None:
        return []
    from avtool.training.run import weights_input

    words = recipe.init_words
    listed = [Input(str(words), "words", sha256_of(words))] if words is not None and words.is_file() else []
    return [weights_input(recipe.init), *listed]


def _words_of(init: Path, listed: Path | None) -> Sequence[str] | None:
    """The words of weights by number: of a list, or of a run; None where neither is there."""
    from avtool.models.model_files import PREPROCESS, described_folder

    if listed is None:
        folder = described_folder(init)
        values = read_json(folder / PREPROCESS) if folder is not None else {}
        return Vocabulary.from_json(values["vocabulary"]).words if "vocabulary" in values else None
    try:
        lines = listed.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot read the words `{listed}`"
        raise BadInputError(message, "give a text file in UTF-8 with a word a line") from error
    words = tuple(line.strip() for line in lines if line.strip())
    return words if words[: len(SPECIALS)] == SPECIALS else (*SPECIALS, *words)
