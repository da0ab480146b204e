"""Demonstrations: labelled examples behind the query, one of each class (LM-BFF §6)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import CorruptArtifactError
from avtool.core.foreign import read_by_others
from avtool.core.requirements import quiet_transformers
from avtool.data.few_shot.tokenizer import open_tokenizer

DemoMode = Literal["none", "random", "filtered"]
Vectors = NDArray[np.float32]
_BATCH = 64


@dataclass(frozen=True)
class DemonstrationPool:
    """The examples that demonstrations are drawn from.

    Attributes:
        texts: of each example.
        classes: of each example.
        num_classes: of the task.
        vectors: (N, D) unit sentence embeddings, where demonstrations are filtered by them.
        keep: share of each class's examples, the most similar to the query, that filtering keeps.
    """

    texts: Sequence[Sequence[str]]
    classes: Sequence[int]
    num_classes: int
    vectors: Vectors | None = None
    keep: float = 0.5
    _members: list[NDArray[np.int64]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        classes = np.asarray(self.classes)
        members = [np.flatnonzero(classes == number) for number in range(self.num_classes)]
        object.__setattr__(self, "_members", members)

    def candidates(self, query: Vectors | None = None, own: int | None = None) -> list[NDArray[np.int64]]:
        """The places of the examples of each class that may be drawn.

        Args:
            query: (D,) the query's embedding, for filtering.
            own: the place of the query itself in the pool, which is never its own demonstration.
        """
        found = [members[members != own] if own is not None else members for members in self._members]
        if self.vectors is None or query is None:
            return found
        likeness = self.vectors @ query
        total = sum(map(len, found))
        number = max(1, int(total // self.num_classes * self.keep))
        return [members[np.argsort(-likeness[members], kind="stable")][:number] for members in found]

    def draw(
        self, rng: np.random.Generator, query: Vectors | None = None, own: int | None = None
    ) -> list[tuple[Sequence[str], int]]:
        """One demonstration of each class that has any left, in the order of the classes."""
        chosen = [
            (int(rng.choice(members)), number)
            for number, members in enumerate(self.candidates(query, own))
            if len(members)
        ]
        return [(self.texts[place], number) for place, number in chosen]


class SentenceEmbedder:
    """Unit vectors of texts: the mean of a transformer's last states over the tokens.

    A sentence encoder such as all-MiniLM-L6-v2, or any masked LM.

    Args:
        folder: of transformers: weights, `config.json` and tokenizer.

    Raises:
        CorruptArtifactError: it holds no such model.
        MissingError: transformers is not installed.
    """

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModel

        self._tokenizer = open_tokenizer(folder)
        with (
            read_by_others(f"`{folder}` holds no text encoder", "give another", CorruptArtifactError),
            quiet_transformers(),  # a masked LM has no pooler, and none is used
        ):
            self._model = AutoModel.from_pretrained(
                str(folder.absolute()), local_files_only=True, trust_remote_code=False
            ).eval()
        self._length = min(256, int(getattr(self._model.config, "max_position_embeddings", 258)) - 2)

    def __call__(self, texts: Sequence[Sequence[str]]) -> Vectors:
        """(N, D) of examples, the texts of each joined by a space."""
        import torch

        joined = [" ".join(one) for one in texts]
        order = sorted(range(len(joined)), key=lambda place: len(joined[place]))
        vectors: list[Vectors] = []
        with torch.no_grad():
            for first in range(0, len(order), _BATCH):
                batch = self._tokenizer(
                    [joined[place] for place in order[first : first + _BATCH]],
                    padding=True, truncation=True, max_length=self._length, return_tensors="pt",
                )  # fmt: skip
                states = self._model(**batch).last_hidden_state
                mask = batch["attention_mask"][:, :, None].float()
                mean = (states * mask).sum(1) / mask.sum(1).clamp(min=1)
                vectors.append(torch.nn.functional.normalize(mean, dim=1).numpy())
        found = np.concatenate(vectors) if vectors else np.zeros((0, 1), np.float32)
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return np.ascontiguousarray(found[back], np.float32)
