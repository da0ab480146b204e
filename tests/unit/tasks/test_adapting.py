"""From an encoder to the training of the classifier over it."""

from pathlib import Path

import numpy as np
import pytest

from avtool.core.errors import BadInputError
from avtool.core.paths import find_recipe
from avtool.core.recipe import load
from avtool.core.reporter import Recorder, Silent
from avtool.models.start import load_start
from avtool.tasks.classification.adapt import adapted_recipe, classifier_of
from avtool.tasks.classification.network import build_network
from avtool.tasks.classification.recipe import FinetuneRecipe
from tests.harness import save_encoder


@pytest.mark.parametrize(
    ("builder", "classifier"),
    [
        ("audio_mae_tiny_pretrain", "audio_mae_tiny"),
        ("mae_base_pretrain", "mae_base"),
        ("mavil_tiny_pretrain", "mavil_tiny"),
        ("avt_tiny", "avt_classifier_tiny"),
        ("avt_base", "avt_classifier_base"),
        ("cnn_tiny", "cnn_tiny"),
        ("ast_base", "ast_base"),
    ],
)
def test_each_encoder_has_a_classifier(builder: str, classifier: str) -> None:
    assert classifier_of(builder).name == classifier


def test_an_unknown_encoder_has_no_classifier() -> None:
    with pytest.raises(BadInputError, match="no model is called `nothing_tiny`"):
        classifier_of("nothing_tiny")


@pytest.mark.parametrize(
    ("builder", "modality", "shipped"),
    [
        ("audio_mae_tiny_pretrain", "audio", "esc50"),
        ("cnn_tiny", "audio", "esc50"),
        ("avt_tiny", "audio", "esc50"),
        ("avt_tiny", "video", "action"),
        ("mbt_tiny", "video", "action"),
        ("mae_tiny_pretrain", "image", "image"),
    ],
)
def test_a_training_starts_from_the_encoders_weights(
    tmp_path: Path, builder: str, modality: str, shipped: str
) -> None:
    encoder = save_encoder(tmp_path / "model", builder)
    recipe = load(FinetuneRecipe, recipe=find_recipe(f"finetune/{shipped}-encoder"))
    adapted = adapted_recipe(recipe, encoder, modality, start=True)
    if modality == "audio":
        assert adapted.data.audio.num_mel_bins == 32
        assert (adapted.data.mean, adapted.data.std) == (-5.0, 4.0)
        assert adapted.data.audio.num_steps(adapted.data.seconds) == 96
    else:
        assert adapted.data.video.size == (16 if builder == "mbt_tiny" else 32)
    model, _ = build_network(adapted, 7, 96)
    assert modality in model.inputs
    before = {name: value.clone() for name, value in model.state_dict().items()}
    told = Recorder()
    load_start(model, adapted.model.name, adapted.model.init, told)
    changed = [name for name, value in model.state_dict().items() if not np.array_equal(value, before[name])]
    assert len(changed) >= 3  # batch norms begin as they were left
    assert "started from" in told.infos[0]


def test_the_random_init_baseline_starts_from_nothing(tmp_path: Path) -> None:
    encoder = save_encoder(tmp_path / "model")
    recipe = load(FinetuneRecipe, recipe=find_recipe("finetune/esc50-encoder"))
    assert adapted_recipe(recipe, encoder, "audio", start=True).model.init == encoder
    baseline = adapted_recipe(recipe, encoder, "audio", start=False)
    assert baseline.model.init is None
    load_start(build_network(baseline, 3, 96)[0], baseline.model.name, None, Silent())
