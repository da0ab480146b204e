"""Settings of the fingerprint benchmark."""

from pathlib import Path

from avtool.core.recipe import Recipe, option


class FingerprintSettings(Recipe):
    """Fingerprinting."""

    data: Path | None = option(None, "Folder of films and audio files, or one file.", flag="--data")
    encoder: str | None = option(
        None, "A pretrained model or run.  [default: classical fingerprints alone]", flag="--encoder"
    )
    random_init: bool = option(True, "Measure the random-init baseline of the encoder.")
    clip_seconds: float = option(8.0, "Length of the clips that files are cut into.", ge=3, le=600)
    hop: float = option(1.0, "Seconds from one window of a clip to the next.", gt=0, le=60)
    fps: float = option(8.0, "Frames a second that are kept for distortion.", gt=0, le=60)
    limit: int = option(1000, "Most clips.", ge=2, le=100_000)
    device: str = option("auto", "auto, cpu, cuda or cuda:1.", flag="--device")
    seed: int = option(0, "Seed of everything random.", flag="--seed", ge=0)
