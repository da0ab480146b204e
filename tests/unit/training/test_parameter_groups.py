"""Weight decay by module type, rates by declared depth, and the groups that a task declares."""

import re
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from avtool.models.registry import create, list_models
from avtool.training.parameter_groups import ParameterGroup, decayed, layer_scales, torch_groups
from avtool.training.recipe import GroupRecipe, OptimizerRecipe

torch.set_num_threads(1)

_BLOCK = re.compile(
    r"(?P<tower>(?:.*\.)??)(?:blocks?|resblocks|layers?|stages?)\.(?:[a-z]\w*\.)?(?P<index>\d+)\."
)


def scales_by_name(names: list[str], decay: float) -> dict[str, float]:
    """An independent reading of depth from the names of parameters, in the order of their definition."""
    found = {name: match for name in names if (match := _BLOCK.match(name))}
    num_blocks: dict[str, int] = {}
    for match in found.values():
        num_blocks[match["tower"]] = max(num_blocks.get(match["tower"], 0), int(match["index"]) + 1)
    scales, begun = {}, set()
    for name in names:
        tower = max((t for t in num_blocks if name.startswith(t)), key=len, default=None)
        above = 0
        if name in found:
            tower = found[name]["tower"]
            begun.add(tower)
            above = num_blocks[tower] - int(found[name]["index"])
        elif tower is not None and tower not in begun:
            above = num_blocks[tower] + 1
        scales[name] = decay**above
    return scales


def decayed_by_name(module: nn.Module) -> Iterator[str]:
    """The matrices called `weight`, but for embeddings."""
    for prefix, owner in module.named_modules():
        for name, parameter in owner.named_parameters(prefix, recurse=False):
            if parameter.dim() > 1 and name.endswith("weight") and not isinstance(owner, nn.Embedding):
                yield name


_ONE_RATE = (
    "clip_prompts",
    "masked_lm",
    "masked_transformer",
    "minotaur",
    "pvdm",
    "timm",
    "transformers_",
    "zoo",
)
"""Networks that are frozen or trained at one rate: they declare no layers."""


@pytest.fixture(scope="module")
def skeletons() -> dict[str, nn.Module]:
    with torch.device("meta"):
        return {name: create(name) for name in list_models() if not name.startswith(_ONE_RATE)}


def test_declared_depths_are_those_that_the_names_show(skeletons: dict[str, nn.Module]) -> None:
    for name, model in skeletons.items():
        scales = layer_scales(nn.ModuleDict({"model": model}), 0.5)
        declared = {key: scales[parameter] for key, parameter in model.named_parameters()}
        expected = scales_by_name([key for key, _ in model.named_parameters()], 0.5)
        if "bottleneck" in declared:  # defined before the blocks, and used from the fusion layer on
            expected["bottleneck"] = expected[f"blocks.audio.{model.settings.fusion_layer}.norm1.weight"]
        assert declared == expected, name


def test_the_matrices_that_decay_are_those_that_the_names_show(skeletons: dict[str, nn.Module]) -> None:
    for name, model in skeletons.items():
        shrunk = decayed(model)
        assert {key for key, parameter in model.named_parameters() if parameter in shrunk} == set(
            decayed_by_name(model)
        ), name


def test_layers_of_blocks_that_modalities_share_follow_one_another() -> None:
    model = create("mbt_tiny", fusion="shared")
    scales = layer_scales(model, 0.5)
    assert [scales[block.norm1.weight] for block in model.blocks["audio"]] == [0.5**4, 0.5**3]
    assert [scales[block.norm1.weight] for block in model.common_blocks] == [0.5**2, 0.5]


def test_what_declares_nothing_has_one_rate() -> None:
    assert set(layer_scales(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), 0.5).values()) == {1.0}


def test_a_matrix_that_is_an_embedding_too_does_not_decay() -> None:
    model = nn.Sequential(nn.Embedding(4, 2), nn.Linear(2, 4))
    model[1].weight = model[0].weight
    assert decayed(model) == set()


def test_groups_have_a_rate_and_a_decay_of_their_own() -> None:
    text, rest = nn.Linear(2, 2), nn.Linear(2, 2)
    prompt = nn.Parameter(torch.zeros(4, 2))
    model = nn.ModuleDict({"text": text, "rest": rest, "prompt": nn.ParameterList([prompt])})
    groups = [
        ParameterGroup("text", [text], GroupRecipe(rate=0.5)),
        ParameterGroup("prompt", [prompt], GroupRecipe(weight_decay=0.1)),
    ]
    made = torch_groups(model, model.parameters(), OptimizerRecipe(weight_decay=0.05), groups)
    assert [(group["group"], group["scale"], group["weight_decay"]) for group in made] == [
        ("text", 1.0, 0.05),
        ("text", 1.0, 0.0),
        ("", 1.0, 0.05),
        ("", 1.0, 0.0),
        ("prompt", 1.0, 0.1),
    ]
    assert made[4]["params"] == [prompt]


def test_groups_that_share_a_parameter_are_refused() -> None:
    layer = nn.Linear(2, 2)
    groups = [ParameterGroup("a", [layer], GroupRecipe()), ParameterGroup("b", [layer.bias], GroupRecipe())]
    with pytest.raises(AssertionError, match="the groups a and b share a parameter"):
        torch_groups(layer, layer.parameters(), OptimizerRecipe(), groups)
