"""Settings of pairs of clips and their temporal pretext tasks."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, model_validator

from avtool.core.recipe import Recipe, listed, option

PretextTask = Literal["speed", "direction", "order", "order-within", "order-across"]
AudioSpeed = Literal["stride", "resample"]


class PairSettings(Recipe):
    """Two clips of a video and the audio at the middle of each, played at drawn speeds and directions."""

    num_frames: int = option(16, "Frames of a clip.", flag="--frames", ge=2, le=256)
    size: int = option(112, "Side of the square crop in pixels.", ge=8, le=1024)
    audio_frames: int = option(98, "Spectrogram frames of a segment: 98 are one second.", ge=2, le=3000)
    speeds: Annotated[tuple[int, ...], BeforeValidator(listed)] = option(
        (1, 2, 4, 8), "Playback speeds to classify, powers of two.", flag="--speeds", min_length=1
    )
    audio_speed: AudioSpeed = option(
        "stride",
        "Speed up audio by skipping frames (the pitch stays) or by resampling (it rises).",
    )
    tasks: Annotated[tuple[PretextTask, ...], BeforeValidator(listed)] = option(
        ("speed", "direction", "order"),
        "Temporal pretext tasks: speed, direction, order (or half of it: order-within, order-across).",
        flag="--tasks",
        formerly="questions",
    )
    gap: float = option(2.0, "Longest gap between consecutive clips in seconds.", ge=0, le=600)
    area: tuple[float, float] = option((0.08, 1.0), "Range of the crop's share of a frame.")
    bottom_crop: float = option(
        0.0, "Share of the height cropped at the bottom, where time codes and logos are.", ge=0, lt=1
    )
    flip: float = option(0.5, "Probability of a horizontal flip.", ge=0, le=1)
    colour_jitter: float = option(0.8, "Probability of colour jitter.", ge=0, le=1)
    colour_drop: float = option(0.2, "Probability of greyscale.", ge=0, le=1)
    gain: float = option(0.2, "Largest relative change of audio level.", ge=0, lt=1)
    time_mask: int = option(20, "SpecAugment: bound of the width of two time masks in frames.", ge=0)
    frequency_mask: int = option(10, "SpecAugment: bound of the width of two frequency masks in bins.", ge=0)
    least_energy: float = option(
        -9.0, "Log energy above which a spectrogram frame is not silent; half of them must be."
    )
    least_motion: float = option(
        1.0, "Mean change between frames, in levels of 255, below which a clip is still.", ge=0
    )
    respect_shots: bool = option(
        False, "Draw a pair again, at most three times, where a clip contains a shot boundary."
    )

    @model_validator(mode="after")
    def _check(self) -> "PairSettings":
        speeds = self.speeds
        if any(speed < 1 or speed & (speed - 1) for speed in speeds):
            raise ValueError(f"speeds {list(speeds)} must be powers of two: 1, 2, 4, 8")
        if len(set(speeds)) < len(speeds):
            raise ValueError(f"speeds {list(speeds)} hold one twice")
        if sorted(speeds) != list(speeds):
            raise ValueError(f"speeds {list(speeds)} must rise")
        if len(set(self.tasks)) < len(self.tasks):
            raise ValueError(f"tasks {list(self.tasks)} hold one twice")
        if not 0 < self.area[0] <= self.area[1] <= 1:
            raise ValueError(f"area {self.area} must rise, from above 0 to at most 1")
        return self

    @property
    def has_order(self) -> bool:
        """Whether the order of clips is a pretext task."""
        return any(task.startswith("order") for task in self.tasks)
