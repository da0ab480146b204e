"""Frame features of new films, by the encoder that a model names; kept in the cache."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from avtool.core.artifact import settings_hash
from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.files import sha256_of
from avtool.core.paths import cache_folder
from avtool.core.reporter import Reporter
from avtool.data.inputs.features import FeaturesInput
from avtool.data.inputs.frame_features import FrameEncoder, state_name
from avtool.data.items import Item
from avtool.inference.embedding import embed_files
from avtool.inference.recipes import EmbedRecipe, PredictRecipe

if TYPE_CHECKING:
    from avtool.inference.predictor import Predictor

FOLDER = "frames"
"""Of the cache, for features of frames."""


def find_frames(
    items: Sequence[Item], predictor: "Predictor", recipe: PredictRecipe, reporter: Reporter
) -> Path | None:
    """The features of frames that a model takes: those of the recipe, or made by the model's own encoder.

    Features of a file are made once for an encoder; a file that cannot be embedded is named, and fails.

    Args:
        items: the files.
        predictor: the model.
        recipe: of the prediction: its features, device and batches.
        reporter: gets progress.

    Returns:
        Where they are; None for a model that takes none, or whose encoder is not known.

    Raises:
        BadInputError: the encoder is not there, or not the one that the model was trained with; or the only
            file has no frames.
    """
    one = predictor.inputs.get(FeaturesInput)
    if recipe.frame_features is not None or one is None or one.encoder is None:
        return recipe.frame_features
    settings = EmbedRecipe(
        modality=one.encoder.modality,  # type: ignore[arg-type]
        hop=one.encoder.hop,
        batch_size=recipe.batch_size,
        runtime=recipe.runtime,
    )
    folder = cache_folder() / FOLDER / settings_hash(one.encoder.to_json())
    folder.mkdir(parents=True, exist_ok=True)
    todo = [item for item in items if not (folder / state_name(item)).is_file()]
    if not todo:
        return folder
    encoder = _load(one.encoder, predictor.path, recipe, reporter)
    with reporter.progress("embedding frames", len(todo)) as bar:
        for file in embed_files(todo, folder, encoder, settings, {}, named=state_name):
            if isinstance(file.error, AvtoolError):
                if len(items) == 1:
                    raise file.error
                reporter.warn(f"the frames of {file.name}: {file.error}")
            bar.advance(note=Path(file.name).name)
    return folder


def _load(found: FrameEncoder, model: Path, recipe: PredictRecipe, reporter: Reporter) -> "Predictor":
    from avtool.inference.predictor import Predictor
    from avtool.models.foreign import locate
    from avtool.models.model_files import WEIGHTS

    hint = "put it back, or give the features of the frames: --frame-features"
    if found.hop is None:
        message = f"the frame features that `{model}` was trained on are not evenly spaced"
        raise BadInputError(message, "give those of these files: --frame-features")
    try:
        weights = sha256_of(locate(Path(found.name)) / WEIGHTS)
    except BadInputError as error:
        message = f"`{model}` reads frames by the encoder `{found.name}`, which is not there"
        raise BadInputError(message, hint) from error
    if weights != found.weights:
        message = f"`{found.name}` is not the encoder that `{model}` was trained with: its weights differ"
        raise BadInputError(message, hint)
    reporter.info(f"frames: by `{found.name}`, every {found.hop:g} s")
    return Predictor(Path(found.name), recipe.runtime, reporter).only(found.modality)  # type: ignore[arg-type]
