"""Weights for MAViL: ours, the published fine-tuned model's, and MAEs to start its encoders from."""

from collections.abc import Mapping
from dataclasses import replace

import torch

from avtool.core.errors import BadInputError
from avtool.models.masked.audio_video import AUDIO, VIDEO
from avtool.models.masked.mae_weights import is_ours, rename_mae
from avtool.models.masked.masked_state import HEAD, drop_prefixes, fit_encoder_positions, fit_table, move
from avtool.models.masked.mavil import MAViL, MAViLClassifier
from avtool.models.masked.patch_grid import PatchGrid
from avtool.models.published.pixel_statistics import IMAGENET, fold_into_kernels, with_changes
from avtool.models.published.report import LoadReport, State, copy_into, drop_mismatched_head, unwrap

_COLOURS = 3
_FINE_TUNED = [
    ("fc_norm_av.", "fc_norm."),
    ("head_av.", "head."),
    ("blocks_av.", "encoder.fusion."),
    *((f"{old}_v", f"encoder.video.{old}") for old in ("patch_embed", "cls_token", "pos_embed", "blocks")),
    *((old, f"encoder.audio.{old}") for old in ("patch_embed", "cls_token", "pos_embed", "blocks")),
]


def load_mavil(
    model: MAViL | MAViLClassifier, checkpoint: Mapping[str, object], *, interpolate: bool = False
) -> LoadReport:
    """Loads MAViL weights, or starts the encoders from an MAE. Tensors without a parameter are reported.

    Args:
        model: changed in place.
        checkpoint: of avtool, of the published fine-tuned model (`blocks_v`, `blocks_av`), or of an MAE of
            images or of audio in any layout of `load_mae`.
        interpolate: interpolate position tables where the weights have other lengths.

    Raises:
        BadInputError: the grids differ and `interpolate` is off, or another size differs.
    """
    changes: list[str] = []
    state = unwrap(checkpoint)
    if is_of_one_encoder(state):
        return start_encoders(model, state)
    if not any(name.startswith("encoder.") for name in state):
        state = move(state, _FINE_TUNED)
    if isinstance(model, MAViLClassifier):
        only_training = ("decoder.", "encoder.norm.", "encoder.audio.norm.", "encoder.video.norm.")
        drop_prefixes(state, only_training, "which only pretraining has", changes)
        if len(model.inputs) == 1:
            absent = tuple(f"encoder.{name}." for name in (AUDIO, VIDEO) if name not in model.inputs)
            drop_prefixes(state, (*absent, "encoder.fusion."), "which the model lacks", changes)
        drop_mismatched_head(state, model, HEAD, changes)
    else:
        drop_prefixes(state, ("fc_norm.", "head."), "which only a classifier has", changes)
    for name in model.inputs:
        encoder = model.encoder.of(name)
        fit_encoder_positions(state, f"encoder.{name}.", encoder, changes, allowed=interpolate)
        table = f"decoder.{name}.pos_embed"
        if table in state and isinstance(model, MAViL):
            own = model.get_buffer(table)
            fit_table(state, table, encoder.grid, own, 1, changes, allowed=interpolate)
    return copy_into(model, state, changes)


def start_encoders(
    model: MAViL | MAViLClassifier,
    checkpoint: Mapping[str, object],
    of_pixels: Mapping[str, object] | None = None,
) -> LoadReport:
    """Starts all encoders that an MAE fits: both from one of images, that of audio from an Audio-MAE.

    Args:
        model: changed in place.
        checkpoint: of an MAE, in any layout of `load_mae`.
        of_pixels: the same, for the encoder of video, where its kernel takes other pixels.

    Raises:
        BadInputError: the weights are of another size, or no MAE.
    """
    of_images = _encoder_of(checkpoint)["patch_embed.proj.weight"].shape[1] == _COLOURS
    reports = [start_video(model, of_pixels or checkpoint)] if of_images and VIDEO in model.inputs else []
    if AUDIO in model.inputs or not reports:
        reports.append(start_audio(model, checkpoint))
    missing = tuple(name for name in reports[0].missing if all(name in other.missing for other in reports))
    return LoadReport(missing, (), tuple(line for report in reports for line in report.changes))


