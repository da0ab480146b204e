"""Checkpoints of other trainers start a network, whatever they wrap its names and tables in."""

from argparse import Namespace
from collections import OrderedDict
from pathlib import Path

import pytest
import torch

from avtool.core.errors import BadInputError
from avtool.models.load import load_checkpoint
from avtool.models.registry import create


def prefixed(state: dict, prefix: str) -> dict:
    return {f"{prefix}{name}": value for name, value in state.items()}


WRAPPED = {
    "plain": lambda s: s,
    "compiled": lambda s: prefixed(s, "_orig_mod."),
    "compiled, then DDP": lambda s: prefixed(s, "module._orig_mod."),
    "DDP, then compiled": lambda s: prefixed(s, "_orig_mod.module."),
    "a compiled part": lambda s: {name.replace("stages.", "stages._orig_mod."): v for name, v in s.items()},
    "Lightning": lambda s: {"state_dict": prefixed(s, "model."), "epoch": 3, "optimizer_states": []},
    "Lightning with a loss": lambda s: {
        "state_dict": {**prefixed(s, "net."), "criterion.weight": torch.ones(3)}
    },
    "Lightning, compiled": lambda s: {"state_dict": prefixed(s, "model._orig_mod.")},
    "model_state_dict": lambda s: {"model_state_dict": s, "optimizer_state_dict": {"state": {}}, "loss": 0.1},
    "nested": lambda s: {"state": {"model": prefixed(s, "module.")}, "step": 7},
    "arguments": lambda s: {"model": s, "args": Namespace(lr=0.1, out=Path("runs/x")), "epoch": 3},
    "ordered": lambda s: {"network": OrderedDict(s)},
    "Fabric": lambda s: {"model": prefixed(s, "_forward_module.")},
}  # fmt: skip


@pytest.fixture(scope="module")
def state() -> dict:
    torch.manual_seed(1)
    return {name: value.clone() for name, value in create("cnn_tiny", num_classes=3).state_dict().items()}


@pytest.mark.parametrize("how", WRAPPED)
def test_it_is_started_from(tmp_path: Path, state: dict, how: str) -> None:
    torch.save(WRAPPED[how](state), tmp_path / "c.pt")
    torch.manual_seed(2)
    model = create("cnn_tiny", num_classes=3)
    report = load_checkpoint(model, "cnn_tiny", tmp_path / "c.pt")
    assert not report.missing
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


class Secret:
    """An object that is not opened."""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"model": {}, "args": Secret()}, r"holds a `[\w.]+\.Secret` beside its tensors"),
        ({"epoch": 3, "lr": 0.1}, r"holds no tensors \(it holds `epoch`, `lr`\)"),
        ([1, 2], "holds no named tensors"),
    ],
)
def test_what_is_none_is_one_line(tmp_path: Path, content: object, message: str) -> None:
    torch.save(content, tmp_path / "c.pt")
    with pytest.raises(BadInputError, match=message):
        load_checkpoint(create("cnn_tiny", num_classes=3), "cnn_tiny", tmp_path / "c.pt")
