"""A masked LM read at the mask: equal to the whole head, in every architecture; padding; closed form."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import cross_entropy, log_softmax

from avtool.core.errors import BadInputError, CorruptArtifactError
from avtool.models.masked_lm.hub_folder import read_config, read_host
from avtool.models.masked_lm.masked_lm import MaskedLM, MaskedLMSettings
from avtool.models.registry import create
from tests.harness import save_masked_lm

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "vocab_size": 90,
}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("bert", "roberta", "xlm-roberta", "camembert", "deberta-v2", "mpnet"), SIZES),
    "albert": {**SIZES, "embedding_size": 16},
    "electra": {**SIZES, "embedding_size": 16},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, "vocab_size": 90},
    "modernbert": {
        **SIZES,
        "pad_token_id": 0,
        "cls_token_id": 1,
        "sep_token_id": 2,
        "bos_token_id": 1,
        "eos_token_id": 2,
    },
}


def model_of(kind: str = "roberta", seed: int = 0, **settings: Any) -> MaskedLM:
    torch.manual_seed(seed)
    architecture = {"model_type": kind, **ARCHITECTURES[kind]}
    return create("masked_lm_tiny", architecture=architecture, **settings).eval()


def batch_of(
    model: MaskedLM, lengths: tuple[int, ...] = (9, 6, 4), width: int = 9
) -> tuple[torch.Tensor, ...]:
    """Tokens, their mask, the places of the masks, segments."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(5, 90, (len(lengths), width), generator=generator)
    mask = torch.arange(width)[None] < torch.tensor(lengths)[:, None]
    pad = model.host.config.pad_token_id or 0
    return ids.masked_fill(~mask, pad), mask, torch.tensor([3, 5, 1])[: len(lengths)], torch.zeros_like(ids)


@pytest.mark.parametrize("kind", ARCHITECTURES)
@torch.no_grad()
def test_rows_and_columns_of_the_head_are_those_of_the_whole_head(kind: str) -> None:
    model = model_of(kind)
    ids, mask, place, segments = batch_of(model)
    columns = torch.tensor([7, 50, 11])
    whole = model.host(**model._arguments(ids, mask, segments)).logits[torch.arange(3), place]
    assert model.at_mask(ids, mask, place, segments) == pytest.approx(whole, abs=1e-6)
    assert model.at_mask(ids, mask, place, segments, columns) == pytest.approx(whole[:, columns], abs=1e-6)
    after = model.host(**model._arguments(ids, mask, segments)).logits  # nothing is left behind
    assert torch.equal(after[torch.arange(3), place], whole)


@torch.no_grad()
def test_label_logits_are_the_whole_softmax_renormalised_over_label_words() -> None:
    model = model_of(words=((7,), (50,)))
    ids, mask, place, segments = batch_of(model)
    logits = model(ids[:, None], mask[:, None], place[:, None], segments[:, None]).logits
    whole = log_softmax(
        model.host(**model._arguments(ids, mask, segments)).logits[torch.arange(3), place].double(), 1
    )
    words = whole[:, [7, 50]]
    targets = torch.tensor([0, 1, 0])
    renormalised = words - words.logsumexp(dim=1, keepdim=True)
    ours = cross_entropy(logits.double(), targets)
    assert float(ours) == pytest.approx(float(-renormalised[torch.arange(3), targets].mean()), abs=1e-6)
    masked_lm = -whole[torch.arange(3), torch.tensor([7, 50, 7])].mean()
    assert abs(float(masked_lm - ours)) > 1  # it is not the MLM loss


@torch.no_grad()
def test_the_loss_in_closed_form() -> None:
    model = model_of(words=((7,), (50,)))
    head = model.host.lm_head
    head.layer_norm.weight.zero_()
    head.layer_norm.bias.zero_()
    head.decoder.bias.zero_()
    head.decoder.bias[7], head.decoder.bias[50] = 1.0, -0.5
    ids, mask, place, segments = batch_of(model)
    logits = model(ids[:, None], mask[:, None], place[:, None], segments[:, None]).logits
    assert torch.equal(logits, torch.tensor([[1.0, -0.5]] * 3))
    loss = float(cross_entropy(logits, torch.tensor([0, 1, 0])))
    assert loss == pytest.approx(0.7014133, abs=1e-6)
    assert loss == pytest.approx((2 * math.log1p(math.exp(-1.5)) + math.log1p(math.exp(1.5))) / 3, abs=1e-6)


