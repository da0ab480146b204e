"""The settings of `avtool shards`."""

from avtool.core.recipe import Recipe, option


class ShardRecipe(Recipe):
    """Audio as FLAC, frames as JPEG at a steady rate and a small size."""

    fps: float = option(16.0, "Frames per second.", flag="--fps", gt=0, le=120)
    short_side: int = option(
        128, "Shorter side of the frames, in pixels.", flag="--short-side", ge=8, le=1024
    )
    quality: int = option(90, "Of the JPEG frames.", ge=1, le=95)
    sample_rate: int = option(16000, "Of the audio, in Hz.", flag="--sr", ge=8000, le=48000)
    clips_per_shard: int = option(256, "Clips in a shard.", flag="--clips-per-shard", ge=1, le=100_000)
    seconds: float = option(
        30.0, "Longer clips are divided into sections of at most this length.", flag="--seconds", gt=0, le=600
    )
    shuffle: bool = option(True, "Mix the clips among the shards, so that each shard holds some of all.")
    seed: int = option(0, "Of the mixing.", flag="--seed", ge=0)
