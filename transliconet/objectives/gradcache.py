"""Encoding a batch in parts of which only the requested states are kept (GradCache)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import FullyShardedDataParallel
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint

Compute = Callable[..., tuple[Tensor, ...]]


class _ComputeModule(nn.Module):
    """A function that uses ``module``, as a module: :func:`functional_call` takes nothing else."""

    def __init__(self, module: nn.Module, compute: Compute) -> None:
        super().__init__()
        self.module, self.compute = module, compute

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return self.compute(*inputs)


def recompute_in_backward(
    module: nn.Module, compute: Compute, *inputs: Tensor
) -> tuple[Tensor, ...]:
    """``compute(*inputs)`` without a graph; the backward pass computes it again, with the same
    dropout, and then its gradients.

    The weights of ``module`` are passed as arguments, so that the backward pass of each part
    returns their gradients as it does those of ``inputs``. Autograd sums them over the parts, and
    data parallelism sees one gradient of each weight, when all parts are done.

    torch's own way to checkpoint without arguments (``use_reentrant=False``) leaves a thousand
    small graph nodes between the activations of each part. Once those are freed, the C library's
    heap cannot use the gaps for the next part, and grows by what all parts take together.

    Weights that FSDP has sharded cannot be arguments. There the graph is kept: GPU tensors have a
    heap of their own.

    Args:
        module: the encoder.
        compute: from ``inputs`` to states; it uses ``module``.
        inputs: tensors, or None.
    """
    if any(isinstance(part, FullyShardedDataParallel) for part in module.modules()):
        return checkpoint(compute, *inputs, use_reentrant=False)  # type: ignore[no-any-return]
    trained = {
        f"module.{name}": weight
        for name, weight in module.named_parameters()
        if weight.requires_grad
    }
    compute_module = _ComputeModule(module, compute)

    def run(*arguments: Tensor) -> tuple[Tensor, ...]:
        part_inputs, weights = arguments[: len(inputs)], arguments[len(inputs) :]
        if not torch.is_grad_enabled():
            # or autocast caches casts that have no graph, and the backward pass finds them
            weights = tuple(weight.detach() for weight in weights)
        by_name = dict(zip(trained, weights, strict=True))
        states: tuple[Tensor, ...] = functional_call(compute_module, by_name, part_inputs)
        return states

    return checkpoint(  # type: ignore[no-any-return]
        run, *inputs, *trained.values(), use_reentrant=True
    )
