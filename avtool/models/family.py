"""Families of architectures: sizes, papers, inputs and weights, known without importing torch.

The folder of a family declares it in a module `family.py`, which every listing imports; what needs torch is
imported inside the methods.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from avtool.core.errors import BadInputError

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.published.hub_form import HubForm, Library
    from avtool.models.published.report import LoadReport, State
    from avtool.models.source import Foreign, Source

DataFact = Literal["num_classes", "audio_frames", "num_mel_bins", "video_frames", "image_size", "frame_width"]
"""What a dataset and its preprocessing decide of a model."""

DECIDED_BY: Mapping[DataFact, str] = {
    "num_classes": "the class list of the dataset",
    "audio_frames": "the audio length (--seconds)",
    "num_mel_bins": "the mel bins (data.audio.num_mel_bins)",
    "video_frames": "the frames of the video (--frames)",
    "image_size": "the frame size (data.video.size)",
    "frame_width": "the features of the frames (--frame-features)",
}
"""Where each fact comes from, for messages."""


@dataclass(frozen=True)
class Size:
    """A size of an architecture.

    Attributes:
        summary: a sentence for listings.
        settings: where it differs from the defaults of the family's settings.
    """

    summary: str
    settings: Mapping[str, Any] = field(default_factory=dict)


Sizes = Mapping[str, Size]
"""Sizes by registered name."""

Follows = Mapping[str, DataFact]
"""The settings that the dataset decides, each with the fact that it takes."""


class Family(ABC):
    """Architectures that differ in size alone.

    Attributes:
        title: its name in the literature.
        paper: authors, title, venue.
        inputs: the modalities it takes: "audio", "video", "image" or "clip" (CLIP features of frames).
        sizes: one of them is tiny, of at most a million parameters.
        follows: what the dataset decides.
        layouts: the published weights that can be loaded.
    """

    title: ClassVar[str]
    paper: ClassVar[str]
    inputs: ClassVar[tuple[str, ...]]
    sizes: ClassVar[Sizes]
    follows: ClassVar[Follows]
    layouts: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def settings_type(self) -> type[Any]:
        """The frozen dataclass of all settings."""

    @abstractmethod
    def build(self, settings: Any) -> "nn.Module":
        """The network of some settings, with initial weights."""

    def classifier_of(self, name: str) -> str | None:
        """The registered classifier over the encoder of `name`; None where there is none."""
        return name if "num_classes" in self.follows.values() else None

    def fit_frames(self, num_frames: int) -> int:
        """The number of spectrogram frames that the architecture takes for so many."""
        return num_frames

    def adopt(self, source: "Source") -> "Foreign | None":  # noqa: ARG002 - of the families that can
        """Weights of others as a model of this family, to predict and embed with; None for those of another.

        Raises:
            AvtoolError: they are of this family and cannot be read.
        """
        return None

    def load_weights(
        self,
        model: "nn.Module",
        state: "State",
        *,
        interpolate: bool = False,  # noqa: ARG002 - of the families with position embeddings
    ) -> "LoadReport":
        """Loads weights in any layout that the family reads; here, avtool's own.

        Args:
            model: of this family, changed in place.
            state: tensors by name, as `unwrap` gives them.
            interpolate: interpolate position embeddings to the model's grid.

        Raises:
            BadInputError: the weights do not fit.
        """
        from avtool.models.published.report import load_by_name

        return load_by_name(model, state)

    def hub_form(self, model: "nn.Module", library: "Library") -> "HubForm":  # noqa: ARG002
        """The network of timm or transformers that computes what a model of the family computes.

        Args:
            model: of this family.
            library: the other library.

        Raises:
            BadInputError: the library has none.
        """
        message = f"{library} has no network that computes what this {self.title} computes"
        raise BadInputError(message, "choose --format onnx or torch-export")


def named(pattern: str, sizes: Mapping[str, Size], **tiny: Any) -> dict[str, Size]:
    """Sizes under their registered names, such as "mae_{}"; the tiny one gets settings of its own."""
    return {
        pattern.format(name): Size(size.summary, {**size.settings, **tiny}) if name == "tiny" else size
        for name, size in sizes.items()
    }
