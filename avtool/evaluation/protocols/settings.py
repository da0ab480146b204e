"""What every benchmark over predictions can be told, and what it should say about their number."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import model_validator

from avtool.core.recipe import Recipe, option


class PredictionSettings(Recipe):
    """A benchmark over predictions."""

    predictions: Path | None = option(
        None, "A `predictions` artifact of the benchmark's clips.", flag="--predictions"
    )
    name: str = option("ours", "What to call these predictions in the tables.")
    seed: int = option(0, "Seed of the bootstrap.", flag="--seed", ge=0)

    @model_validator(mode="after")
    def _needs_predictions(self) -> "PredictionSettings":
        if self.predictions is None:
            raise ValueError(
                "this benchmark scores predictions: give --predictions (`avtool predict` makes them)"
            )
        return self

    @property
    def folder(self) -> Path:
        """The predictions' folder."""
        assert self.predictions is not None
        return self.predictions


@dataclass(frozen=True)
class Protocol:
    """A benchmark's facts.

    Attributes:
        name: of the benchmark and of its file of published results.
        title: its name for people.
        num_classes: of the benchmark.
        num_clips: clips of its full evaluation list; None where copies of the list differ.
        rule: how it is scored, in a sentence.
    """

    name: str
    title: str
    num_classes: int
    num_clips: int | None
    rule: str

    def coverage(self, num_clips: int, num_classes: int) -> list[str]:
        """Notes on what was scored, and on what keeps it from being compared with published numbers."""
        listed = f"; the full list has {self.num_clips}" if self.num_clips else ""
        notes = [f"{self.rule} Scored: {num_clips} clips{listed}."]
        if num_classes != self.num_classes:
            notes.append(
                f"The model has {num_classes} classes, {self.title} has {self.num_classes}: "
                "the published numbers are no comparison."
            )
        elif self.num_clips and num_clips < self.num_clips:
            notes.append(
                f"{self.num_clips - num_clips} clips of the list are missing here: videos vanish, and other "
                "papers lack others; small differences mean little."
            )
        return notes
