"""The VGG of modulations: what its spectrum shows, that each view is asked, and that it hears beats."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from avtool.core.errors import BadInputError
from avtool.models.convolutional.vgg_modulation import ModulationSpectrum
from avtool.models.registry import create
from avtool.objectives.classification import CRITERIA, Classification

torch.set_num_threads(1)
FRAMES_A_SECOND = 200


def beating(rate: float, count: int, num_frames: int = 600, num_bins: int = 8, depth: float = 0.5):
    """Noisy spectrograms whose level rises and falls so often a second, from a random moment on."""
    generator = torch.Generator().manual_seed(int(10 * rate))
    times = torch.arange(num_frames) / FRAMES_A_SECOND
    phase = torch.rand(count, 1, generator=generator)
    beat = depth * torch.sin(2 * torch.pi * (rate * times + phase))
    return beat[:, :, None] + 0.5 * torch.randn(count, num_frames, num_bins, generator=generator)


@pytest.mark.parametrize("rate", [12.5, 25.0, 50.0])
def test_a_beat_is_a_line_at_its_rate(rate: float) -> None:
    spectrum = ModulationSpectrum(bands=4, window=256, rates=(2, 128))(beating(rate, 3))
    lines = spectrum[:, 0].mean(dim=1).argmax(dim=1) + 2
    assert lines.tolist() == [round(rate * 256 / FRAMES_A_SECOND)] * 3


def test_loudness_and_spectrum_leave_modulations_as_they_are() -> None:
    audio = beating(20, 2)
    modulations = ModulationSpectrum(4, 256, (2, 128))
    torch.testing.assert_close(modulations(audio + torch.randn(8)), modulations(audio), atol=2e-3, rtol=0)


@pytest.mark.parametrize("num_frames", [1, 20, 33, 998])
def test_any_length_will_do(num_frames: int) -> None:
    assert create("vgg_modulation_tiny").eval()(torch.randn(2, num_frames, 64)).logits.shape == (2, 10)


def test_each_view_is_asked_in_training_and_their_sum_is_the_answer() -> None:
    torch.manual_seed(0)
    model = create("vgg_modulation_tiny", dropout=0.0)
    output = model(torch.randn(3, 100, 64))
    bias = model.head[1].bias
    answers = output.modality_logits
    assert list(answers) == ["both", "spectrum", "modulations"]
    torch.testing.assert_close(answers["spectrum"] + answers["modulations"] - bias, output.logits)
    assert not model.eval()(torch.randn(3, 100, 64)).modality_logits


def test_the_loss_is_the_mean_over_both_and_each() -> None:
    torch.manual_seed(0)
    model = create("vgg_modulation_tiny", dropout=0.0)
    batch = {"audio": torch.randn(4, 100, 64), "label": torch.tensor([0, 1, 2, 3])}
    terms = Classification(model.inputs, CRITERIA["single-label"], each_modality=True)(model, batch)
    logits = model(batch["audio"]).modality_logits.values()
    expected = torch.stack([cross_entropy(one, batch["label"]) for one in logits]).mean()
    torch.testing.assert_close(terms["loss"], expected)
    assert {"loss_both", "loss_spectrum", "loss_modulations"} <= set(terms)


def test_it_learns_beats_that_a_plain_vgg_does_not_see() -> None:
    """Rates above what rows of four frames can show; the second half of the clips is not learned from."""
    rates = (35.0, 65.0)
    audio = torch.cat([beating(rate, 24) for rate in rates])
    label = torch.arange(2).repeat_interleave(24)
    learned = torch.arange(48) % 2 == 0
    hits = {}
    for name, settings in (("vgg_modulation_tiny", {"window": 128, "rates": (1, 65)}), ("vgg_tiny", {})):
        torch.manual_seed(0)
        model = create(name, num_classes=2, dropout=0.0, **settings)
        given = audio if name != "vgg_tiny" else audio.unflatten(1, (-1, 4)).mean(dim=2)
        objective = Classification(model.inputs, CRITERIA["single-label"], each_modality=True)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        for _ in range(30):
            optimizer.zero_grad()
            objective(model, {"audio": given[learned], "label": label[learned]})["loss"].backward()
            optimizer.step()
        with torch.no_grad():
            found = model.eval()(given[~learned]).logits.argmax(dim=1)
        hits[name] = float((found == label[~learned]).float().mean())
    assert hits["vgg_modulation_tiny"] == 1.0
    assert hits["vgg_tiny"] < 0.9


@pytest.mark.parametrize(
    "settings",
    [
        {"rates": (0, 10)},
        {"rates": (10, 200)},
        {"coarse": 0},
        {"bands": 0},
        {"dropout": 1.0},
        {"modulation_widths": ()},
        {"modulation_pointwise": 3},
    ],
)
def test_settings_that_make_no_network_are_refused(settings: dict) -> None:
    with pytest.raises(BadInputError):
        create("vgg_modulation", **settings)
