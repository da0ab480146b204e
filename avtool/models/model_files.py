"""The files of a model folder, the folder that a path means, and the record of what a model learned from."""

from pathlib import Path

from avtool.core.artifact import CARD
from avtool.core.errors import BadInputError
from avtool.core.learned_clips import LearnedClips, read_learned

WEIGHTS = "model.safetensors"
CONFIG, PREPROCESS, README = "config.json", "preprocess.json", "README.md"
_CARDS = (CARD, CONFIG)


def find_model(path: Path) -> Path:
    """The model folder that a user means by a path: itself, or that of a run or of a checkpoint.

    Raises:
        BadInputError: there is none.
    """
    for folder in (path, path / "model"):
        if (folder / CONFIG).is_file() or (folder / WEIGHTS).is_file():
            return folder
    if (path / "checkpoints").is_dir():
        raise BadInputError(
            f"the run `{path}` has no model yet", "run its command again to finish it, or give a checkpoint"
        )
    if not path.exists():
        raise BadInputError(f"there is no model `{path}`", "give the folder of a model, or of a finished run")
    raise BadInputError(f"`{path}` holds no model", "give the folder of a model, or of a finished run")


def weights_file(path: Path) -> Path:
    """The file with the weights of a model folder, of a run, or of a checkpoint file.

    Raises:
        BadInputError: there is none.
    """
    if path.is_dir():
        return find_model(path) / WEIGHTS
    if not path.is_file():
        raise BadInputError(f"the weights `{path}` do not exist", "give a model, a run, or a checkpoint file")
    return path


def described_folder(path: Path) -> Path | None:
    """The folder that describes a model: a run's, its own, or that of its weights; None for other weights."""
    of_file = [path.parent] if path.name == WEIGHTS else []
    folders = of_file if path.is_file() else [path, path / "model"]
    return next((folder for folder in folders if all((folder / name).is_file() for name in _CARDS)), None)


def find_learned(path: Path) -> LearnedClips | None:
    """The clips that a model, a run or a checkpoint file learned from; None where they are not known.

    A file is looked up in the model folder that it lies in; weights of others have no record.

    Raises:
        CorruptArtifactError: the record is damaged.
    """
    for folder in (path, path / "model") if path.is_dir() else (path.parent,):
        if (found := read_learned(folder)) is not None:
            return found
    return None