def start_video(
    model: MAViL | MAViLClassifier,
    checkpoint: Mapping[str, object],
    *,
    rescale: bool = True,
    interpolate: bool = False,
) -> LoadReport:
    """Starts the video encoder and the fusion from an image MAE, as the published model does.

    The kernel is repeated over the frames of a tubelet, the positions over the times; the last block also
    starts every fusion block.

    Args:
        model: changed in place.
        checkpoint: of an MAE, in any layout of `load_mae`.
        rescale: divide the repeated kernel by the frames, so that a still image gives the image model's
            tokens; the published model does not.
        interpolate: interpolate the positions of images of another size.

    Raises:
        BadInputError: the weights are of another size, or no MAE of images.
    """
    if VIDEO not in model.inputs:
        raise BadInputError("the model has no video encoder to start")
    image = _encoder_of(checkpoint)
    kernel = image["patch_embed.proj.weight"]
    if kernel.shape[1] != _COLOURS:
        message = f"the weights take {kernel.shape[1]} channel, and no image has: they are no MAE of images"
        raise BadInputError(message, "take a run of `avtool pretrain image-mae`, or a published MAE")
    frames, times = model.settings.tubelet_frames, model.settings.grids[VIDEO].shape[0]
    image["patch_embed.proj.weight"] = kernel[:, :, None].repeat(1, 1, frames, 1, 1) / (
        frames if rescale else 1
    )
    rows = model.settings.grids[VIDEO].shape[1]
    frame = PatchGrid("image", (rows * model.settings.patch_size,) * 2, (model.settings.patch_size,) * 2)
    changes = [f"video: kernel over {frames} frames, positions over {times} times"]
    own = model.encoder.of(VIDEO).pos_embed[:, : 1 + frame.num_tokens]
    fit_table(image, "pos_embed", frame, own, 1, changes, interpolate)
    positions = image["pos_embed"]
    image["pos_embed"] = torch.cat([positions[:, :1], positions[:, 1:].repeat(1, times, 1)], dim=1)
    state = {f"encoder.video.{name}": tensor for name, tensor in image.items()}
    if len(model.inputs) == 2:
        last = f"blocks.{model.settings.depth - 1}."
        for layer in range(model.settings.fusion_layers):
            block = {name: tensor for name, tensor in image.items() if name.startswith(last)}
            state |= {f"encoder.fusion.{layer}.{name.removeprefix(last)}": t for name, t in block.items()}
    return _start(model, state, changes)


def start_audio(
    model: MAViL | MAViLClassifier, checkpoint: Mapping[str, object], *, interpolate: bool = False
) -> LoadReport:
    """Starts the audio encoder from an Audio-MAE with its positions, or from an image MAE without them.

    Args:
        model: changed in place.
        checkpoint: of an MAE, in any layout of `load_mae`.
        interpolate: interpolate the positions of another length.

    Raises:
        BadInputError: the weights are of another size, or no MAE.
    """
    if AUDIO not in model.inputs:
        raise BadInputError("the model has no audio encoder to start")
    encoder = _encoder_of(checkpoint)
    changes = []
    if encoder["patch_embed.proj.weight"].shape[1] == _COLOURS:
        encoder["patch_embed.proj.weight"] = encoder["patch_embed.proj.weight"].sum(dim=1, keepdim=True)
        del encoder["pos_embed"]
        changes.append("audio: colours summed, positions keep their initial values")
    state = {f"encoder.audio.{name}": tensor for name, tensor in encoder.items()}
    fit_encoder_positions(state, "encoder.audio.", model.encoder.of(AUDIO), changes, allowed=interpolate)
    return _start(model, state, changes)


def start_modality(
    model: MAViL | MAViLClassifier,
    state: State,
    modality: str,
    *,
    rescale: bool = True,
    interpolate: bool = False,
) -> LoadReport:
    """Starts the encoder of one modality; of the parameters without weights only its own are reported.

    Args:
        model: changed in place.
        state: of an MAE, in any layout of `load_mae`; an image MAE of others is fed as ours is.
        modality: "audio" or "video".
        rescale: see `start_video`.
        interpolate: interpolate the positions of another size.

    Raises:
        BadInputError: the weights are of another size, or no MAE.
    """
    if modality == AUDIO:  # colours are summed for audio as they were published
        found = start_audio(model, state, interpolate=interpolate)
    else:
        folded, changes = (state, []) if is_ours(state) else fold_into_kernels(state, IMAGENET)
        report = start_video(model, folded, rescale=rescale, interpolate=interpolate)
        found = with_changes(report, changes)
    missing = tuple(name for name in found.missing if name.startswith(f"encoder.{modality}."))
    return replace(found, missing=missing)


def is_of_one_encoder(state: State) -> bool:
    """Whether the weights are those of an MAE of one modality."""
    of_two = ("encoder.audio.", "encoder.video.", "patch_embed_v.", "blocks_av.")
    return not any(name.startswith(of_two) for name in state) and "patch_embed.proj.weight" in {
        name.removeprefix("encoder.") for name in rename_mae(state)
    }


def _encoder_of(checkpoint: Mapping[str, object]) -> State:
    """The encoder of an MAE, without the prefix."""
    state = rename_mae(unwrap(checkpoint))
    encoder = {
        name.removeprefix("encoder."): value for name, value in state.items() if name.startswith("encoder.")
    }
    needed = {"patch_embed.proj.weight", "pos_embed", "cls_token"}
    if not needed <= encoder.keys():
        raise BadInputError(
            f"the weights have no {', '.join(sorted(needed - encoder.keys()))}: they are no MAE",
            "take an MAE of images, or an Audio-MAE",
        )
    return encoder


def _start(model: MAViL | MAViLClassifier, state: State, changes: list[str]) -> LoadReport:
    if isinstance(model, MAViLClassifier):
        drop_prefixes(
            state, ("encoder.audio.norm.", "encoder.video.norm."), "which only pretraining has", changes
        )
    return copy_into(model, state, changes)
