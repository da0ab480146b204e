"""SpecAugment against torchaudio's masking on the same random numbers."""

import pytest
import torch
from torchaudio.functional import mask_along_axis_iid

from avtool.data.inputs.spec_augment import SpecAugment


@pytest.mark.parametrize("seed", range(5))
def test_the_same_draws_hide_the_same_places(seed: int) -> None:
    fbank = torch.randn(16, 512, 128)
    torch.manual_seed(seed)
    ours = SpecAugment(frequency_mask=24, time_mask=96)(fbank)
    torch.manual_seed(seed)
    theirs = mask_along_axis_iid(fbank, 24, 0.0, axis=2)
    theirs = mask_along_axis_iid(theirs, 96, 0.0, axis=1)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
