"""YAMNet: sizes and facts."""

from typing import TYPE_CHECKING, Any, ClassVar

from avtool.core.artifact import CARD
from avtool.models.family import Family, Follows, Size, Sizes
from avtool.models.registry import register
from avtool.models.source import Foreign

if TYPE_CHECKING:
    from torch import nn

    from avtool.models.published.report import LoadReport, State
    from avtool.models.source import Source

_SUFFIXES = (".onnx", ".h5", ".hdf5", ".safetensors", ".pth", ".pt")
_PATCH_S = 0.975
"""What 96 frames of 25 ms every 10 ms cover."""


@register
class YAMNetFamily(Family):
    """Depthwise separable convolutions over patches of a spectrogram."""

    title = "YAMNet"
    paper = (
        "Plakal, Ellis: YAMNet. Google, 2019; after Howard et al.: MobileNets: Efficient Convolutional "
        "Neural Networks for Mobile Vision Applications. 2017"
    )
    inputs = ("audio",)
    sizes: ClassVar[Sizes] = {
        "yamnet": Size("The published size, for 521 sounds of AudioSet: patches of 96 frames x 64 mel bins."),
        "yamnet_tiny": Size(
            "Three layers, patches of 32 frames: for tests.",
            {
                "num_classes": 10, "widths": (8, 16, 24), "strides": (2, 1, 2), "patch_frames": 32,
                "patch_hop": 16,
            },
        ),
    }  # fmt: skip
    follows: ClassVar[Follows] = {"num_classes": "num_classes"}
    layouts = ("the original project (Keras)", "its PyTorch port", "ONNX with folded batch norms")

    def settings_type(self) -> type[Any]:
        from avtool.models.yamnet.yamnet import YAMNetSettings

        return YAMNetSettings

    def build(self, settings: Any) -> "nn.Module":
        from avtool.models.yamnet.yamnet import YAMNet

        return YAMNet(settings)

    def load_weights(
        self,
        model: Any,
        state: "State",
        *,
        interpolate: bool = False,  # noqa: ARG002 - it has no positions
    ) -> "LoadReport":
        from avtool.models.yamnet.weights import load_yamnet

        return load_yamnet(model, state)

    def adopt(self, source: "Source") -> Foreign | None:
        if source.path is not None and source.path.is_dir():
            return self._adopt_folder(source)
        if source.path is None or not source.path.is_file() or source.path.suffix not in _SUFFIXES:
            return None
        from avtool.models.checkpoint_files import files_of
        from avtool.models.yamnet.weights import class_names, num_classes_of

        num_classes = num_classes_of(source.state)
        if num_classes is None:
            return None
        names = class_names()
        if num_classes != len(names):
            names = tuple(f"class {number}" for number in range(num_classes))

        def build() -> "nn.Module":
            from avtool.models.registry import create
            from avtool.models.yamnet.weights import load_yamnet
            from avtool.models.yamnet.yamnet import YAMNet

            network = create("yamnet", num_classes=num_classes)
            assert isinstance(network, YAMNet)
            load_yamnet(network, dict(source.state))
            return network

        return Foreign(
            "yamnet",
            build,
            {"num_classes": num_classes},
            self.preprocess(names),
            "YAMNet, which tags the sounds of AudioSet.",
            files_of(source.path),
        )

    def _adopt_folder(self, source: "Source") -> Foreign | None:
        """A folder with YAMNet's file alone, perhaps beside a list of its classes."""
        assert source.path is not None
        from avtool.models.source import Source

        found = [file for file in source.path.iterdir() if file.suffix in _SUFFIXES and file.is_file()]
        if len(found) != 1 or (source.path / "config.json").exists() or (source.path / CARD).exists():
            return None
        return self.adopt(Source(str(found[0]), found[0]))

    @staticmethod
    def preprocess(classes: tuple[str, ...]) -> dict[str, Any]:
        """YAMNet's `preprocess.json`: its spectrogram, patches every 0.48 s, and its classes."""
        audio = {
            "seconds": _PATCH_S,
            "num_frames": 96,
            "mean": 0.0,
            "std": 0.5,  # (x - 0) / (2 · 0.5): the spectrogram as it is
            "pad_waveform": True,
            "hop_frames": 48,
            "spectrogram": {
                "kind": "log-mel", "sample_rate": 16000, "num_mel_bins": 64, "low_frequency": 125.0,
                "high_frequency": 7500.0, "window_ms": 25.0, "hop_ms": 10.0,
            },
        }  # fmt: skip
        return {
            "inputs": {"audio": audio},
            "task": "multi-label",
            "labels": list(classes),
            "sizes": [len(classes)],
            "rolls": 1,
            "average": "probabilities",
        }
