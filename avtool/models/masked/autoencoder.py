"""A masked autoencoder of one modality, and the classifier over its encoder."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from avtool.models.layers.output import ClassifierOutput
from avtool.models.layers.settings import require
from avtool.models.masked.decoders import Decoder
from avtool.models.masked.initialize import nearly_zero_head
from avtool.models.masked.masking import Masking, TokenSplit
from avtool.models.masked.patch_encoder import NORM_EPS, PatchEncoder
from avtool.models.masked.patch_grid import PatchGrid, take


class MaskedPrediction(NamedTuple):
    """Predictions for masked tokens, and their true patches.

    Attributes:
        prediction: (B, M, K).
        patches: (B, M, values of a patch), the true ones.
        masked: (B, M) their places.
    """

    prediction: Tensor
    patches: Tensor
    masked: Tensor


class MaskedAutoencoder(nn.Module):
    """Masks most patches of a clip, encodes the visible ones, and predicts the masked ones.

    Args:
        settings: the dataclass that it was built from.
        encoder: of the visible patches.
        decoder: of the masked ones.
        masking: the split into visible and masked patches.
        decode_fraction: share of the masked tokens that are decoded in training.
    """

    def __init__(
        self,
        settings: Any,
        encoder: PatchEncoder,
        decoder: Decoder,
        masking: Masking,
        decode_fraction: float = 1.0,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.inputs: tuple[str, ...] = (encoder.grid.modality,)
        self.encoder = encoder
        self.decoder = decoder
        self.masking = masking
        self.decode_fraction = decode_fraction

    @property
    def grids(self) -> dict[str, PatchGrid]:
        """The patches of each input; `<input>_noise` has one number for each of them."""
        return {self.encoder.grid.modality: self.encoder.grid}

    @property
    def masked_inputs(self) -> tuple[str, ...]:
        """The inputs of `forward` by name."""
        return (*self.inputs, *(f"{name}_noise" for name in self.inputs))

    def forward(self, **inputs: Tensor) -> dict[str, MaskedPrediction]:
        """Predicts masked patches.

        Args:
            **inputs: the clips by their modality, and `<modality>_noise` (B, L), uniform in [0, 1).
        """
        (name,) = self.inputs
        patches = self.encoder.grid.cut(inputs[name])
        split = self.masking.split(inputs[f"{name}_noise"])
        tokens = self.encoder.norm(self.encoder(patches, split.visible))
        wanted = sample_masked(split, self.decode_fraction if self.training else 1.0)
        prediction = self.decoder(tokens, wanted)
        return {name: MaskedPrediction(prediction, take(patches, wanted.masked), wanted.masked)}

    def embed(self, **inputs: Tensor) -> dict[str, Tensor]:
        """The mean of all patches' tokens, (B, D), without a mask."""
        (name,) = self.inputs
        tokens = self.encoder.norm(self.encoder(self.encoder.grid.cut(only(inputs, name))))
        return {name: self.encoder.pool(tokens)}


class MaskedClassifier(nn.Module):
    """Scores clips by the mean of their patches' tokens, with a layer norm and a linear layer.

    Args:
        settings: the dataclass that it was built from.
        encoder: without a last norm.
        num_classes: width of the output.
        masking: masks patches in training, as augmentation; only visible ones are encoded.
        deviation: whether the tokens' deviation is read beside their mean.
    """

    def __init__(
        self,
        settings: Any,
        encoder: PatchEncoder,
        num_classes: int,
        masking: Masking | None = None,
        *,
        deviation: bool = False,
    ) -> None:
        super().__init__()
        require(num_classes >= 1, f"a classifier needs classes, not {num_classes}")
        self.settings = settings
        self.inputs: tuple[str, ...] = (encoder.grid.modality,)
        self.encoder = encoder
        self.masking = masking
        self.deviation = deviation
        dim = encoder.pos_embed.shape[-1] * (1 + deviation)
        self.fc_norm = nn.LayerNorm(dim, eps=NORM_EPS)
        self.head = nn.Linear(dim, num_classes)
        nearly_zero_head(self.head)

    def forward(self, **inputs: Tensor) -> ClassifierOutput:
        """Logits (B, classes) of clips, given by the name of their modality as `PatchGrid.cut` takes them.

        Raises:
            BadInputError: another modality is given.
        """
        (name,) = self.inputs
        return ClassifierOutput(self.head(self.embed(**inputs)[name]), {})

    def embed(self, **inputs: Tensor) -> dict[str, Tensor]:
        """The last layer's input: (B, D), or with the deviation (B, 2 D)."""
        (name,) = self.inputs
        patches = self.encoder.grid.cut(only(inputs, name))
        visible = None
        if self.masking is not None and self.training:
            visible = self.masking.split(torch.rand(patches.shape[:2], device=patches.device)).visible
        pool = self.encoder.pool_statistics if self.deviation else self.encoder.pool
        return {name: self.fc_norm(pool(self.encoder(patches, visible)))}


def sample_masked(split: TokenSplit, fraction: float) -> TokenSplit:
    """A random subset of the masked tokens, at least one."""
    wanted = max(1, round(split.masked.shape[1] * fraction))
    return TokenSplit(split.visible, split.masked[:, :wanted])


def only(inputs: dict[str, Tensor], name: str) -> Tensor:
    """The one input that a model takes, of any shape.

    Raises:
        BadInputError: it is absent, or there are others.
    """
    require(
        inputs.keys() == {name},
        f"the model takes {name}, and got {' and '.join(sorted(inputs)) or 'nothing'}",
    )
    return inputs[name]
