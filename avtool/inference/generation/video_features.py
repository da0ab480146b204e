"""Networks whose features of clips are compared: published ones from files, and encoders of one's own.

A clip is (T, height, width, 3) uint8 RGB.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from warnings import catch_warnings, simplefilter
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from avtool.core.errors import AvtoolError, BadInputError
from avtool.core.files import sha256_of
from avtool.core.reporter import Reporter
from avtool.core.runtime import RuntimeRecipe
from avtool.data.inputs.spec import Window
from avtool.data.inputs.video import VideoInput

if TYPE_CHECKING:
    from torch import Tensor, nn

Vectors = NDArray[np.float32]
I3D_SIDE = 224
"""Pixels that I3D was trained on."""


class ClipNetwork(Protocol):
    """A network of clips.

    Attributes:
        name: for people and in the names of metrics.
        content: SHA-256 of its weights.
        own: whether it is an encoder of one's own, whose distances compare with no published ones.
    """

    name: str
    content: str
    own: bool

    def __call__(self, clips: Sequence[NDArray[np.uint8]]) -> Vectors:
        """Features, or logits, (B, D) of clips of one shape."""
        ...


def open_network(weights: Path | None, encoder: Path | None, device: str, reporter: Reporter) -> ClipNetwork:
    """I3D of a file, or an encoder of one's own.

    Args:
        weights: of I3D; None where an encoder is given.
        encoder: as for `open_own`.
        device: auto, cpu, cuda or cuda:1.
        reporter: receives decisions.

    Raises:
        BadInputError: neither is given, or it is unusable.
        MissingError: the device is not there.
    """
    if encoder is not None:
        return open_own(encoder, device, reporter)
    if weights is None:
        hint = "--weights i3d_torchscript.pt or i3d-kinetics-400.ckpt, or an --encoder of your own"
        raise BadInputError("no network is given whose features are compared", hint)
    return open_i3d(weights, device, reporter)


def open_own(path: Path, device: str, reporter: Reporter) -> ClipNetwork:
    """An encoder of videos, or the motion of clips in the latents of an autoencoder of videos.

    Raises:
        BadInputError: it is neither.
        MissingError: the device is not there.
    """
    from avtool.inference.generation.latent_motion import LatentMotion
    from avtool.models.foreign import locate
    from avtool.models.model_folder import read_description

    described = read_description(locate(path))
    if described.preprocess.get("task") == "video-autoencoder":
        return LatentMotion(path, device, reporter)
    return EncoderNetwork(path, device, reporter)


def open_i3d(path: Path, device: str, reporter: Reporter) -> ClipNetwork:
    """I3D of a TorchScript file, or of weights in a layout that `i3d` loads.

    Raises:
        BadInputError: the file is neither.
        MissingError: the device is not there.
    """
    if is_torchscript(path):
        return ScriptedNetwork(path, "I3D", device, reporter)
    return InflatedNetwork(path, device, reporter)


def is_torchscript(path: Path) -> bool:
    """Whether a file is a TorchScript archive.

    Raises:
        BadInputError: it does not exist.
    """
    if not path.is_file():
        raise BadInputError(f"`{path}` does not exist", "check the path")
    try:
        with ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except BadZipFile:
        return False


class InflatedNetwork:
    """Our I3D with published weights: frames scaled to 224 x 224 bilinearly, logits averaged over time."""

    own = False

    def __init__(self, path: Path, device: str, reporter: Reporter) -> None:
        import torch

        from avtool.models.load import load_checkpoint
        from avtool.models.registry import create

        network = create("i3d")
        report = load_checkpoint(network, "i3d", path)
        if report.missing or report.changes[1:]:
            message = f"`{path}` is no I3D with 400 logits: {'; '.join(report.lines())}"
            raise BadInputError(message, "give the weights of Kinetics-400")
        self.name, self.content = "I3D Kinetics-400", sha256_of(path)
        self.model, self.device = _placed(network, device, reporter)
        self.model.to(memory_format=torch.channels_last_3d)  # as `to_video` lays clips out

    def __call__(self, clips: Sequence[NDArray[np.uint8]]) -> Vectors:
        """(B, 400) logits."""
        import torch

        with torch.inference_mode():
            video = to_video(clips, (I3D_SIDE, I3D_SIDE)).to(self.device)
            return _finite(self.model(video=video).logits, self.name)


class ScriptedNetwork:
    """A published TorchScript file, which scales clips itself."""

    own = False

    def __init__(self, path: Path, name: str, device: str, reporter: Reporter) -> None:
        import torch

        try:
            with catch_warnings():
                simplefilter("ignore", DeprecationWarning)  # published files are TorchScript all the same
                network = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
        except (RuntimeError, ValueError) as error:
            raise BadInputError(f"`{path}` is a damaged TorchScript file", "get it again") from error
        self.name, self.content = f"{name} TorchScript {path.stem}", sha256_of(path)
        self.model, self.device = _placed(network, device, reporter)
        self.options = {"rescale": True, "resize": True, "return_features": True} if name == "I3D" else {}

    def __call__(self, clips: Sequence[NDArray[np.uint8]]) -> Vectors:
        """(B, D): logits of I3D; what the file computes of other ones."""
        import torch

        stacked = torch.from_numpy(np.stack(list(clips))).permute(0, 4, 1, 2, 3).contiguous()
        try:
            with torch.inference_mode():
                found = self.model(stacked.to(self.device), **self.options)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[-160:]
            message = f"{self.name} does not take clips of {tuple(stacked.shape)}: {reason}"
            raise BadInputError(message, "give the TorchScript file of StyleGAN-V") from error
        return _finite(found, self.name)


class EncoderNetwork:
    """An encoder of videos of one's own: its frames are spread over the clip."""

    own = True

    def __init__(self, path: Path, device: str, reporter: Reporter) -> None:
        from avtool.inference.predictor import Predictor
        from avtool.models.foreign import locate
        from avtool.models.model_files import WEIGHTS

        predictor = Predictor(path, RuntimeRecipe(device=device, precision="fp32"), reporter)
        if predictor.inputs.get(VideoInput) is None:
            raise BadInputError(f"`{path}` takes no video", "give an encoder of video")
        self.predictor = predictor if predictor.modality == "video" else predictor.only("video")
        self.name, self.content = path.name, sha256_of(locate(path) / WEIGHTS)

    def __call__(self, clips: Sequence[NDArray[np.uint8]]) -> Vectors:
        """(B, D) features."""
        video = self.predictor.inputs.get(VideoInput)
        assert video is not None, "checked when it was opened"
        settings, windows = video.settings, []
        for clip in clips:
            places = np.linspace(0, len(clip) - 1, settings.num_frames).round().astype(int)
            height, width = clip.shape[1:3]
            scale = settings.short_side / min(height, width)
            wanted = max(round(height * scale), settings.size), max(round(width * scale), settings.size)
            scaled = to_video([clip[places]], wanted)[0].permute(1, 2, 3, 0)
            frames = ((scaled + 1) * 127.5).round().byte().numpy()
            windows.append(Window(0.0, settings.seconds, {video.name: video.crop(frames)}))
        return self.predictor.features(windows)


