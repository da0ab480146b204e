"""Published weights: MINOTAUR's, and those of TubeDETR and MDETR, which its transformer is that of."""

import re

from torch import Tensor, nn

from avtool.models.published.report import LoadReport, State, copy_into, format_shape

_SIGN = "transformer.decoder.layers.0.cross_attn_image.in_proj_weight"
_RULES = tuple(
    (re.compile(f"^{pattern}$"), replacement)
    for pattern, replacement in (
        (r"transformer\.encoder\.layers\.(\d+)\.self_attn\.(.+)", r"encoder.\1.attention.\2"),
        (r"transformer\.encoder\.layers\.(\d+)\.norm1\.(.+)", r"encoder.\1.attention_norm.\2"),
        (r"transformer\.encoder\.layers\.(\d+)\.norm2\.(.+)", r"encoder.\1.feed_forward_norm.\2"),
        (r"transformer\.decoder\.layers\.(\d+)\.self_attn\.(.+)", r"decoder.\1.temporal.\2"),
        (r"transformer\.decoder\.layers\.(\d+)\.cross_attn_image\.(.+)", r"decoder.\1.spatial.\2"),
        (r"transformer\.decoder\.layers\.(\d+)\.norm1\.(.+)", r"decoder.\1.temporal_norm.\2"),
        (r"transformer\.decoder\.layers\.(\d+)\.norm3\.(.+)", r"decoder.\1.spatial_norm.\2"),
        (r"transformer\.decoder\.layers\.(\d+)\.norm4\.(.+)", r"decoder.\1.feed_forward_norm.\2"),
        (r"transformer\.(..coder)\.layers\.(\d+)\.(linear[12]\..+)", r"\1.\2.feed_forward.\3"),
        (r"transformer\.decoder\.norm\.(.+)", r"decoder_norm.\1"),
        (r"transformer\.resizer\.(.+)", r"query_resizers.text.\1"),
        (r"transformer\.mq_(?:class_one_hot_embeddor|resizer_class_text_embeddings)\.(.+)",
         r"query_resizers.label.\1"),
        (r"transformer\.resizer_vq2d\.(.+)", r"query_resizers.image.1.\1"),
        (r"input_proj_query\.(.+)", r"query_resizers.image.0.\1"),
        (r"input_proj\.(.+)", r"visual_projection.\1"),
        (r"bbox_embed\.(.+)", r"box_head.\1"),
        (r"sted_embed\.(.+)", r"start_end_head.\1"),
        (r"score_per_frame_embed\.(.+)", r"foreground_head.\1"),
    )
)  # fmt: skip
"""Published names and ours."""
_PARTS = (
    (re.compile(r"\.in_proj_(weight|bias)$"), r".qkv.\1"),
    (re.compile(r"\.out_proj\.(weight|bias)$"), r".proj.\1"),
    (re.compile(r"(query_resizers\..+)\.fc\.(weight|bias)$"), r"\1.linear.\2"),
    (re.compile(r"(query_resizers\..+)\.layer_norm\.(weight|bias)$"), r"\1.norm.\2"),
)
_ENCODERS = {"backbone.": "the visual backbone", "transformer.text_encoder.": "the text encoder"}
_FIXED = "transformer.time_embed."
"""Sines, which are computed."""
_QUERIES = "time_queries.weight"
_PUBLISHED_KIND = {"image": "visual", "text": "text", "label": "text"}
_ENTRIES = ("visual_projection.", "query_resizers.")
"""Layers whose widths are those of the encoders in front of them."""


def is_published(state: State) -> bool:
    """Whether tensors are named as MDETR, TubeDETR and MINOTAUR name theirs."""
    return _SIGN in state


def load_published(model: nn.Module, state: State) -> LoadReport:
    """Loads the transformer and the heads of published weights, and the layers before them that fit.

    The weights of the ResNet and of RoBERTa are left: the network reads features of encoders.

    Args:
        model: a `Minotaur`, changed in place.
        state: tensors by their published names.

    Raises:
        BadInputError: depth or width of the model are others.
    """
    changes: list[str] = []
    ours: State = {}
    for prefix, encoder in _ENCODERS.items():
        if count := sum(name.startswith(prefix) for name in state):
            changes.append(f"{encoder} is not read ({count} tensors): the network takes features")
    for name, tensor in state.items():
        if not name.startswith((*_ENCODERS, _FIXED, "query_embed.")):
            ours[_rename(name)] = tensor.flatten(1) if tensor.dim() == 4 else tensor
    targets = model.state_dict()
    _share_text(ours, targets)
    ours[_QUERIES] = _time_queries(targets[_QUERIES], model, state, changes)
    for name in [name for name in ours if name.startswith(_ENTRIES) and name in targets]:
        if ours[name].shape != targets[name].shape:
            changes.append(
                f"`{name}`: {format_shape(ours[name])} → {format_shape(targets[name])}, of another encoder: "
                "it keeps its initial values"
            )
            del ours[name]
    return copy_into(model, ours, changes)


def _rename(name: str) -> str:
    for pattern, replacement in _RULES:
        if pattern.match(name):
            name = pattern.sub(replacement, name)
            break
    for part, replacement in _PARTS:
        name = part.sub(replacement, name)
    return name


def _share_text(ours: State, targets: State) -> None:
    """Labels are prompts of the text encoder where the weights have no entry for labels."""
    for name in [name for name in ours if name.startswith("query_resizers.text.")]:
        label = name.replace(".text.", ".label.")
        if label in targets and label not in ours:
            ours[label] = ours[name]
    for name in [name for name in ours if name.startswith(_ENTRIES) and name not in targets]:
        del ours[name]  # of a kind or a modality that the model does not take


def _time_queries(own: Tensor, model: nn.Module, state: State, changes: list[str]) -> Tensor:
    """The time query of each kind: the published one of its modality, or the first object query."""
    queries, shared = own.clone(), state.get("query_embed.weight")
    for place, kind in enumerate(model.kinds):  # type: ignore[arg-type]
        source = (
            shared if shared is not None else state.get(f"query_embed.{_PUBLISHED_KIND.get(kind)}.weight")
        )
        if source is None:
            changes.append(f"the time query of {kind} queries keeps its initial values")
        else:
            queries[place] = source[0]
    return queries
