"""Linear probes by gradient descent: MAE's head, and how far LARS takes it."""

from pathlib import Path

import pytest
import torch

from avtool.models.layers.standardized_linear import StandardizedLinear
from avtool.models.load import load_model
from avtool.models.model_folder import ModelDescription, save_model
from avtool.models.registry import create
from avtool.tasks.classification.network import build_network
from avtool.tasks.classification.recipe import FinetuneRecipe
from avtool.training.optimizers import make_optimizer
from avtool.training.parameter_groups import torch_groups


def test_it_equals_a_batch_norm_without_affine_parameters_and_a_linear_layer() -> None:
    torch.manual_seed(0)
    ours, features = StandardizedLinear(6, 3).train(), 5 + 3 * torch.randn(32, 6)
    norm = torch.nn.BatchNorm1d(6, eps=1e-6, affine=False)
    for mode in (True, False):
        ours.train(mode)
        norm.train(mode)
        expected = torch.nn.functional.linear(norm(features), ours.weight, ours.bias)
        torch.testing.assert_close(ours(features), expected)
    assert float(ours.weight.detach().std()) == pytest.approx(0.01, rel=0.5)
    assert ours.train()(features[:1]).isfinite().all()


@pytest.mark.parametrize(
    "name", ["cnn_tiny", "ast_tiny", "avt_classifier_tiny", "mae_tiny", "mbt_tiny", "mavil_tiny"]
)
def test_every_head_can_be_standardised_saved_and_read(name: str, tmp_path: Path) -> None:
    model = create(name, standardized_head=True)
    heads = [module for module in model.modules() if isinstance(module, StandardizedLinear)]
    assert heads
    heads[0].running_mean.fill_(2.0)
    arguments = {"standardized_head": True}
    save_model(tmp_path / "m", model.state_dict(), ModelDescription(name, arguments))
    read = load_model(tmp_path / "m").model
    found = next(module for module in read.modules() if isinstance(module, StandardizedLinear))
    assert torch.equal(found.running_mean, heads[0].running_mean)


@pytest.mark.parametrize(("optimizer", "standardised"), [("lars", True), ("adamw", False)])
def test_lars_on_a_frozen_encoder_gets_such_a_head(optimizer: str, standardised: bool) -> None:
    recipe = FinetuneRecipe.model_validate(
        {"model": {"name": "cnn_tiny", "freeze": True}, "optimizer": {"name": optimizer}}
    )
    model, arguments = build_network(recipe, 3, 64)
    assert any(isinstance(module, StandardizedLinear) for module in model.modules()) is standardised
    assert arguments.get("standardized_head", False) is standardised


def test_lars_separates_what_a_logistic_regression_separates() -> None:
    """From deviation 2e-5, as fine-tuning begins, the layer hardly moves."""
    from sklearn.linear_model import LogisticRegression

    torch.manual_seed(0)
    centres = 0.4 * torch.randn(8, 32)
    labels = torch.arange(800) % 8
    features = 3 + 5 * (centres[labels] + 0.5 * torch.randn(800, 32)) * torch.linspace(0.01, 1, 32)
    train, test = slice(0, 600), slice(600, 800)
    scaled = (features - features[train].mean(0)) / features[train].std(0)
    reference = LogisticRegression(max_iter=1000).fit(scaled[train], labels[train])
    expected = reference.score(scaled[test], labels[test])
    recipe = FinetuneRecipe.model_validate(
        {"optimizer": {"name": "lars", "lr": 6.4, "weight_decay": 0, "clip_norm": 0}}
    ).optimizer
    layer = StandardizedLinear(32, 8)
    optimizer = make_optimizer(torch_groups(layer, layer.parameters(), recipe, ()), recipe)
    for step in range(400):
        optimizer.param_groups[0]["lr"] = optimizer.param_groups[-1]["lr"] = 6.4 * (1 - step / 400)
        loss = torch.nn.functional.cross_entropy(layer(features[train]), labels[train])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = float((layer.eval()(features[test]).argmax(1) == labels[test]).float().mean())
    assert found >= expected - 0.04
