"""An encoder of sentences and labels: states of their tokens, and one unit vector each."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import BadInputError
from avtool.core.files import sha256_of
from avtool.core.requirements import quiet_transformers, require
from avtool.core.runtime import RuntimeRecipe
from avtool.models.hub.family import config_of, hub_folder
from avtool.models.model_folder import one_line

Vectors = NDArray[np.float32]
DEFAULT = "hf:sentence-transformers/all-MiniLM-L6-v2"
"""Where no other is named: all-MiniLM-L6-v2 (Apache-2.0, 91 MB)."""
_TEXTS = 64
"""Texts at a time."""


class TextEncoder:
    """A text encoder of transformers, such as all-MiniLM-L6-v2 or RoBERTa.

    Args:
        name: a folder that transformers or sentence-transformers saved, or `hf:OWNER/NAME`.
        runtime: the device.

    Attributes:
        name: as given.
        folder: where its files are.

    Raises:
        BadInputError: it is no text encoder.
        MissingError: it is not on this machine, and cannot be downloaded; or transformers is not installed.
    """

    def __init__(self, name: str, runtime: RuntimeRecipe) -> None:
        folder = hub_folder(Path(name))
        if folder is None or not config_of(folder):
            message = f"`{name}` is no text encoder: no folder of transformers, and no hf:OWNER/NAME"
            raise BadInputError(message, f"give one as --text-encoder, such as {DEFAULT}")
        self.name, self.folder, self._runtime = name, folder, runtime

    @cached_property
    def weights(self) -> str:
        """SHA-256 of the weights."""
        files = sorted(self.folder.glob("*.safetensors"))
        if not files:
            message = f"`{self.folder}` has no weights (*.safetensors)"
            raise BadInputError(message, "get the model again, with model.safetensors")
        return sha256_of(files[0])

    @property
    def width(self) -> int:
        """Of a token's state, by the configuration alone."""
        config = require("transformers", "hub").AutoConfig
        place = str(self.folder.absolute())
        return int(config.from_pretrained(place, local_files_only=True, trust_remote_code=False).hidden_size)

    def tokens(self, text: str) -> Vectors:
        """The states of the tokens of one text, (L, C), special tokens included."""
        states, mask = self._states([text])
        found: Vectors = states[0][mask[0] > 0]
        return found

    def sentences(self, texts: Sequence[str]) -> Vectors:
        """One unit vector for each text, (N, C): the mean of its tokens' states."""
        found = []
        for first in range(0, len(texts), _TEXTS):
            states, mask = self._states(texts[first : first + _TEXTS])
            weights = mask[:, :, None].astype(np.float32)
            found.append((states * weights).sum(axis=1) / weights.sum(axis=1))
        means = np.concatenate(found)
        unit: Vectors = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        return unit

    def _states(self, texts: Sequence[str]) -> tuple[Vectors, NDArray[np.int64]]:
        import torch

        model, tokenizer, device = self._parts
        given = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt").to(device)
        with torch.no_grad():
            states = model(**given).last_hidden_state.float().cpu().numpy()
        return states, given["attention_mask"].cpu().numpy()

    @cached_property
    def _parts(self) -> tuple[Any, Any, Any]:
        """Network, tokenizer and device."""
        import torch

        from avtool.models.runtime import choose_device

        transformers = require("transformers", "hub")
        place = str(self.folder.absolute())
        device = torch.device(choose_device(self._runtime.device).value)
        try:
            with quiet_transformers():
                tokenizer = transformers.AutoTokenizer.from_pretrained(
                    place, local_files_only=True, trust_remote_code=False
                )
                model = transformers.AutoModel.from_pretrained(
                    place,
                    local_files_only=True,
                    trust_remote_code=False,
                    use_safetensors=True,
                    dtype=torch.float32,
                )
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            message = f"`{self.name}` is no text encoder of transformers ({one_line(error)})"
            raise BadInputError(message, f"give one as --text-encoder, such as {DEFAULT}") from error
        return model.eval().to(device), tokenizer, device
