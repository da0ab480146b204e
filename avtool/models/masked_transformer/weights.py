"""Weights of the masked transformer: avtool's own, and those of the public code (salesforce/densecap)."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from avtool.core.errors import BadInputError
from avtool.models.published.report import LoadReport, State, copy_into

if TYPE_CHECKING:
    from avtool.models.masked_transformer.masked_transformer import MaskedTransformer

_OUT = ("decoder.out.weight", "decoder.out.bias")
_SHARED = "cap_model.encoder."
"""The captioner's encoder, which is that of the proposals under another name."""
_BEGINNINGS = {
    "mask_model.": "mask_network.layers.",
    "rgb_emb.": "stem.projections.0.",
    "flow_emb.": "stem.projections.1.",
    "prop_out.": "heads.",
    "vis_emb.encoder.": "encoder.",
    "cap_model.decoder.": "decoder.",
}
_PARTS = {"wq": "query", "wk": "key", "wv": "value", "wo": "out", "linear1": "0", "linear2": "2"}
_NORM = {"gamma": "weight", "beta": "bias"}
_BLOCK = re.compile(
    r"(?P<layer>(?P<stack>encoder|decoder)\.layers\.\d+)\.(?P<block>selfattn|attention|feedforward)"
    r"\.(?:layer\.(?P<part>\w+)\.(?P<leaf>\w+)|layernorm\.(?P<norm>gamma|beta))"
)
_BLOCKS = {
    ("encoder", "selfattn"): "attention",
    ("encoder", "feedforward"): "feed_forward",
    ("decoder", "selfattn"): "own",
    ("decoder", "attention"): "context",
    ("decoder", "feedforward"): "feed_forward",
}


def load_masked_transformer(
    model: "MaskedTransformer",
    state: State,
    *,
    words: Sequence[str] | None = None,
    own_words: Sequence[str] | None = None,
) -> LoadReport:
    """Loads weights under avtool's names or the public ones.

    Args:
        model: changed in place.
        state: tensors by name.
        words: those of the weights by number; None where they are not known.
        own_words: those of the model by number; with them, the embedding of a word is found by the word, and
            without `words` none is loaded. By default both are taken to be the same.

    Raises:
        BadInputError: the weights do not fit.
    """
    changes: list[str] = []
    if is_densecap(state):
        if not model.settings.parity:
            message = "the weights are of the published network, and the model computes otherwise"
            raise BadInputError(message, "build a masked_transformer_activitynet or _youcook2")
        state = rename_densecap(state)
    if own_words is not None and _OUT[0] in state:
        state = _with_words(model, state, words, own_words, changes)
    return copy_into(model, state, changes)


def is_densecap(state: State) -> bool:
    """Whether tensors have the public names."""
    return any(name.startswith(("prop_out.", "cap_model.")) for name in state)


def rename_densecap(state: State) -> State:
    """Public names to ours; other names stay as they are.

    Raises:
        BadInputError: the captioner has another encoder than the proposals.
    """
    found: State = {}
    for name, tensor in state.items():
        if name.startswith(_SHARED):
            same = state.get(f"vis_emb.encoder.{name.removeprefix(_SHARED)}")
            if same is None or not torch.equal(same, tensor):
                message = f"`{name}` is not the weight of the proposals' encoder, which captions share"
                raise BadInputError(message, "give weights of the public code, unchanged")
            continue
        found[_renamed(name)] = tensor
    return found


def _renamed(name: str) -> str:
    begin = next((begin for begin in _BEGINNINGS if name.startswith(begin)), "")
    name = _BEGINNINGS.get(begin, "") + name.removeprefix(begin)
    parts = _BLOCK.fullmatch(name)
    if parts is None:
        return name
    block = f"{parts['layer']}.{_BLOCKS.get((parts['stack'], parts['block']), parts['block'])}"
    if parts["norm"]:
        return f"{block}_norm.{_NORM[parts['norm']]}"
    return f"{block}.{_PARTS.get(parts['part'], parts['part'])}.{parts['leaf']}"


def _with_words(
    model: "MaskedTransformer",
    state: State,
    words: Sequence[str] | None,
    own_words: Sequence[str],
    changes: list[str],
) -> State:
    """The tensors with the output layer in the order of the model's words; new words keep initial values."""
    if words is None:
        changes.append("the words of the weights are not known: the output layer keeps its initial values")
        return {name: tensor for name, tensor in state.items() if name not in _OUT}
    if len(words) != len(state[_OUT[0]]):
        message = f"the weights have {len(state[_OUT[0]])} words, and the list has {len(words)}"
        raise BadInputError(message, "give the words in the order of the weights, one a line")
    number_of = {word: number for number, word in enumerate(words)}
    pairs = [(place, number_of[word]) for place, word in enumerate(own_words) if word in number_of]
    changes.append(f"words: {len(pairs)} of {len(own_words)} are those of the weights")
    own = model.state_dict()
    places, numbers = (torch.tensor(part, dtype=torch.int64) for part in zip(*pairs, strict=True))
    return {**state, **{name: own[name].clone().index_copy(0, places, state[name][numbers]) for name in _OUT}}
