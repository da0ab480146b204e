"""How films are read in spans."""

from avtool.core.recipe import Recipe, option


class SpanSettings(Recipe):
    """Frames at a steady rate and a small size, sound as it is; read in parts that are kept in memory."""

    fps: float = option(16.0, "Frames a second that films are read at.", gt=0, le=120)
    short_side: int = option(128, "Shorter side of the frames that are kept, in pixels.", ge=8, le=1024)
    part_seconds: float = option(4.0, "Length of the parts that films are read in, in seconds.", gt=0, le=600)
    cache_mib: int = option(
        1024,
        "Memory for what was read, of all loader processes together, in MiB.",
        identity=False,
        ge=1,
    )
