"""The whole objective: a contrast, and the questions about time."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor, nn

from avtool.data.inputs.video_transforms import as_seen
from avtool.models.layers.settings import require
from avtool.models.temporal.avt import AVT
from avtool.objectives.shared_noise import SharedNoise
from avtool.objectives.temporal.contrasts import InfoNCE, MinedContrast, NeighbourContrast
from avtool.objectives.temporal.memories import InstanceBank, PairedQueue, queue_length
from avtool.objectives.temporal.mining import MiningSettings
from avtool.objectives.temporal.peers import InstanceDiscrimination, TransformContrast
from avtool.objectives.temporal.time_terms import time_terms
from avtool.objectives.temporal.views import DIRECTIONS, Views

Method = Literal["avt", "infonce", "nnclr", "avid", "gdt"]
METHODS: tuple[Method, ...] = ("avt", "infonce", "nnclr", "avid", "gdt")
_SIGHT_WITH_SOUND: tuple[Method, ...] = ("avid", "gdt")
"""The methods that compare sight with sound alone, and are sharper about it."""
_RAMP = 0.2
"""The share of a training over which the neighbours' weight rises."""


@dataclass(frozen=True)
class TemporalSettings:
    """What is learned, and how.

    Attributes:
        method: avt: neighbours and negatives of each sample's own; infonce: the batch alone; nnclr: a
            neighbour asks; avid: instance discrimination; gdt: transformations.
        pairs: what is contrasted: vv, va, aa; empty for the method's own, va for avid and gdt, else vv and
            va.
        temperature: τ; 0 for the method's own: 0.07 for avid and gdt, else 0.1.
        alpha: share of the neighbours in the loss of avt.
        queue: most slots of the queue of avt and nnclr.
        mining: how the queue is drawn from.
        contrast_weight: λ of the contrast.
        time_weight: λ of the questions about time.
    """

    method: Method = "avt"
    pairs: tuple[str, ...] = ()
    temperature: float = 0.0
    alpha: float = 0.5
    queue: int = 16384
    mining: MiningSettings = field(default_factory=MiningSettings)
    contrast_weight: float = 1.0
    time_weight: float = 1.0

    def __post_init__(self) -> None:
        require(
            self.method in METHODS, f"no objective is called `{self.method}`", f"try {', '.join(METHODS)}"
        )
        unknown = [pair for pair in self.pairs if pair not in DIRECTIONS]
        require(not unknown, f"clips are contrasted as {', '.join(DIRECTIONS)}, not as {', '.join(unknown)}")
        require(
            self.method != "gdt" or set(self.pairs) <= {"va"},
            "gdt contrasts sight with sound alone",
            "--contrast va",
        )
        require(0 <= self.alpha <= 1, f"alpha {self.alpha} is not in [0, 1]")
        require(self.temperature >= 0, f"the temperature {self.temperature} is negative")


class TemporalObjective(nn.Module):
    """Scores an `AVT` on a batch; see `avtool.objectives.temporal` for what that holds.

    Args:
        contrast: gives the losses `contrast_<pair>` of views, and other scalars to log.
        contrast_weight: of their sum.
        time_weight: of the sum over the model's questions.
    """

    def __init__(self, contrast: nn.Module, contrast_weight: float = 1.0, time_weight: float = 1.0) -> None:
        super().__init__()
        self.contrast = contrast
        self.contrast_weight = contrast_weight
        self.time_weight = time_weight

    def forward(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Scores a batch.

        Returns:
            `loss`, each of its terms, for each question `_accuracy` and `_chance`, what the contrast tells,
            and `strangers`: the share of pairs in the batch that are of different videos, without which there
            is nothing to contrast.
        """
        assert isinstance(model, AVT), "the objective is for pairs of encoders"
        output = model(as_seen(batch, "video"), batch["audio"])
        with torch.autocast(batch["video"].device.type, enabled=False):
            views = Views.of(output.projections, batch)
            contrasts = self.contrast(views, batch)
            asked = time_terms(output.answers, batch)
            loss = self.contrast_weight * _total(
                contrasts, [n for n in contrasts if n.startswith("contrast_")]
            )
            loss = loss + self.time_weight * _total(asked, model.questions)
            # a tower that no term asks for must have a gradient all the same, or DDP waits for it for ever
            loss = loss + 0.0 * sum(values.sum() for values in output.projections.values())
        strangers = (views.video_id[:, None] != views.video_ids).float().mean()
        scalars = {**contrasts, **asked, "strangers": strangers}
        return {"loss": loss, **{name: value.detach() for name, value in scalars.items()}}


def _total(terms: Mapping[str, Tensor], names: list[str] | tuple[str, ...]) -> Tensor | float:
    return torch.stack([terms[name] for name in names]).sum() if names else 0.0


def make_temporal_objective(
    settings: TemporalSettings,
    *,
    num_clips: int,
    batch: int,
    total_batches: int,
    projection_dim: int,
    seed: int = 0,
) -> TemporalObjective:
    """Builds the objective for a training.

    Args:
        settings: what is learned.
        num_clips: rows of the data.
        batch: rows of a step in all processes.
        total_batches: batches of the whole training in one process, from which neighbours' weight rises.
        projection_dim: `AVTSettings.projection_dim`.
        seed: of what is drawn from memories.

    Raises:
        BadInputError: the settings do not fit the data, or each other.
    """
    require(
        batch >= 2,
        "clips are told apart within a batch, and a batch of 1 has nothing to tell",
        "--batch-size 2",
    )
    contrast = _make_contrast(settings, num_clips, batch, total_batches, projection_dim, SharedNoise(seed))
    return TemporalObjective(contrast, settings.contrast_weight, settings.time_weight)


def _make_contrast(
    settings: TemporalSettings, num_clips: int, batch: int, total_batches: int, dim: int, noise: SharedNoise
) -> nn.Module:
    sharp = settings.method in _SIGHT_WITH_SOUND
    pairs = settings.pairs or (("va",) if sharp else ("vv", "va"))
    temperature = settings.temperature or (0.07 if sharp else 0.1)
    if settings.method == "infonce":
        return InfoNCE(pairs, temperature)
    if settings.method == "gdt":
        return TransformContrast(temperature)
    if settings.method == "avid":
        require(
            settings.mining.num_negatives > 0, "avid tells clips from noise, and has no negatives to draw"
        )
        return InstanceDiscrimination(
            pairs, temperature, InstanceBank(num_clips, dim), settings.mining.num_negatives, noise
        )
    queue = PairedQueue(queue_length(num_clips, batch, settings.queue), dim)
    if settings.method == "nnclr":
        return NeighbourContrast(pairs, temperature, queue, replace(settings.mining, num_negatives=0), noise)
    ramp = round(_RAMP * total_batches)
    return MinedContrast(pairs, temperature, queue, settings.mining, noise, alpha=settings.alpha, ramp=ramp)
