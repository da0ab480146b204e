"""Weights of others, imported into the cache as model folders: files, folders and ids of hubs."""

from pathlib import Path

from avtool.core.artifact import CARD, settings_hash
from avtool.core.errors import BadInputError
from avtool.core.paths import cache_folder
from avtool.models.catalogue import fetched_file
from avtool.models.model_files import WEIGHTS, find_model, weights_file
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import MODELS
from avtool.models.source import Foreign, Source

FOLDER = "models"
"""Of the cache, for imported models."""
_SCHEMA = 1
"""Of what an import makes of the same weights; a higher one imports them again."""


def locate(path: Path) -> Path:
    """The model folder that a user means: his own, or that of weights of others, imported on first use.

    Args:
        path: a model, a run or a checkpoint folder of avtool; else a file or folder of weights of others, or
            an id of a hub.

    Raises:
        BadInputError: it is nothing of these.
        AvtoolError: its weights cannot be read.
    """
    if path.is_dir():
        try:
            folder = find_model(path)
        except BadInputError:
            folder = None
        if folder is not None and (folder / CARD).is_file():
            return folder
    if (foreign := find_foreign(path)) is not None:
        return _imported(path, foreign)
    if path.is_file():
        message = f"`{path}` is a file of weights that no architecture claims"
        raise BadInputError(
            message, "`avtool models show NAME` lists what each loads; --init takes any of them"
        )
    return find_model(path)


def find_foreign(path: Path) -> Foreign | None:
    """What the first family that reads it makes of weights of others; None where there is none."""
    if not path.exists():
        path = fetched_file(str(path)) or path
    source = Source(str(path), path if path.exists() else None)
    families = {type(model.family): model.family for _, model in MODELS.items()}
    return next((found for family in families.values() if (found := family.adopt(source))), None)


def find_weights(path: Path) -> Path:
    """The file with the weights that a user names: of a model, a run, a checkpoint, or weights of others.

    Of an id of a hub it is the published file itself, with all that an encoder leaves behind, or, where there
    is not one such file, that of the imported encoder.

    Raises:
        BadInputError: there are none.
        AvtoolError: they cannot be downloaded, or read.
    """
    if path.exists() or (foreign := find_foreign(path)) is None:
        return weights_file(path)
    published = [file for file in foreign.files if file.suffix == ".safetensors"]
    return published[0] if len(published) == 1 else locate(path) / WEIGHTS


def _imported(path: Path, foreign: Foreign) -> Path:
    """The folder of the cache, written unless it is there and of the same files."""
    stats = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in foreign.files]
    key = settings_hash([_SCHEMA, str(path), foreign.builder, foreign.arguments, foreign.preprocess, stats])
    folder = cache_folder() / FOLDER / f"{foreign.builder}-{key}"
    if (folder / CARD).is_file():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    network = foreign.build()
    description = ModelDescription(
        foreign.builder,
        foreign.arguments,
        foreign.preprocess,
        summary=f"{foreign.summary} Imported from `{path}`.".strip(),
        assets=foreign.assets,
    )
    save_model(folder, network.state_dict(), description)
    return folder
