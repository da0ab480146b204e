"""The settings of `zoo bench`, `zoo run` and `zoo score`, without what computes: `zoo list` stays quick."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from avtool.core.recipe import Recipe, distinct, listed, option

_DEVICES = r"^(auto|cpu|cuda(:\d+)?)$"
_LARGEST_SIDE = 8192


class BenchRecipe(Recipe):
    """`avtool zoo bench`."""

    device: str = option("auto", "auto, cpu, cuda or cuda:1.", flag="--device", pattern=_DEVICES)
    batches: tuple[Annotated[int, Field(ge=1, le=65536)], ...] = option(
        (1, 32), "Images of a pass: one number or several.", flag="--batch", min_length=1
    )
    precisions: tuple[Literal["fp32", "bf16", "fp16"], ...] = option(
        ("fp32",), "fp32, bf16, fp16: one or several.", flag="--precision", min_length=1
    )
    compiled: bool = option(False, "Compile networks by torch.compile.", flag="--compile")
    image_size: str = option(
        "", "SIDE or HEIGHTxWIDTH in pixels.  [default: each row's own]", flag="--image-size"
    )
    warmup: int = option(10, "Passes before the timed ones.", flag="--warmup", ge=0, le=1000)
    runs: int = option(50, "Passes that are timed.", flag="--runs", ge=1, le=10000)
    threads: int = option(0, "CPU threads; 0: torch's default.", flag="--threads", ge=0, le=1024)

    @field_validator("batches", "precisions", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return listed(value)

    @field_validator("batches", "precisions")
    @classmethod
    def _distinct(cls, value: tuple[object, ...]) -> tuple[object, ...]:
        return distinct(value)

    @field_validator("image_size", mode="before")
    @classmethod
    def _sized(cls, value: object) -> str:
        text = str(value)
        parse_size(text)
        return text

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width of an image in pixels; None for each row's own."""
        return parse_size(self.image_size)


class RunRecipe(Recipe):
    """`avtool zoo run`."""

    threshold: float = option(0.5, "Smallest score of an object.", flag="--threshold", ge=0, le=1)
    fps: float = option(5.0, "Frames a second that are taken of films.", flag="--fps", gt=0, le=240)
    side: int | None = option(
        None, "Side that images are scaled to.  [default: the row's]", flag="--image-size", ge=16, le=4096
    )
    batch: int = option(4, "Images at a time.", flag="--batch", ge=1, le=256)
    device: str = option("auto", "auto, cpu, cuda or cuda:1.", flag="--device", pattern=_DEVICES)


class ScoreRecipe(Recipe):
    """`avtool zoo score`."""

    threshold: float = option(0.0, "Smallest score of an object.", flag="--threshold", ge=0, le=1)
    side: int | None = option(
        None, "Side that images are scaled to.  [default: the row's]", flag="--image-size", ge=16, le=4096
    )
    batch: int = option(4, "Images at a time.", flag="--batch", ge=1, le=256)
    device: str = option("auto", "auto, cpu, cuda or cuda:1.", flag="--device", pattern=_DEVICES)


def parse_size(text: str) -> tuple[int, int] | None:
    """Height and width of `SIDE` or `HEIGHTxWIDTH`; None of an empty text.

    Raises:
        ValueError: it is neither.
    """
    if not text:
        return None
    parts = text.lower().split("x")
    if not (len(parts) <= 2 and all(part.isdecimal() and 0 < int(part) <= _LARGEST_SIDE for part in parts)):
        raise ValueError(f"{text} is no SIDE or HEIGHTxWIDTH in pixels")
    return int(parts[0]), int(parts[-1])
