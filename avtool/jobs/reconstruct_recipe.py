"""The settings of `avtool reconstruct`."""

from avtool.core.recipe import Recipe, option
from avtool.data.folds import Folds


class ReconstructRecipe(Recipe):
    """`avtool reconstruct`."""

    most: int = option(6, "Files that are shown.", flag="--most", ge=1, le=64)
    mask_ratio: float | None = option(
        None,
        "Share of the patches that are hidden.  [default: as in training]",
        flag="--mask-ratio",
        gt=0,
        lt=1,
    )
    seed: int = option(0, "Seed of the masks.", flag="--seed", ge=0, lt=2**63)
    split: str | None = option(None, "Of data sets, take this split.", flag="--split")
    folds: Folds | None = option(None, "Of data sets, take these folds.", flag="--folds")
    device: str = option(
        "auto", "auto, cpu, cuda or cuda:1.", flag="--device", pattern=r"^(auto|cpu|cuda(:\d+)?)$"
    )
