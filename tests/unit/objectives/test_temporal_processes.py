"""Two processes with half of a batch each do what one does with all of it."""

import pytest
import torch
from torch import Tensor

from avtool.objectives.temporal.objective import METHODS
from tests.harness import run_two
from tests.unit.objectives.temporal_processes import two_steps

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def of_two(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Tensor]]:
    """What two processes with gloo came to, for each objective."""
    path = tmp_path_factory.mktemp("two") / "results.pt"
    run_two("tests.unit.objectives.temporal_processes", path)
    return torch.load(path, weights_only=True)


@pytest.mark.parametrize("method", METHODS)
def test_losses_gradients_and_queues_are_those_of_one_process(
    of_two: dict[str, dict[str, Tensor]], method: str
) -> None:
    one = two_steps(method)
    assert one.keys() == of_two[method].keys()
    for name, value in one.items():
        torch.testing.assert_close(of_two[method][name], value, rtol=1e-4, atol=1e-5, msg=name)
