"""The encoders of an index: which ones by default, and the recipe of what they compute."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from avtool.core.errors import BadInputError, MissingError
from avtool.core.recipe import Recipe, option
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.models.catalogue import fetched_folder, find_entry

if TYPE_CHECKING:
    from avtool.inference.localisation.audio_encoder import AudioEncoder
    from avtool.inference.localisation.frame_encoder import FrameEncoder

NONE = "none"
"""In the place of an encoder: features of the modality are not computed."""
_DEFAULTS = {"visual": "efficientnet-lite0", "audio": "yamnet"}
"""Of the catalogue."""


class IndexRecipe(Recipe):
    """`avtool localize index`."""

    fps: float = option(
        5.0, "Frames per second; 5 is what MINOTAUR is published with.", flag="--fps", gt=0, le=60
    )
    size: int = option(224, "Shorter side of the frames in pixels.", flag="--size", ge=32, le=1024)
    grid: int = option(
        7, "Rows and columns of visual tokens at most; 1 keeps one token a frame.", flag="--grid", ge=1, le=64
    )
    visual_encoder: str | None = option(
        None,
        "Encoder of frames: a model, a run, published weights, or none.  [default: EfficientNet-Lite0, once "
        "it is fetched]",
        flag="--visual-encoder",
        identity=False,
    )
    audio_encoder: str | None = option(
        None,
        "Encoder of audio, likewise.  [default: YAMNet, once it is fetched]",
        flag="--audio-encoder",
        identity=False,
    )
    hop: float | None = option(
        None,
        "Seconds from one window of audio to the next.  [default: the encoder's own, or a quarter of its "
        "window]",
        flag="--hop",
        ge=0.01,
        le=60,
    )
    audio_window: float | None = option(
        None,
        "Seconds of a window of audio, of networks that pool over any length (CNN, VGG); short ones bound "
        "short events.  [default: that of the encoder's training]",
        ge=0.2,
        le=60,
    )
    batch_size: int = option(16, "Frames at a time.", ge=1, le=1024, identity=False)
    runtime: RuntimeRecipe = RuntimeRecipe()


@dataclass
class Encoders:
    """The encoders of films, opened when the first film needs them.

    Args:
        recipe: names them.
        reporter: gets device and precision.
    """

    recipe: IndexRecipe
    reporter: Reporter
    _visual: "FrameEncoder | None" = None
    _audio: "AudioEncoder | None" = None

    @property
    def visual_path(self) -> Path | None:
        """Of the encoder of frames; None where there is to be none."""
        return _chosen("visual", self.recipe.visual_encoder)

    @property
    def audio_path(self) -> Path | None:
        """Of the encoder of audio; None where there is to be none."""
        return _chosen("audio", self.recipe.audio_encoder)

    def visual(self) -> "FrameEncoder":
        """The encoder of frames.

        Raises:
            BadInputError: it is none.
            MissingError: none is named, and the default is not on this machine.
        """
        if self._visual is None:
            from avtool.inference.localisation.frame_encoder import FrameEncoder

            path, recipe = self.visual_path, self.recipe
            assert path is not None, "none is wanted"
            self._visual = FrameEncoder(
                path, recipe.runtime, self.reporter, size=recipe.size, grid=recipe.grid
            )
        return self._visual

    def audio(self) -> "AudioEncoder":
        """The encoder of audio.

        Raises:
            BadInputError: it is none, or takes no windows of the recipe's length.
            MissingError: none is named, and the default is not on this machine.
        """
        if self._audio is None:
            from avtool.inference.localisation.audio_encoder import AudioEncoder

            path = self.audio_path
            assert path is not None, "none is wanted"
            recipe = self.recipe
            self._audio = AudioEncoder(
                path, recipe.runtime, self.reporter, hop=recipe.hop, seconds=recipe.audio_window
            )
        return self._audio


def _chosen(modality: str, encoder: str | None) -> Path | None:
    if encoder == NONE:
        return None
    if encoder is not None:
        if not encoder:
            raise BadInputError(f"--{modality}-encoder is empty", f"name an encoder, or `{NONE}`")
        return Path(encoder)
    name = _DEFAULTS[modality]
    entry = find_entry(name)
    if (fetched_folder(name) / entry.file).is_file():
        return Path(name)
    raise MissingError(
        f"no {modality} encoder is given, and `{name}` is not on this machine",
        f"avtool models fetch {name} ({entry.bytes / 1e6:.1f} MB; licence: {entry.licence}), or "
        f"--{modality}-encoder MODEL, or --{modality}-encoder {NONE}",
    )
