"""How films are read in spans."""

from avtool.core.recipe import Recipe, option


class SpanSettings(Recipe):
    """Frames at a steady rate and a small size, and audio, decoded in parts that are cached in memory."""

    fps: float = option(16.0, "Frame rate that films are decoded at, per second.", gt=0, le=120)
    short_side: int = option(128, "Shorter side of cached frames in pixels.", ge=8, le=1024)
    part_seconds: float = option(4.0, "Duration of a decoded part in seconds.", gt=0, le=600)
    cache_mib: int = option(
        1024,
        "Memory for decoded parts, of all loader processes together, in MiB.",
        identity=False,
        ge=1,
    )
