"""Gradient clipping and the update of the weights."""

from collections.abc import Sequence

from accelerate import Accelerator  # type: ignore[import-untyped]
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler

from avtool.training.net import whole
from avtool.training.optimizers import Optimizers


class Updater:
    """Clips the gradients of optimisers and lets them move, all under one fp16 loss scale.

    Accelerate's own wrapper would change the loss scale after each of several optimisers, and looks for
    optional libraries in each step (0.3 ms).

    Args:
        accelerator: its loss scale, and its clipping of sharded gradients.
        net: the network as it is called: plain, or wrapped by DDP or FSDP.
        optimizers: torch's own.

    Attributes:
        skipped: whether the last update found gradients beyond fp16, and left the weights as they were.
    """

    def __init__(self, accelerator: Accelerator, net: nn.Module, optimizers: Optimizers) -> None:
        self._accelerator = accelerator
        self._scaler: GradScaler | None = accelerator.scaler
        self._net = net
        self._optimizers = optimizers
        self.skipped = False

    def update(self, moving: Sequence[str]) -> dict[str, Tensor]:
        """Updates the parameters of some optimisers and drops their gradients.

        Returns:
            The gradient norms before clipping: `grad_norm`, or `grad_norm/NAME` of several.
        """
        norms: dict[str, Tensor] = {}
        for name in moving:
            if limit := self._optimizers.recipes[name].optimizer.clip_norm:
                label = "grad_norm" if len(moving) == 1 else f"grad_norm/{name}"
                norms[label] = whole(self._clip(name, limit))
        if self._scaler is None:
            for name in moving:
                self._optimizers[name].step()
        else:
            self._scaled_step(self._scaler, moving)
        for name in moving:
            self._optimizers[name].zero_grad()
        return norms

    def _clip(self, name: str, limit: float) -> Tensor:
        if len(self._optimizers) == 1:
            norm: Tensor = self._accelerator.clip_grad_norm_(self._net.parameters(), limit)
            return norm
        if self._scaler is not None:
            self._scaler.unscale_(self._optimizers[name])
        return nn.utils.clip_grad_norm_(self._optimizers.parameters(name), limit)

    def _scaled_step(self, scaler: GradScaler, moving: Sequence[str]) -> None:
        before = scaler.get_scale()
        for name in moving:
            scaler.step(self._optimizers[name])
        scaler.update()
        self.skipped = scaler.get_scale() < before
