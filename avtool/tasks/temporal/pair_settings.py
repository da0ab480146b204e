"""What pairs of clips that ask questions about time are like."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, model_validator

from avtool.core.recipe import Recipe, option

Question = Literal["speed", "direction", "order", "order-within", "order-across"]
AudioSpeed = Literal["stride", "resample"]


def _listed(value: object) -> object:
    """A single word or number as a list of one: the command line gives that where it finds no comma."""
    return (value,) if isinstance(value, str | int) else value


class TemporalSettings(Recipe):
    """Two clips of a video and the sound at the middle of each, played at drawn speeds and directions."""

    num_frames: int = option(16, "Pictures of a clip.", flag="--frames", ge=2, le=256)
    size: int = option(112, "Side of the square that is cut out of them, in pixels.", ge=8, le=1024)
    audio_frames: int = option(98, "Log-mel frames of a stretch of sound: 98 are one second.", ge=2, le=3000)
    speeds: Annotated[tuple[int, ...], BeforeValidator(_listed)] = option(
        (1, 2, 4, 8), "Speeds that are told apart, powers of two.", flag="--speeds", min_length=1
    )
    audio_speed: AudioSpeed = option(
        "stride",
        "Play sound faster by leaving out frames (the pitch stays) or by resampling (it rises).",
        flag="--audio-speed",
    )
    questions: Annotated[tuple[Question, ...], BeforeValidator(_listed)] = option(
        ("speed", "direction", "order"),
        "What is asked about time: speed, direction, order (or half of it: order-within, order-across).",
        flag="--tasks",
    )
    gap: float = option(2.0, "Longest pause between clips that follow each other, in seconds.", ge=0, le=600)
    area: tuple[float, float] = option((0.08, 1.0), "Share of a picture's area that is cut out, in between.")
    bottom_crop: float = option(
        0.0, "Share of the height cut off below, where time codes and logos are; 0.12 say.", ge=0, lt=1
    )
    flip: float = option(0.5, "Probability of turning left and right round.", ge=0, le=1)
    colour_jitter: float = option(0.8, "Probability of changing the colours of a clip.", ge=0, le=1)
    colour_drop: float = option(0.2, "Probability of taking them away.", ge=0, le=1)
    gain: float = option(0.2, "Sound is made louder or softer by at most this share.", ge=0, lt=1)
    time_mask: int = option(20, "Each of two stretches that are hidden has fewer frames than this.", ge=0)
    frequency_mask: int = option(10, "Each of two bands that are hidden has fewer bins than this.", ge=0)
    least_energy: float = option(
        -9.0, "A frame of sound counts where its mean log energy is higher; half of them must."
    )
    least_motion: float = option(
        1.0, "Mean change from picture to picture, in levels of 255, below which nothing moves.", ge=0
    )
    respect_shots: bool = option(
        False, "Draw again, three times at most, where a clip has a cut in it.", flag="--respect-shots"
    )

    @model_validator(mode="after")
    def _check(self) -> "TemporalSettings":
        speeds = self.speeds
        if any(speed < 1 or speed & (speed - 1) for speed in speeds):
            raise ValueError(f"speeds {list(speeds)} must be powers of two: 1, 2, 4, 8")
        if len(set(speeds)) < len(speeds):
            raise ValueError(f"speeds {list(speeds)} hold one twice")
        if sorted(speeds) != list(speeds):
            raise ValueError(f"speeds {list(speeds)} must rise")
        if len(set(self.questions)) < len(self.questions):
            raise ValueError(f"tasks {list(self.questions)} hold one twice")
        if not 0 < self.area[0] <= self.area[1] <= 1:
            raise ValueError(f"area {self.area} must rise, from above 0 to at most 1")
        return self

    @property
    def asks_order(self) -> bool:
        """Whether any question about the order of clips is asked."""
        return any(question.startswith("order") for question in self.questions)