def test_a_gradient_by_central_difference() -> None:
    model = model_of(words=((7,), (50,))).double()
    batch = [value[:, None] for value in batch_of(model)]
    targets = torch.tensor([0, 1, 0])

    def loss() -> torch.Tensor:
        return cross_entropy(model(*batch).logits, targets)

    weight = model.host.roberta.encoder.layer[0].attention.self.query.weight
    loss().backward()
    with torch.no_grad():
        values = []
        for step in (1e-5, -1e-5):
            weight[3, 4] += step
            values.append(float(loss()))
            weight[3, 4] -= step
    slope = (values[0] - values[1]) / 2e-5
    assert float(weight.grad[3, 4]) == pytest.approx(slope, rel=1e-5, abs=1e-10)


@pytest.mark.parametrize("kind", ["roberta", "bert", "deberta-v2"])
@torch.no_grad()
def test_padding_changes_nothing(kind: str) -> None:
    model = model_of(kind, words=((7,), (50,)))
    ids, mask, place, segments = batch_of(model)
    together = model(ids[:, None], mask[:, None], place[:, None], segments[:, None]).logits
    for row, length in enumerate((9, 6, 4)):
        alone = [value[row : row + 1, None, :length] for value in (ids, mask)]
        logits = model(*alone, place[row : row + 1, None], segments[row : row + 1, None, :length]).logits
        assert logits == pytest.approx(together[row : row + 1], abs=1e-6)


@torch.no_grad()
def test_logits_are_averaged_over_sets_and_over_words() -> None:
    model = model_of(words=((7,), (50,)))
    ids, mask, place, segments = batch_of(model)
    sets = model(ids[None], mask[None], place[None], segments[None]).logits
    apart = model(ids[:, None], mask[:, None], place[:, None], segments[:, None]).logits
    assert sets == pytest.approx(apart.mean(dim=0, keepdim=True), abs=1e-6)
    several = create("masked_lm_tiny", architecture=model.settings.architecture, words=((7, 8), (50,)))
    several.host.load_state_dict(model.host.state_dict())
    logits = several.eval()(ids[:, None], mask[:, None], place[:, None], segments[:, None]).logits
    whole = model.at_mask(ids, mask, place, segments)
    assert logits == pytest.approx(torch.stack([whole[:, [7, 8]].mean(1), whole[:, 50]], 1), abs=1e-6)


def test_a_classifier_reads_cls_and_not_the_mask() -> None:
    model = model_of(head="classifier")
    ids, mask, place, segments = (value[:, None] for value in batch_of(model))
    found = model(ids, mask, torch.zeros_like(place), segments).logits
    assert found.shape == (3, 2)
    found.sum().backward()
    assert model.head[1].weight.grad is not None
    assert model.host.lm_head.dense.weight.grad is None


def test_wrong_architectures_and_words_are_refused() -> None:
    with pytest.raises(BadInputError, match="`t5` is no masked LM"):
        MaskedLM(MaskedLMSettings({"model_type": "t5"}))
    with pytest.raises(BadInputError, match="`nothing` is no masked LM"):
        MaskedLM(MaskedLMSettings({"model_type": "nothing"}))
    with pytest.raises(BadInputError, match="no tokens of a vocabulary of 90"):
        model_of(words=((7,), (90,)))


@pytest.mark.parametrize("kind", ["roberta", "bert"])
def test_a_folder_gives_its_weights(kind: str, tmp_path: Path) -> None:
    from transformers import AutoModelForMaskedLM

    folder = save_masked_lm(tmp_path / "lm", kind)
    theirs = AutoModelForMaskedLM.from_pretrained(folder).state_dict()
    model = create("masked_lm", architecture=read_config(folder), words=((5,), (6,)))
    model.host.load_state_dict(read_host(folder))
    assert all(torch.equal(value, theirs[name]) for name, value in model.host.state_dict().items())


def test_a_folder_without_its_lm_head_is_refused(tmp_path: Path) -> None:
    folder = save_masked_lm(tmp_path / "lm")
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not name.startswith("lm_head")}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadInputError, match=r"lacks \d weights of a masked LM: `lm_head"):
        read_host(folder)
    (folder / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(CorruptArtifactError, match="cannot be read"):
        read_host(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(BadInputError, match="holds no weights"):
        read_host(folder)
    with pytest.raises(BadInputError, match="is no folder of transformers"):
        read_config(tmp_path)
