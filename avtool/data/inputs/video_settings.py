"""How the pictures of a clip become numbers."""

from pydantic import model_validator

from avtool.core.recipe import Recipe, option


class VideoSettings(Recipe):
    """A window of frames, and what training changes in it (MBT, Nagrani et al., 2021)."""

    num_frames: int = option(8, "Frames of a window.", flag="--frames", ge=1, le=512)
    seconds: float = option(8.0, "Length of the window that they are spread over, in seconds.", gt=0)
    size: int = option(224, "Side of the square that is kept, in pixels.", ge=8, le=1024)
    short_side: int = option(256, "Shorter side that frames are scaled to before, in pixels.", ge=8, le=2048)
    scale: tuple[float, float] = option((0.9, 1.33), "Training scales frames by a factor in between.")
    flip: float = option(0.5, "Probability of turning left and right round.", ge=0, le=1)
    colour_jitter: float = option(0.8, "Probability of changing the colours.", ge=0, le=1)
    colour_drop: float = option(0.1, "Probability of taking the colours away.", ge=0, le=1)

    @model_validator(mode="after")
    def _check(self) -> "VideoSettings":
        low, high = self.scale
        if not 0 < low <= high <= 4:
            raise ValueError(f"scale {self.scale} must rise, from above 0 to at most 4")
        if self.short_side < self.size:
            raise ValueError(f"short_side {self.short_side} must not be less than size {self.size}")
        return self
