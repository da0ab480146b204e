"""The output of a classifier."""

from typing import NamedTuple

from torch import Tensor


class ClassifierOutput(NamedTuple):
    """The scores of a batch, before softmax or sigmoid.

    Attributes:
        logits: (B, classes); with several modalities, the mean over those present in each sample.
        modality_logits: (B, classes) of each modality, or of each view of one, where a model scores them
            apart; else empty. Rows of samples in which the modality is absent mean nothing.
    """

    logits: Tensor
    modality_logits: dict[str, Tensor]
