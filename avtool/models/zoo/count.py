"""Parameters and multiply-accumulates (MACs) of a network: of its matrix products and convolutions."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only
from torch.utils.flop_counter import flop_registry

Forward = Callable[[], object]


class MacCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the MACs of every matrix product and convolution that runs inside the block.

    torch's own `FlopCounterMode` hooks modules too, and fails without gradients where a module returns a
    tuple; this one sees operators alone. Operators without a formula count nothing: norms, activations,
    pooling, samplings. Products and convolutions are not computed: their results are zeros of the right
    shape, so that a network that needs a CPU is counted in seconds. Their shapes decide the count, and no
    network of the zoo looks at them to choose its way.

    Args:
        compute: compute them all the same.

    Attributes:
        macs: so far.
        by_operator: the same, by the operator's name.
    """

    def __init__(self, *, compute: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.compute = compute
        self.by_operator: dict[str, int] = {}

    @property
    def macs(self) -> int:
        """The sum of all operators."""
        return sum(self.by_operator.values())

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        packet = func._overloadpacket  # noqa: SLF001 - as torch's own counter looks formulas up
        if packet not in flop_registry:
            with self:
                found = func.decompose(*args, **kwargs)  # of an operator that consists of others
            if found is not NotImplemented:
                return found
            return func(*args, **kwargs)
        result = func(*args, **kwargs) if self.compute else _zeros_of(func, args, kwargs)
        flops = flop_registry[packet](*args, **kwargs, out_val=result)
        self.by_operator[str(packet)] = self.by_operator.get(str(packet), 0) + flops // 2
        return result


def _zeros_of(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Zeros of the shape of an operator's result, without computing it."""
    device = next(value.device for value in (*args, *kwargs.values()) if isinstance(value, Tensor))
    arguments = tree_map_only(Tensor, lambda tensor: tensor.to("meta"), (args, dict(kwargs)))
    result = func(*arguments[0], **arguments[1])
    if device.type == "meta":
        return result
    return tree_map_only(Tensor, lambda tensor: torch.zeros_like(tensor, device=device), result)


@contextmanager
def countable() -> Iterator[None]:
    """Runs attention as the matrix products that it consists of: fused kernels have no formula on a CPU.

    nn.TransformerEncoderLayer's fast path, which is one opaque operator, is off inside.
    """
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH), torch.no_grad():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def count_macs(model: nn.Module, forward: Forward) -> int:
    """The MACs of one forward pass in evaluation mode; on the meta device it takes neither memory nor time.

    Args:
        model: in whichever mode; it is put back.
        forward: runs it.
    """
    training = model.training
    model.eval()
    try:
        with countable(), MacCounter() as counter:
            forward()
    finally:
        model.train(training)
    return int(counter.macs)


def count_parameters(model: nn.Module) -> int:
    """The number of parameters; shared ones count once."""
    return sum(parameter.numel() for parameter in model.parameters())
