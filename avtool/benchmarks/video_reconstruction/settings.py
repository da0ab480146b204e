"""Settings of the reconstruction of videos."""

from pathlib import Path

from pydantic import model_validator

from avtool.core.recipe import Recipe, option


class VideoReconstructionSettings(Recipe):
    """Settings of PSNR and R-FVD."""

    data: Path | None = option(
        None, "The videos of the training: its split divides them again.", flag="--data"
    )
    autoencoder: Path | None = option(
        None, "A run of `generate train-autoencoder`, its model, or a checkpoint.", flag="--autoencoder"
    )
    weights: Path | None = option(
        None, "I3D of Kinetics-400, for R-FVD: TorchScript, or the pickle of the JAX port.", flag="--weights"
    )
    encoder: Path | None = option(
        None, "Encoder of your own, or an autoencoder for motion: `fvd_own`, on a scale of its own.",
        flag="--encoder",
    )  # fmt: skip
    clips: int = option(
        256, "Clips of each side at most, evenly spaced among those side by side.", flag="--clips", ge=2
    )
    baselines: bool = option(
        True, "Mean frames, and principal components of equally many numbers.", flag="--baselines"
    )
    pca_clips: int = option(
        4096, "Training clips that the principal components follow from, evenly spaced among all places.",
        ge=2,
    )  # fmt: skip
    seed: int = option(0, "Seed of the training, which decides what is held out.", flag="--seed", ge=0)
    val_share: float = option(0.1, "Share held out, as in the training (`data.val_share`).", ge=0, lt=1)
    device: str = option("auto", "auto, cpu, cuda or cuda:1.", flag="--device")
    batch_size: int = option(8, "Clips at a time.", ge=1, le=1024)

    @model_validator(mode="after")
    def _check(self) -> "VideoReconstructionSettings":
        if self.weights is not None and self.encoder is not None:
            raise ValueError("--weights and --encoder are both given: their distances differ")
        return self
