"""The files of a model folder, and the folder that a path means."""

from pathlib import Path

from avtool.core.errors import BadInputError

WEIGHTS = "model.safetensors"
CONFIG, PREPROCESS, README = "config.json", "preprocess.json", "README.md"


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
