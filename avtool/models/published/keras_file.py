"""The weights of a Keras file (HDF5) as named tensors."""

from pathlib import Path

import numpy as np
import torch

from avtool.core.errors import CorruptArtifactError, MissingError
from avtool.models.published.report import State

KERAS_SUFFIXES = (".h5", ".hdf5")


def read_keras(path: Path) -> State:
    """All floating-point arrays of a file of `save_weights`, by their paths, such as `layer1/conv/kernel:0`.

    Raises:
        CorruptArtifactError: it is no HDF5 file.
        MissingError: h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        message = f"`{path}` is an HDF5 file, which h5py reads"
        raise MissingError(message, "pip install 'avtool[hub]'") from error
    state: State = {}

    def take(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
            state[name] = torch.from_numpy(np.asarray(item, np.float32))

    try:
        with h5py.File(path, "r") as file:
            file.visititems(take)
    except OSError as error:
        raise CorruptArtifactError(f"`{path}` is no HDF5 file", "get it again") from error
    return state