def to_video(clips: Sequence[NDArray[np.uint8]], size: tuple[int, int]) -> "Tensor":
    """Clips of one shape as (B, 3, T, height, width) in [-1, 1], each frame scaled bilinearly."""
    import torch
    import torch.nn.functional as F  # noqa: N812

    stacked = torch.from_numpy(np.stack(list(clips)))
    batch, frames = stacked.shape[:2]
    pixels = stacked.flatten(0, 1).permute(0, 3, 1, 2).float()
    if pixels.shape[2:] != size:
        pixels = F.interpolate(pixels, size=size, mode="bilinear", align_corners=False)
    return (pixels / 127.5 - 1).reshape(batch, frames, 3, *size).transpose(1, 2)


def _placed(network: "nn.Module", device: str, reporter: Reporter) -> "tuple[Any, Any]":
    import torch

    from avtool.models.runtime import choose_device

    chosen = choose_device(device)
    reporter.info(f"device: {chosen}")
    place = torch.device(chosen.value)
    return network.eval().to(place), place


def _finite(features: "Tensor", name: str) -> Vectors:
    values: Vectors = features.float().cpu().numpy()
    if values.ndim != 2:
        raise BadInputError(f"{name} gives {values.ndim} dimensions a batch, not 2", "give another file")
    if not np.isfinite(values).all():
        raise AvtoolError(f"{name} gives features that are not finite", "get its file again")
    return values
