"""Settings of distances between real and generated videos."""

from enum import StrEnum
from pathlib import Path

from pydantic import model_validator

from avtool.benchmarks.video_distance.places import Places
from avtool.core.recipe import Recipe, option


class ClipBaseline(StrEnum):
    """What is made of real clips in the place of generated ones."""

    REAL = "real"
    FROZEN = "frozen"
    SHUFFLED = "shuffled"
    NOISE = "noise"


class VideoDistanceSettings(Recipe):
    """Settings of FVD and IS."""

    data: Path | None = option(None, "Real videos: films, folders of frames, or a dataset.", flag="--data")
    generated: Path | None = option(
        None, "Generated videos: films, GIFs, or folders of frames.", flag="--generated"
    )
    baseline: ClipBaseline | None = option(
        None,
        "Other clips of --data in --generated's place: real, frozen, shuffled, or with noise.",
        flag="--baseline",
    )
    weights: Path | None = option(
        None, "I3D of Kinetics-400: TorchScript, or the pickle of the JAX port.", flag="--weights"
    )
    encoder: Path | None = option(
        None, "Encoder of your own, or an autoencoder for motion: `fvd_own`, on a scale of its own.",
        flag="--encoder",
    )  # fmt: skip
    is_weights: Path | None = option(
        None, "C3D of UCF-101 as TorchScript, for the inception score.", flag="--is-weights"
    )
    frames: int = option(16, "Consecutive frames of a clip.", flag="--frames", ge=2, le=1024)
    clips: int = option(2048, "Clips of each side at most.", flag="--clips", ge=2)
    size: int = option(256, "Side that frames are scaled to, in pixels.", flag="--size", ge=8, le=1024)
    split: str = option("", "Split of a real dataset; empty for all.", flag="--split")
    seed: int = option(0, "Seed of the order of videos and of where clips begin.", flag="--seed", ge=0)
    force: bool = option(False, "Compare fewer clips than features.", flag="--force")
    device: str = option("auto", "auto, cpu, cuda or cuda:1.", flag="--device")
    clips_per_video: int = option(
        0, "Real clips of each video; 0 for one, or of a single video in halves as many as --clips.",
        ge=0, le=65536,
    )  # fmt: skip
    places: Places | None = option(
        None,
        "Where the real clips of a video are: random without overlap, or even, evenly spaced from an offset "
        "of the seed.  [default: even in the halves of a single video, else random]",
    )
    clips_per_block: int = option(
        1,
        "Of evenly spaced clips, how many are in each of the blocks that alternate between the halves; where "
        "they have no room they overlap those of their own half.",
        ge=1,
    )
    noise: float = option(
        0.1, "Standard deviation of a baseline's noise, of the range of pixels.", ge=0, le=1
    )
    halved: bool = option(
        False, "Compare generated videos with the half of the real clips that baselines are compared with."
    )
    draws: int = option(
        0, "Subsets of 32, 64, … clips of each side, whose distances show the bias; 0 for none.", ge=0
    )
    batch_size: int = option(8, "Clips at a time.", ge=1, le=1024)
    name: str | None = option(None, "Name of what is scored, in tables.  [default: its folder's]")

    @model_validator(mode="after")
    def _check(self) -> "VideoDistanceSettings":
        if self.weights is not None and self.encoder is not None:
            raise ValueError(
                "--weights and --encoder are both given: I3D's distances and an encoder's differ"
            )
        if self.generated is not None and self.baseline is not None:
            raise ValueError("--generated and --baseline are both given: a baseline is made of --data")
        return self
