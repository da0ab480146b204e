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


class Rebuilt(NamedTuple):
    """What a decoder says of hidden tokens, and what they hold.

    Attributes:
        prediction: (B, M, K).
        patches: (B, M, values of a patch), as they came in.
        hidden: (B, M) their places.
    """

    prediction: Tensor
    patches: Tensor
    hidden: Tensor


class MaskedAutoencoder(nn.Module):
    """Hides most patches of a clip, encodes the others, and predicts the hidden ones.

    Args:
        settings: a dataclass that tells what was built.
        encoder: of the visible patches.
        decoder: of the hidden ones.
        masking: which are which.
        decode_fraction: share of the hidden tokens that are decoded in training.
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
        """What `forward` takes by name."""
        return (*self.inputs, *(f"{name}_noise" for name in self.inputs))

    def forward(self, **inputs: Tensor) -> dict[str, Rebuilt]:
        """Predicts hidden patches.

        Args:
            **inputs: the clips by their modality, and `<modality>_noise` (B, L), uniform in [0, 1).
        """
        (name,) = self.inputs
        patches = self.encoder.grid.cut(inputs[name])
        split = self.masking.split(inputs[f"{name}_noise"])
        tokens = self.encoder.norm(self.encoder(patches, split.visible))
        wanted = some_hidden(split, self.decode_fraction if self.training else 1.0)
        prediction = self.decoder(tokens, wanted)
        return {name: Rebuilt(prediction, take(patches, wanted.hidden), wanted.hidden)}

    def embed(self, **inputs: Tensor) -> dict[str, Tensor]:
        """The mean of all patches' tokens, (B, D), with nothing hidden."""
        (name,) = self.inputs
        tokens = self.encoder.norm(self.encoder(self.encoder.grid.cut(only(inputs, name))))
        return {name: self.encoder.pool(tokens)}


class MaskedClassifier(nn.Module):
    """Scores clips by what their patches' tokens have in common, with a layer norm and a linear layer.

    Args:
        settings: a dataclass that tells what was built.
        encoder: without a last norm.
        num_classes: width of the output.
        masking: hides patches in training, as augmentation; the hidden ones are left out.
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
        """Scores clips, given by the name of their modality."""
        (name,) = self.inputs
        return ClassifierOutput(self.head(self.embed(**inputs)[name]), {})

    def embed(self, **inputs: Tensor) -> dict[str, Tensor]:
        """What the last layer reads: (B, D), or with the deviation (B, 2 D)."""
        (name,) = self.inputs
        patches = self.encoder.grid.cut(only(inputs, name))
        visible = None
        if self.masking is not None and self.training:
            visible = self.masking.split(torch.rand(patches.shape[:2], device=patches.device)).visible
        pool = self.encoder.pool_statistics if self.deviation else self.encoder.pool
        return {name: self.fc_norm(pool(self.encoder(patches, visible)))}


def some_hidden(split: TokenSplit, fraction: float) -> TokenSplit:
    """A random part of the hidden tokens, at least one."""
    wanted = max(1, round(split.hidden.shape[1] * fraction))
    return TokenSplit(split.visible, split.hidden[:, :wanted])


def only(inputs: dict[str, Tensor], name: str) -> Tensor:
    """The one input that a model takes."""
    require(
        inputs.keys() == {name},
        f"the model takes {name}, and got {' and '.join(sorted(inputs)) or 'nothing'}",
    )
    return inputs[name]
