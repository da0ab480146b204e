"""Published image ViTs and DeiTs under timm's names, and their position grids."""

import math
from collections.abc import Mapping

from torch import Tensor

from avtool.core.errors import BadInputError
from avtool.models.layers.position import Grid
from avtool.models.published.pixel_statistics import IMAGENET, PixelStatistics
from avtool.models.published.report import State, unwrap
from avtool.models.published.transformers_names import from_transformers, is_transformers

_IMAGE_CLASSIFIERS = {"head", "head_dist", "classifier", "cls_classifier", "distillation_classifier"}


def read_image_vit(checkpoint: Mapping[str, object], changes: list[str]) -> State:
    """The tensors of an image ViT under timm's names, without its classifiers (noted in `changes`).

    Raises:
        BadInputError: it is no ViT with a class token and learned positions.
    """
    state = unwrap(checkpoint)
    if is_transformers(state):
        state = from_transformers(state)
    for name in [name for name in state if name.split(".")[0] in _IMAGE_CLASSIFIERS]:
        del state[name]
        changes.append(f"`{name}` skipped: the image classifier")
    wanted = {"cls_token", "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias"}
    if not wanted <= state.keys():
        raise BadInputError(
            f"the weights have no {', '.join(sorted(wanted - state.keys()))}: they are no image ViT",
            "take a ViT or DeiT of timm or transformers",
        )
    return state


def is_of_images(state: Mapping[str, Tensor]) -> bool:
    """Whether the patches of a ViT have three colours."""
    kernels = ("patch_embed.proj.weight", "patch_embeddings.projection.weight")
    return any(name.endswith(kernels) and tensor.shape[1] == 3 for name, tensor in state.items())


def image_statistics(state: Mapping[str, Tensor]) -> PixelStatistics | None:
    """What an image model's pixels were standardised by; None for [-1, 1].

    DeiTs and MAEs take ImageNet's mean and deviation, ViTs of ImageNet-21k one half for both, as we do; a
    DeiT of timm without distillation token cannot be distinguished from a ViT.
    """
    marks = ("deit.", "dist_token", "mask_token", "decoder", "fc_norm")
    marked = any(name.startswith(marks) or name.endswith("distillation_token") for name in state)
    return IMAGENET if marked else None


def square_grid(num_patches: int) -> Grid:
    """The side of a square grid.

    Raises:
        BadInputError: the number is no square.
    """
    side = math.isqrt(num_patches)
    if side * side != num_patches:
        raise BadInputError(f"{num_patches} positions in the weights are no square grid")
    return side, side


def format_grid(grid: tuple[int, ...]) -> str:
    """A grid such as 12x101."""
    return "x".join(map(str, grid))
