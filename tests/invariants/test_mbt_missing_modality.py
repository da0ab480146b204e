"""Samples without sound or picture: their tokens must leave no trace."""

import pytest
import torch
from torch import Tensor

from avtool.core.errors import BadInputError
from avtool.models.mbt.mbt import MBT
from avtool.models.registry import create

FUSIONS = ["bottleneck", "shared", "cross"]
ABSENT = {"audio": torch.tensor([True, False, True]), "video": torch.tensor([True, True, False])}

torch.set_num_threads(1)  # tiny matrices: threads would only wait for each other


def moved(fusion: str, update: str = "parallel") -> MBT:
    torch.manual_seed(0)
    model: MBT = create("mbt_tiny", fusion=fusion, fusion_layer=1, bottleneck_update=update)  # type: ignore[assignment]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


@pytest.fixture
def given() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        "audio": torch.randn(3, 32, 16, generator=generator),
        "video": torch.randn(3, 3, 4, 16, 16, generator=generator),
    }


def masks() -> dict[str, Tensor]:
    return {f"{name}_present": mask for name, mask in ABSENT.items()}


@pytest.mark.parametrize("update", ["parallel", "sequential"])
@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_mixed_batch_equals_its_samples_one_by_one(
    fusion: str, update: str, given: dict[str, Tensor]
) -> None:
    model = moved(fusion, update)
    with torch.no_grad():
        batch = model(**given, **masks()).logits
        for sample in range(3):
            alone = {
                name: value[sample : sample + 1] for name, value in given.items() if ABSENT[name][sample]
            }
            torch.testing.assert_close(
                batch[sample : sample + 1], model(**alone).logits, rtol=1e-5, atol=1e-5
            )


@pytest.mark.parametrize("fusion", FUSIONS)
def test_whatever_stands_in_for_the_absent_changes_nothing(fusion: str, given: dict[str, Tensor]) -> None:
    model = moved(fusion)
    for parameter in model.parameters():
        parameter.grad = None
    dirty = {name: value.clone() for name, value in given.items()}
    dirty["audio"][1], dirty["video"][2] = torch.nan, torch.nan
    clean_logits, dirty_logits = (model(**values, **masks()).logits for values in (given, dirty))
    torch.testing.assert_close(dirty_logits, clean_logits, rtol=0, atol=0)
    dirty_logits.sum().backward()
    assert all(
        bool(parameter.grad.isfinite().all())
        for parameter in model.parameters()
        if parameter.grad is not None
    )


@pytest.mark.parametrize("fusion", FUSIONS)
def test_masks_of_all_true_equal_no_masks(fusion: str, given: dict[str, Tensor]) -> None:
    model, everyone = moved(fusion), torch.ones(3, dtype=torch.bool)
    with torch.no_grad():
        masked = model(**given, audio_present=everyone, video_present=everyone).logits
        torch.testing.assert_close(masked, model(**given).logits, rtol=0, atol=1e-6)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_one_modality_alone_is_scored(fusion: str, given: dict[str, Tensor]) -> None:
    with torch.no_grad():
        output = moved(fusion)(audio=given["audio"])
    assert list(output.modality_logits) == ["audio"]
    torch.testing.assert_close(output.logits, output.modality_logits["audio"])


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(BadInputError, match="takes video and audio"):
        moved("bottleneck")()
