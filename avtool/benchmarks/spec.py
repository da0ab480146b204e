"""The TOML schema of a benchmark: data, folds, protocols, metric, and published results."""

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from avtool.benchmarks.benchmark import ListedSpec
from avtool.core.recipe import Recipe, option, read_recipe_file, validate
from avtool.evaluation.protocols.predictions import Scoring
from avtool.evaluation.published import BenchmarkFacts

ProtocolName = Literal[
    "train",
    "finetune",
    "frozen",
    "linear",
    "svm",
    "knn",
    "retrieval",
    "av-retrieval",
    "zero-shot",
    "predictions",
]
TRAINED: tuple[ProtocolName, ...] = ("train", "finetune", "frozen")
PROBES: tuple[ProtocolName, ...] = ("linear", "svm", "knn")
OF_ENCODERS: tuple[ProtocolName, ...] = (
    "finetune", "frozen", *PROBES, "retrieval", "av-retrieval", "zero-shot"
)  # fmt: skip
_OF_ONE_LABEL = {*PROBES, "retrieval", "zero-shot"}
Modality = Literal["audio", "video", "image"]


class DownloadSpec(Recipe):
    """An archive that holds the data."""

    url: str = Field(description="Of a ZIP file with one folder.")
    archive_megabytes: int = Field(description="Its size, about.", gt=0)
    unpacked_megabytes: int = Field(description="The largest size of its content.", gt=0)
    keep: tuple[str, ...] = Field(description="Folders in that folder to unpack.", min_length=1)
    sample_rate: int | None = option(None, "Of every audio file, in Hz; checked with data.seconds.", gt=0)


class DataSpec(Recipe):
    """Clips, and their official folds or splits."""

    reader: str = option(
        "", "A layout of `avtool prepare`, or image-folder; without one, only predictions are scored."
    )
    folders: tuple[str, ...] = option((), "Where it is looked for in AVTOOL_DATA, the likeliest first.")
    column: str = option(
        "split", "Manifest column: fold (cross-validation), split, or split_{fold} (several official splits)."
    )
    folds: tuple[int, ...] = option((), "Official folds, or numbers of official splits.")
    labels: tuple[str, ...] = option((), "Only clips with these labels; empty: all.")
    classes: int | None = option(None, "Number of classes.", ge=2)
    clips: int | None = option(None, "Number of clips; of official splits, in each of them.", ge=1)
    complete: bool = option(
        False,
        "Refuse data that lack clips or have unequal classes in folds, instead of a note.",
    )
    seconds: float | None = option(None, "Length of every clip.", gt=0)
    download: DownloadSpec | None = None

    @property
    def cross_validated(self) -> bool:
        """Whether every clip is tested in one of the folds."""
        return self.column == "fold"


class ProtocolSpec(Recipe):
    """How models are scored."""

    metric: str = Field(description="Column of the published table that it is compared with.")
    published: str = option("results", "Name of the published table.")
    recipe: str = option("", "Recipe of its trainings.")
    folds: tuple[int, ...] = option((), "Folds or splits of the protocol; empty: all.")
    windows: int = option(
        10,
        "Evenly spaced windows of each clip, by mean probability; 0 tiles it, by mean logits.",
        ge=0,
    )
    crops: int = option(1, "Square crops of each window's frames, side by side.", ge=1, le=10)
    per_class: int = option(0, "av-retrieval: the first test clips of each class; 0: all of them.", ge=0)
    prompt: str = option("{}", "zero-shot: the text of a class, {} its name in words.", pattern=r"\{\}")


class BenchmarkSpec(ListedSpec):
    """A benchmark."""

    modality: Modality = option("audio", "What encoders are given.")
    scoring: Scoring = option("single-label", "What the labels of predictions are.")
    rule: str = option("", "How predictions are scored, in a sentence.")
    notes: tuple[str, ...] = option((), "Further sentences of every report.")
    classical_baselines: bool = option(False, "Measure statistics of the audio with classifiers beside it.")
    data: DataSpec = Field(default_factory=DataSpec)
    defaults: dict[str, Any] = Field(default_factory=dict, description="Settings that differ from avtool's.")
    protocols: dict[ProtocolName, ProtocolSpec] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> "BenchmarkSpec":
        if self.computed and not self.data.reader:
            raise ValueError(f"the protocol `{self.computed[0]}` needs data.reader")
        if lacking := [name for name in self.computed if name in TRAINED and not self.protocols[name].recipe]:
            raise ValueError(f"protocols.{lacking[0]} needs a recipe")
        if bool(self.data.folds) != (bool(self.computed) and self.data.column != "split"):
            raise ValueError("data.folds goes with the columns fold and split_{fold}, and with no other")
        if "{" in (left := self.data.column.replace("{fold}", "")) or "}" in left:
            raise ValueError(f"data.column `{self.data.column}` has a field other than {{fold}}")
        for name, protocol in self.protocols.items():
            if foreign := set(protocol.folds) - set(self.data.folds):
                raise ValueError(f"protocols.{name}.folds: {min(foreign)} is none of data.folds")
        if self.multi_label and (single := sorted(_OF_ONE_LABEL & self.protocols.keys())):
            raise ValueError(f"protocols.{single[0]} is of one label a clip, and scoring is multi-label")
        if self.multi_label and self.data.folds:
            raise ValueError("clips of several labels have one official split: leave data.folds out")
        if self.classical_baselines and self.data.seconds is None:
            raise ValueError("classical_baselines needs data.seconds: clips of one length")
        return self

    @cached_property
    def computed(self) -> tuple[ProtocolName, ...]:
        """The protocols that run a model; scoring predictions does not."""
        return tuple(name for name in self.protocols if name != "predictions")

    @property
    def multi_label(self) -> bool:
        """Whether clips have several labels."""
        return self.scoring == "multi-label"

    def folds_of(self, protocol: ProtocolName) -> tuple[int, ...]:
        """The official folds of a protocol."""
        return self.protocols[protocol].folds or self.data.folds

    def facts(self, protocol: ProtocolName) -> BenchmarkFacts:
        """The facts that reports of a protocol state."""
        licence = (f"{self.title} is under {self.licence}.",) if self.licence else ()
        return BenchmarkFacts(
            title=self.title,
            num_classes=self.data.classes,
            num_clips=self.data.clips,
            rule=self.rule,
            notes=(*self.notes, *licence),
            published=self.published.get(self.protocols[protocol].published, ()),
        )


def read_spec(path: Path) -> BenchmarkSpec:
    """Reads a benchmark's TOML file, and the files it extends.

    Raises:
        BadInputError: it is no TOML, or a key is wrong; the message names every problem.
    """
    return validate(BenchmarkSpec, read_recipe_file(path), origin=str(path))
