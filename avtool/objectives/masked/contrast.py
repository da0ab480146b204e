"""InfoNCE between pooled views of the same clips, with the other clips of all processes as negatives."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from avtool.core.errors import BadInputError
from avtool.objectives.distributed import all_gather, rank


def info_nce(query: Tensor, key: Tensor, temperature: float) -> Tensor:
    """InfoNCE of each clip's own key among all keys (van den Oord et al., 2018).

    -mean of log(e^(s_ii / τ) / Σ_j e^(s_ij / τ)) with s the cosine of query and key.

    Args:
        query: (B, D) of this process.
        key: (B, D) of this process; row i belongs to row i of `query`.
        temperature: τ.

    Raises:
        BadInputError: there is one clip in all.
    """
    keys = all_gather(F.normalize(key.float(), dim=-1))
    if len(keys) < 2:
        raise BadInputError(
            "a contrast needs at least 2 clips in a batch: with one its loss is always 0",
            "use --batch-size 2 or more",
        )
    with torch.autocast(
        query.device.type, enabled=False
    ):  # a low temperature makes much of small differences
        scores = F.normalize(query.float(), dim=-1) @ keys.t() / temperature
    own = torch.arange(len(query), device=query.device) + rank() * len(query)
    return F.cross_entropy(scores, own)


def pair_contrast(audio: Tensor, video: Tensor, temperature: float) -> Tensor:
    """InfoNCE of (B, D) and (B, D) features, a scalar: the mean of audio to video and video to audio."""
    return (info_nce(audio, video, temperature) + info_nce(video, audio, temperature)) / 2
