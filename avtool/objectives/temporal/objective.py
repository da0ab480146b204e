"""The temporal objective: a contrast and the losses of the pretext tasks."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from avtool.data.inputs.video_augment import as_float
from avtool.models.layers.settings import require
from avtool.models.temporal.avt import AVT
from avtool.objectives.shared_noise import SharedNoise
from avtool.objectives.temporal.avid import InstanceDiscrimination
from avtool.objectives.temporal.contrasts import InfoNCE, MinedContrast, NeighbourContrast
from avtool.objectives.temporal.gdt import TransformContrast
from avtool.objectives.temporal.memory_bank import InstanceBank, PairedQueue, queue_length
from avtool.objectives.temporal.mining import MiningSettings
from avtool.objectives.temporal.pretext import pretext_terms
from avtool.objectives.temporal.views import DIRECTIONS, Views

Method = Literal["avt", "infonce", "nnclr", "avid", "gdt"]
METHODS: tuple[Method, ...] = ("avt", "infonce", "nnclr", "avid", "gdt")
_CROSS_MODAL: tuple[Method, ...] = ("avid", "gdt")
"""The methods that contrast video with audio alone, at a lower temperature."""
_RAMP = 0.2
"""The share of a training over which the weight of mined positives rises."""


@dataclass(frozen=True)
class TemporalSettings:
    """The settings of the objective.

    Attributes:
        method: avt: mined positives and negatives; infonce: the batch alone; nnclr: the nearest neighbour as
            query; avid: instance discrimination; gdt: transformations.
        pairs: kinds of contrast: vv, va, aa; empty for the method's own: va for avid and gdt, else vv and va.
        temperature: τ; 0 for the method's own: 0.07 for avid and gdt, else 0.1.
        alpha: weight of the mined positives in the loss of avt.
        queue: maximum number of slots of the queue of avt and nnclr.
        mining: how positives and negatives are drawn from the queue.
        contrast_weight: λ of the contrast.
        time_weight: λ of the pretext tasks.
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
            "gdt contrasts video with audio alone",
            "--contrast va",
        )
        require(0 <= self.alpha <= 1, f"alpha {self.alpha} is not in [0, 1]")
        require(self.temperature >= 0, f"the temperature {self.temperature} is negative")


class TemporalObjective(nn.Module):
    """Scores an `AVT` on a batch; see `avtool.objectives.temporal` for what that holds.

    Args:
        contrast: gives the losses `contrast_<pair>` of views, and other scalars to log.
        contrast_weight: weight of their sum.
        time_weight: weight of the sum over the model's pretext tasks.
    """

    contrasts_clips: ClassVar[bool] = True

    def __init__(self, contrast: nn.Module, contrast_weight: float = 1.0, time_weight: float = 1.0) -> None:
        super().__init__()
        self.contrast = contrast
        self.contrast_weight = contrast_weight
        self.time_weight = time_weight

    def forward(self, model: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Scores a batch.

        Returns:
            `loss`, each of its terms, `_accuracy` and `_chance` of each pretext task, the scalars of the
            contrast, and `negative_share`: the share of pairs in the batch that are of different videos.
        """
        assert isinstance(model, AVT), "the objective is for pairs of encoders"
        output = model(as_float(batch, "video"), batch["audio"])
        with torch.autocast(batch["video"].device.type, enabled=False):
            views = Views.of(output.projections, batch)
            contrasts = self.contrast(views, batch)
            pretext = pretext_terms(output.pretext_logits, batch)
            loss = self.contrast_weight * _total(
                contrasts, [n for n in contrasts if n.startswith("contrast_")]
            )
            loss = loss + self.time_weight * _total(pretext, model.pretext_tasks)
            # an encoder that no term depends on needs a gradient all the same, or DDP waits for it for ever
            loss = loss + 0.0 * sum(values.sum() for values in output.projections.values())
        negative_share = (views.video_id[:, None] != views.video_ids).float().mean()
        scalars = {**contrasts, **pretext, "negative_share": negative_share}
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
        settings: of the objective.
        num_clips: rows of the dataset.
        batch: rows of a step in all processes.
        total_batches: batches of the whole training in one process, for the ramp of mined positives.
        projection_dim: `AVTSettings.projection_dim`.
        seed: of the draws from queue and memory bank.

    Raises:
        BadInputError: the settings do not fit the data, or each other.
    """
    require(batch >= 2, "a contrast needs at least 2 clips in a batch", "use --batch-size 2 or more")
    contrast = _make_contrast(settings, num_clips, batch, total_batches, projection_dim, SharedNoise(seed))
    return TemporalObjective(contrast, settings.contrast_weight, settings.time_weight)


def _make_contrast(
    settings: TemporalSettings, num_clips: int, batch: int, total_batches: int, dim: int, noise: SharedNoise
) -> nn.Module:
    cross_modal = settings.method in _CROSS_MODAL
    pairs = settings.pairs or (("va",) if cross_modal else ("vv", "va"))
    temperature = settings.temperature or (0.07 if cross_modal else 0.1)
    if settings.method == "infonce":
        return InfoNCE(pairs, temperature)
    if settings.method == "gdt":
        return TransformContrast(temperature)
    if settings.method == "avid":
        require(settings.mining.num_negatives > 0, "avid needs negatives: mining.num_negatives is 0")
        return InstanceDiscrimination(
            pairs, temperature, InstanceBank(num_clips, dim), settings.mining.num_negatives, noise
        )
    queue = PairedQueue(queue_length(num_clips, batch, settings.queue), dim)
    if settings.method == "nnclr":
        return NeighbourContrast(pairs, temperature, queue, replace(settings.mining, num_negatives=0), noise)
    ramp = round(_RAMP * total_batches)
    return MinedContrast(pairs, temperature, queue, settings.mining, noise, alpha=settings.alpha, ramp=ramp)
