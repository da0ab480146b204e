"""The filter bank and the supervised models on a GPU, beside the CPU."""

import pytest
import torch

from avtool.data.inputs.fbank import Fbank
from avtool.models.registry import create

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def test_fbank_equals_that_of_the_cpu_even_under_tf32() -> None:
    waveform = 0.1 * torch.randn(4, 80000, generator=torch.Generator().manual_seed(0))
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        theirs = Fbank().cuda()(waveform.cuda()).cpu()
    finally:
        torch.set_float32_matmul_precision(before)
    torch.testing.assert_close(theirs, Fbank()(waveform), rtol=0, atol=1e-3)


@pytest.mark.parametrize("fusion", ["bottleneck", "shared", "cross"])
def test_mbt_with_missing_modalities_equals_that_of_the_cpu(fusion: str) -> None:
    torch.manual_seed(0)
    model = create("mbt_tiny", fusion=fusion).eval()
    torch.nn.init.normal_(model.head.weight)
    given = {
        "audio": torch.randn(3, 32, 16),
        "video": torch.randn(3, 3, 4, 16, 16),
        "audio_present": torch.tensor([True, False, True]),
    }
    with torch.no_grad():
        expected = model(**given).logits
        logits = model.cuda()(**{name: value.cuda() for name, value in given.items()}).logits
    torch.testing.assert_close(logits.cpu(), expected, rtol=1e-3, atol=1e-3)


def test_a_training_step_in_bfloat16_stays_finite() -> None:
    torch.manual_seed(0)
    model = create("mbt_tiny", drop_path=0.1, recompute=True).cuda()
    with torch.autocast("cuda", dtype=torch.bfloat16):
        output = model(torch.randn(2, 32, 16).cuda(), torch.randn(2, 3, 4, 16, 16).cuda())
        loss = torch.nn.functional.cross_entropy(output.logits.float(), torch.tensor([1, 2]).cuda())
    loss.backward()
    assert all(bool(p.grad.isfinite().all()) for p in model.parameters() if p.grad is not None)
