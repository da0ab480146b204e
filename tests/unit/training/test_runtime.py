"""Device and precision are chosen with a reason, and settings of the process are put back."""

import pytest
import torch

from avtool.core.environment import has_cpu_flag
from avtool.core.errors import BadInputError, ExitCode, MissingError
from avtool.core.runtime import RuntimeRecipe
from avtool.models.registry import create
from avtool.models.runtime import choose_device, choose_precision, default_workers, place
from avtool.models.seeds import derive, seed_everything
from avtool.training.accelerator import process_settings

torch.set_num_threads(1)
no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")


def linear(num_parameters: int) -> torch.nn.Module:
    """A model of so many parameters that takes no memory."""
    return torch.nn.Linear(num_parameters, 1, bias=False, device="meta")


@no_cuda
@pytest.mark.parametrize("wanted", ["cuda", "cuda:1"])
def test_cuda_that_is_not_there_is_exit_code_3(wanted: str) -> None:
    with pytest.raises(MissingError, match=f"cannot use --device {wanted}: no CUDA device found") as caught:
        choose_device(wanted)
    assert caught.value.exit_code == ExitCode.MISSING
    assert caught.value.hint == "use --device cpu"


@no_cuda
def test_auto_takes_the_cpu_where_there_is_nothing_else() -> None:
    assert str(choose_device("auto")) == "cpu (no CUDA device found)"


def test_a_launcher_on_the_cpu_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    assert str(choose_device("auto")) == "cpu (requested by accelerate launch)"


def test_half_precision_needs_a_gpu() -> None:
    with pytest.raises(BadInputError, match="fp16 needs a CUDA device"):
        choose_precision("fp16", "cpu", linear(10**9))


def test_small_models_stay_in_single_precision_on_a_cpu() -> None:
    choice = choose_precision("auto", "cpu", linear(10_000))
    assert choice.value == "fp32"
    assert choice.reason in {"bf16 does not pay for 0.01 M parameters", "the CPU has no fast bf16"}


def test_small_convolutions_do_as_much_as_larger_matrices() -> None:
    convolution = torch.nn.Conv2d(120, 120, 3, device="meta")  # 0.13 M parameters
    assert choose_precision("auto", "cpu", linear(130_000)).value == "fp32"
    expected = choose_precision("auto", "cpu", linear(10**8)).value
    assert choose_precision("auto", "cpu", convolution).value == expected


def test_large_models_follow_the_processor() -> None:
    expected = "bf16" if has_cpu_flag("amx_bf16") or has_cpu_flag("avx512_bf16") else "fp32"
    assert choose_precision("auto", "cpu", linear(10**8)).value == expected
    assert str(choose_precision("bf16", "cpu", linear(1))) == "bf16 (requested)"


def test_settings_of_the_process_are_put_back() -> None:
    threads = torch.get_num_threads()
    recipe = RuntimeRecipe(threads=threads + 1, deterministic=True)
    with process_settings(recipe, torch.device("cpu")):
        assert torch.get_num_threads() == threads + 1
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


def test_convolutions_get_their_layout() -> None:
    layer = torch.nn.Conv2d(3, 4, 3)
    place(layer, RuntimeRecipe(), torch.device("cpu"))
    assert layer.weight.is_contiguous(memory_format=torch.channels_last)
    plain = torch.nn.Conv2d(3, 4, 3)
    place(plain, RuntimeRecipe(channels_last=False), torch.device("cpu"))
    assert plain.weight.is_contiguous()
    unet = create("pvdm_unet_tiny")
    place(unet, RuntimeRecipe(), torch.device("cpu"))
    assert unet.conv_in.weight.is_contiguous(), "channels_last is slower there"


def test_loader_processes_leave_a_processor_free() -> None:
    assert 0 <= default_workers() <= 8


def test_derived_seeds_are_fixed_numbers() -> None:
    assert derive(0, "step", 12) == derive(0, "step", 12)
    assert len({derive(a, b) for a in range(30) for b in range(30)}) == 900
    assert derive(1, 23) != derive(12, 3)
    assert all(0 <= derive(n) < 2**63 for n in range(100))


def test_one_seed_sets_every_generator() -> None:
    import random

    import numpy as np

    def draw() -> tuple[float, float, float]:
        seed_everything(2**62 + 5)
        return random.random(), float(np.random.random()), float(torch.rand(()))  # noqa: NPY002

    assert draw() == draw()
