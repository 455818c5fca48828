"""Encoding a batch in parts, of which nothing is kept but what is read of them (GradCache)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import FullyShardedDataParallel
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint

Compute = Callable[..., tuple[Tensor, ...]]


class _Bound(nn.Module):
    """What ``compute`` does with ``module``, as a module: :func:`functional_call` takes nothing
    else.
    """

    def __init__(self, module: nn.Module, compute: Compute) -> None:
        super().__init__()
        self.module, self.compute = module, compute

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return self.compute(*inputs)


def replayed(module: nn.Module, compute: Compute, *inputs: Tensor) -> tuple[Tensor, ...]:
    """``compute(*inputs)``, which uses ``module``, computed again in the backward pass, with the
    same dropout.

    The forward pass makes no graph. One that waits for its activations (``use_reentrant=False``)
    leaves a thousand small nodes between them, and once they are freed the C library's heap cannot
    use the gaps for the next part: it grows by what all parts take together. So the weights are
    arguments here: the backward pass of each part returns their gradients as it does those of
    ``inputs``, autograd sums them over the parts, and data parallelism sees one gradient of each
    weight, when all parts are done.

    Weights that FSDP has spread over devices cannot be arguments; on these, which keep their
    tensors in a heap of their own, the graph waits.
    """
    if any(isinstance(part, FullyShardedDataParallel) for part in module.modules()):
        return checkpoint(compute, *inputs, use_reentrant=False)  # type: ignore[no-any-return]
    trained = {
        f"module.{name}": weight
        for name, weight in module.named_parameters()
        if weight.requires_grad
    }
    bound = _Bound(module, compute)

    def run(*arguments: Tensor) -> tuple[Tensor, ...]:
        weights = arguments[len(inputs) :]
        if (
            not torch.is_grad_enabled()
        ):  # or the autocast of older versions of torch keeps casts that have no graph
            weights = tuple(weight.detach() for weight in weights)
        result: tuple[Tensor, ...] = functional_call(
            bound, dict(zip(trained, weights, strict=True)), arguments[: len(inputs)]
        )
        return result

    # type: ignore[no-any-return]
    return checkpoint(run, *inputs, *trained.values(), use_reentrant=True)
