"""The recipes of the engines of localisation."""

from typing import TYPE_CHECKING, Any

from pydantic import field_validator

from avtool.core.recipe import Recipe, listed, option
from avtool.core.runtime import RuntimeRecipe

if TYPE_CHECKING:
    from avtool.inference.localisation.sliding import Sliding

_WINDOW = 40.0


class GroundingRecipe(Recipe):
    """How the decoder of a grounding network passes over a film."""

    window: float | None = option(
        None, "Seconds of a window of the decoder.  [default: that of the training]", flag="--window", gt=0
    )
    step: float | None = option(
        None, "Seconds from one window to the next.  [default: a quarter of --window]", gt=0
    )
    stride: int | None = option(
        None,
        "Frames from one encoded frame to the next.  [default: that of the training]",
        ge=1,
    )
    scales: tuple[int, ...] = option(
        (1,),
        "Every how many-th frame is taken, for several passes; MINOTAUR's of activities are 1,3,5,10,25.",
    )
    batch: int = option(4, "Windows decoded at once.", ge=1, identity=False)
    chunk: int = option(64, "Frames encoded at once.", ge=1, identity=False)
    runtime: RuntimeRecipe = RuntimeRecipe()

    @field_validator("scales", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return listed(value)

    @field_validator("scales")
    @classmethod
    def _rising(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if not values or list(values) != sorted(set(values)) or values[0] < 1:
            raise ValueError("scales are different numbers from 1 on, rising")
        return values

    def for_model(self, window: float, stride: int) -> "GroundingRecipe":
        """With the numbers of a model where none are given.

        Args:
            window: seconds of the windows of its training.
            stride: frames from one encoded frame to the next in its training.
        """
        own = {"window": self.window or window, "stride": self.stride or stride}
        return self.model_copy(update=own)

    def sliding(self, frame: float) -> "Sliding":
        """The windows in frames; of 40 s where neither the recipe nor a model has their length.

        Args:
            frame: seconds of one.

        Raises:
            BadInputError: windows of fewer than 8 frames, or a step that does not fit.
        """
        from avtool.inference.localisation.sliding import Sliding

        stride = self.stride or 1
        window = max(round((self.window or _WINDOW) / frame), 1)
        quarter = max(window // 4 // stride, 1) * stride
        step = max(round(self.step / frame), 1) if self.step else quarter
        return Sliding(window, step, stride, self.batch, self.chunk)


class SimilarityRecipe(Recipe):
    """The similarity engine."""

    middle: float = option(
        3.0,
        "Robust standard deviations above the film's median at which the foreground is 0.5; labels, "
        "and sentences compared with class names, take probabilities.",
    )
    classes: int = option(8, "Classes of a tagger that a sentence is spread over at most.", ge=1, le=1000)
    temperature: float = option(
        0.05, "Temperature of the weights of classes: exp((cosine - best) / temperature).", gt=0, le=10
    )
